import type { AlertsView, StatusView } from '../core/index.ts'
import type { Labels, MetricFamily } from '../telemetry/index.ts'

/** The status as metrics. What could not be counted is null. */
export function statusMetrics(status: StatusView, alerts: AlertsView, memoryBytes: number): MetricFamily[] {
  const flows = status.flows.map((flow) => ({ flow, labels: { stream: flow.stream, topic: flow.topic, table: flow.table } }))
  const streams = status.streams.map((stream) => ({ stream, labels: { stream: stream.stream } }))
  return [
    {
      name: 'millrace_part_up',
      type: 'gauge',
      help: 'Whether a part answers.',
      samples: status.parts.map((part) => ({ labels: { part: part.name, is: part.is }, value: part.state === 'ok' ? 1 : 0 })),
    },
    {
      name: 'millrace_records_fetched_total',
      type: 'counter',
      since: 'unknown',
      help: 'Records fetched by the project’s sources.',
      samples: status.flows.slice(0, 1).map(({ fetched }) => ({ labels: { project: status.project }, value: fetched })),
    },
    {
      name: 'millrace_topic_records',
      type: 'gauge',
      help: 'Records in a stream’s topic.',
      samples: flows.map(({ flow, labels }) => ({ labels, value: flow.inTopic })),
    },
    {
      name: 'millrace_table_rows',
      type: 'gauge',
      help: 'Rows in a stream’s table.',
      samples: flows.map(({ flow, labels }) => ({ labels, value: flow.inTable })),
    },
    {
      name: 'millrace_dead_letters',
      type: 'gauge',
      help: 'Dead letters of a stream.',
      samples: flows.map(({ flow, labels }) => ({ labels, value: flow.deadLetters })),
    },
    {
      name: 'millrace_stream_lag',
      type: 'gauge',
      help: 'Records between committed offset and end of the topic.',
      samples: flows.map(({ flow, labels }) => ({ labels, value: flow.lag })),
    },
    {
      name: 'millrace_stream_records_read_total',
      type: 'counter',
      since: 'unknown',
      help: 'Records read since the worker started.',
      samples: streams.map(({ stream, labels }) => ({ labels, value: stream.recordsRead })),
    },
    {
      name: 'millrace_stream_rows_written_total',
      type: 'counter',
      since: 'unknown',
      help: 'Rows written since the worker started.',
      samples: streams.map(({ stream, labels }) => ({ labels, value: stream.rowsWritten })),
    },
    {
      name: 'millrace_stream_running',
      type: 'gauge',
      help: 'Whether a stream runs (0: starting, retrying or stopped).',
      samples: streams.map(({ stream, labels }) => ({ labels, value: stream.state.is === 'running' ? 1 : 0 })),
    },
    {
      name: 'millrace_alerts_firing',
      type: 'gauge',
      help: 'Alerts that fire: 1 each.',
      samples: status.alerts.map(({ name, severity, subject }) => ({ labels: { alertname: name, severity, ...subject }, value: 1 })),
    },
    {
      name: 'millrace_alert_messages_total',
      type: 'counter',
      help: 'Attempts to deliver messages to the webhook of alerts.',
      samples: alerts.webhook.host === null ? [] : outcomes(alerts.webhook),
    },
    {
      name: 'millrace_memory_bytes',
      type: 'gauge',
      help: 'Resident memory of the supervisor.',
      samples: [{ labels: {}, value: memoryBytes }],
    },
  ]
}

function outcomes({ delivered, failed }: AlertsView['webhook']): { labels: Labels; value: number }[] {
  return [
    { labels: { outcome: 'delivered' }, value: delivered },
    { labels: { outcome: 'failed' }, value: failed },
  ]
}
