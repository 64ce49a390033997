"""What kafka-python sees of a broker: `<servers>`; prints one JSON object, check by check."""

import json
import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic, OffsetSpec
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

servers = sys.argv[1]
admin = KafkaAdminClient(bootstrap_servers=servers)
WITHIN_S = 90


def until(what, holds):
    late = time.monotonic() + WITHIN_S
    while not holds():
        if time.monotonic() > late:
            raise RuntimeError(f"never: {what}")


def create(topic, partitions=1, **configs):
    admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)], wait_for_metadata=True)


def producer(**options):
    return KafkaProducer(bootstrap_servers=servers, acks="all", **options)


def consumer(group, *topics, **options):
    made = KafkaConsumer(bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=100, **options)
    made.subscribe(topics)
    return made


def write(topic, values, partitions=1):
    source = producer()
    sent = [source.send(topic, value=value.encode(), partition=at % partitions) for at, value in enumerate(values)]
    offsets = [each.get(WITHIN_S).offset for each in sent]
    source.close()
    return offsets


def read(source, count):
    records = []

    def came():
        # An assignment that comes after the end of a poll is lost in kafka-python: long ones.
        for batch in source.poll(timeout_ms=10_000).values():
            records.extend(batch)
        return len(records) >= count

    until(f"{count} records", came)
    return records


def idempotent():
    create("kp-idempotent", 2)
    source = producer(enable_idempotence=True, linger_ms=5, batch_size=512)
    sent = [source.send("kp-idempotent", key=b"%d" % at, value=b"x" * at, partition=at % 2) for at in range(400)]
    offsets = [each.get(WITHIN_S).offset for each in sent]
    source.close()
    target = consumer("kp-idempotent", "kp-idempotent")
    keys = [[], []]
    for record in read(target, 400):
        keys[record.partition].append(int(record.key))
    target.close()
    producers = admin.describe_producers([TopicPartition("kp-idempotent", 0)])
    known = len(producers[TopicPartition("kp-idempotent", 0)].active_producers)
    return [offsets == [at // 2 for at in range(400)], keys == [list(range(0, 400, 2)), list(range(1, 400, 2))], known]


def shared_group(topic, **options):
    create(topic, 4)
    write(topic, [str(at) for at in range(80)], 4)
    first = consumer(topic, topic, **options)
    seen = len(read(first, 80))
    first.commit()
    second = consumer(topic, topic, **options)

    def assigned(*members):
        for member in members:
            member.poll(timeout_ms=2_000)
        return [len(member.assignment()) for member in members]

    until("halves", lambda: assigned(first, second) == [2, 2])
    second.close()
    until("all again", lambda: assigned(first) == [4])
    committed = [first.committed(TopicPartition(topic, at)) for at in range(4)]
    first.close()
    return [seen, committed]


def static_member():
    create("kp-static", 2)
    write("kp-static", [str(at) for at in range(10)], 2)
    first = consumer("kp-static", "kp-static", group_instance_id="one")
    read(first, 10)
    first.commit()
    first.close()
    second = consumer("kp-static", "kp-static", group_instance_id="one")
    write("kp-static", ["more"])
    values = [record.value.decode() for record in read(second, 1)]
    members = [each["group_instance_id"] for each in admin.describe_groups(["kp-static"])["kp-static"]["members"]]
    second.close()
    return [values, members]


def seeking():
    create("kp-seek")
    source = producer()
    for at in range(20):
        source.send("kp-seek", value=str(at).encode(), timestamp_ms=1_700_000_000_000 + at * 1_000).get(WITHIN_S)
    source.close()
    place = TopicPartition("kp-seek", 0)
    target = KafkaConsumer(bootstrap_servers=servers, group_id=None, fetch_max_wait_ms=100)
    target.assign([place])
    by_time = [target.offsets_for_times({place: 1_700_000_000_000 + at})[place] for at in [0, 7_500, 99_000]]
    target.seek(place, 15)
    offsets = [record.offset for record in read(target, 5)]
    ends = [target.beginning_offsets([place])[place], target.end_offsets([place])[place]]
    target.close()
    return [[found and [found.offset, found.timestamp] for found in by_time], offsets, ends]


def administration():
    topic = "kp-admin"
    create(topic, 2, **{"retention.ms": "1000"})
    admin.create_partitions({topic: NewPartitions(3)})
    resource = {"max.message.bytes": "2000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, resource)])
    names = ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None, "max.message.bytes": None})
    # What a controller has accepted the brokers of a cluster show a moment later.
    until("configs", lambda: admin.describe_configs([names], config_filter="all")["topic"][topic]["max.message.bytes"]["value"] == "2000")
    until("partitions", lambda: len(admin.describe_topics([topic])[0]["partitions"]) == 3)
    configs = admin.describe_configs([names], config_filter="all")["topic"][topic]
    write(topic, [str(at) for at in range(6)])
    place = TopicPartition(topic, 0)
    low = admin.delete_records({place: 4})[place]["low_watermark"]
    ends = [admin.list_partition_offsets({place: spec})[place].offset for spec in [OffsetSpec.EARLIEST, OffsetSpec.LATEST]]
    admin.alter_group_offsets(topic, {place: OffsetAndMetadata(5, "why", -1)})
    kept = admin.list_group_offsets([topic])[topic][place]
    state = admin.describe_groups([topic])[topic]["group_state"]
    listed = [each["group_id"] for each in admin.list_groups() if each["group_id"] == topic]
    admin.delete_groups([topic])
    left = topic in [each["group_id"] for each in admin.list_groups()]
    partitions = len(admin.describe_topics([topic])[0]["partitions"])
    brokers = len(admin.describe_cluster()["brokers"])
    admin.delete_topics([topic])
    values = [configs[name]["value"] for name in ["retention.ms", "max.message.bytes"]]
    return [values, low, ends, [kept.offset, kept.metadata], state, listed, left, partitions, brokers]


def refusals():
    def code(action):
        try:
            action()
        except KafkaError as failure:
            return type(failure).__name__

    create("kp-small")
    source = producer(max_request_size=4_000_000, retries=0)
    too_large = code(lambda: source.send("kp-small", value=b"x" * 2_000_000).get(WITHIN_S))
    source.close()
    twice = code(lambda: create("kp-small"))
    odd = code(lambda: create("kp-odd", **{"no.such": "1"}))
    missing = code(lambda: admin.delete_topics(["kp-nothing"]))
    return [too_large, twice, odd, missing]


found = {}
for name, check in {
    "idempotent producing": idempotent,
    "a group that is shared and left": lambda: shared_group("kp-group"),
    "a cooperative group that is shared and left": lambda: shared_group("kp-cooperative", partition_assignment_strategy=[CooperativeStickyAssignor]),
    "a static member that comes back": static_member,
    "offsets by time, seeking": seeking,
    "admin: topics, partitions, configs, records, offsets, groups": administration,
    "errors": refusals,
}.items():
    try:
        found[name] = check()
    except Exception as failure:
        found[name] = f"failed: {failure!r}"
admin.close()
print(json.dumps(found))
