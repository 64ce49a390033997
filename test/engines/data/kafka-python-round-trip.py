"""Produces with each codec, consumes in a group, seeks, commits, changes configs, deletes; prints one JSON line of what it saw."""

import json
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata

servers, topic = sys.argv[1:3]
codecs = [None, "gzip", "snappy", "lz4", "zstd"]
EACH = 200

admin = KafkaAdminClient(bootstrap_servers=servers)
admin.create_topics({topic: {"num_partitions": 3, "replication_factor": 1, "configs": {"retention.ms": "3600000"}}})
partitions = [TopicPartition(topic, at) for at in range(3)]

acknowledged = []
for codec in codecs:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", compression_type=codec, linger_ms=20)
    sent = [
        producer.send(topic, key=f"{codec}-{at}".encode(), value=b"x" * at, partition=at % 3, headers=[("codec", str(codec).encode())])
        for at in range(EACH)
    ]
    acknowledged += [(each.get(30).partition, each.get(30).offset) for each in sent]
    producer.close()


def consumer(group):
    return KafkaConsumer(bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)


def read(source, count):
    records = []
    while len(records) < count:
        for batch in source.poll(timeout_ms=1000).values():
            records += batch
    return records


total = EACH * len(codecs)
first = consumer(f"{topic}-readers")
first.subscribe([topic])
records = read(first, total)
read_as_sent = sorted((each.partition, each.offset) for each in records) == sorted(acknowledged)
by_codec = {}
for each in records:
    name = dict(each.headers)["codec"].decode()
    by_codec[name] = by_codec.get(name, 0) + len(each.value)
first.commit({partition: OffsetAndMetadata(100, "half", -1) for partition in partitions})
first.seek(partitions[0], 10)
after_seek = min(each.offset for each in read(first, 1) if each.partition == 0)
assigned = len(first.assignment())
first.close()

second = consumer(f"{topic}-readers")
second.subscribe([topic])
rest = read(second, total - 300)
goes_on_at = [min(each.offset for each in rest if each.partition == partition) for partition in range(3)]
offsets = admin.list_group_offsets([f"{topic}-readers"])[f"{topic}-readers"]
committed = [[each.partition, found.offset, found.metadata] for each, found in sorted(offsets.items())]
ends = [second.end_offsets([each])[each] for each in partitions]
second.close()


def configs(*names):
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, {name: None for name in names})
    found = admin.describe_configs([resource], config_filter="all")["topic"][topic]
    return {name: found[name]["value"] for name in names}


before = configs("retention.ms", "cleanup.policy", "max.message.bytes")
admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7200000", "max.message.bytes": "2000000"})])
late = time.monotonic() + 60
# What a controller has accepted the brokers of a cluster show a moment later.
while (after := configs("retention.ms", "cleanup.policy", "max.message.bytes")) == before and time.monotonic() < late:
    pass
group = admin.describe_groups([f"{topic}-readers"])[f"{topic}-readers"]
listed = topic in admin.list_topics()
admin.delete_topics([topic])
admin.close()

print(
    json.dumps(
        {
            "acknowledged": len(acknowledged),
            "readAsSent": read_as_sent,
            "bytesByCodec": by_codec,
            "afterSeek": after_seek,
            "assigned": assigned,
            "goesOnAt": goes_on_at,
            "committed": committed,
            "ends": ends,
            "before": before,
            "after": after,
            "group": [group["group_state"], group["protocol_type"], len(group["members"])],
            "listed": listed,
        }
    )
)
