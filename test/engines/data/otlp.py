"""Reads bodies of OTLP/HTTP JSON from a file of JSON lines (path, body) as opentelemetry-proto's messages, strictly, and prints what it read."""

import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# The one place where OTLP's JSON is not protobuf's: ids are hexadecimal, where protobuf has base64.
IDS = {"traceId": 16, "spanId": 8, "parentSpanId": 8}


def with_base64_ids(value):
    if isinstance(value, list):
        return [with_base64_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, each in value.items():
        if key in IDS:
            raw = bytes.fromhex(each)
            assert len(raw) == IDS[key], key
            out[key] = base64.b64encode(raw).decode()
        else:
            out[key] = with_base64_ids(each)
    return out


def attributes(holder):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in holder if each.value.WhichOneof("value") != "array_value"}


spans, metrics = [], {}
with open(sys.argv[1]) as lines:
    for line in lines:
        path, body = json.loads(line)
        traces = path == "/v1/traces"
        message = json_format.ParseDict(with_base64_ids(body), ExportTraceServiceRequest() if traces else ExportMetricsServiceRequest())
        # What is written as bytes is read again as it was.
        assert type(message).FromString(message.SerializeToString()) == message
        for resource in message.resource_spans if traces else message.resource_metrics:
            service = attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans if traces else resource.scope_metrics:
                for span in scope.spans if traces else []:
                    spans.append(
                        {
                            "service": service,
                            "name": span.name,
                            "kind": span.kind,
                            "traceId": span.trace_id.hex(),
                            "parent": span.parent_span_id.hex(),
                            "tookNanos": span.end_time_unix_nano - span.start_time_unix_nano,
                            "status": span.status.code,
                            "links": len(span.links),
                            "attributes": attributes(span.attributes),
                        }
                    )
                for metric in [] if traces else scope.metrics:
                    kind = metric.WhichOneof("data")
                    points = getattr(metric, kind).data_points
                    metrics[metric.name] = {
                        "kind": kind,
                        "unit": metric.unit,
                        "points": [
                            {"count": point.count, "sum": point.sum, "buckets": list(point.bucket_counts)}
                            if kind == "histogram"
                            else {"value": point.as_double}
                            for point in points
                        ],
                    }
print(json.dumps({"spans": spans, "metrics": metrics}))
