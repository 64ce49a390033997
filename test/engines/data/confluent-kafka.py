"""What confluent-kafka (librdkafka) sees of a broker: `<servers>`; prints one JSON object, check by check."""

import json
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType

servers = sys.argv[1]
common = {"bootstrap.servers": servers}
admin = AdminClient(common)


def create(topic, partitions=1):
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(90)


def consumer(group, **options):
    settings = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "fetch.wait.max.ms": 100}
    return Consumer({**common, **settings, **{name.replace("_", "."): value for name, value in options.items()}})


def until(what, holds):
    late = time.monotonic() + 90
    while not holds():
        if time.monotonic() > late:
            raise RuntimeError(f"never: {what}")


def read(source, count):
    records = []
    while len(records) < count:
        record = source.poll(90)
        if record is None:
            raise RuntimeError(f"{len(records)} of {count} records came")
        if record.error():
            raise KafkaException(record.error())
        records.append(record)
    return records


def codecs():
    create("ck-codecs", 2)
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        producer = Producer({**common, "compression.type": codec, "enable.idempotence": True})
        for at in range(100):
            producer.produce("ck-codecs", key=f"{codec}-{at}", value="x" * at, headers=[("codec", codec), ("none", None)], timestamp=1_700_000_000_000 + at)
        producer.flush(90)
    source = consumer("ck-codecs")
    source.subscribe(["ck-codecs"])
    found = {}
    for record in read(source, 500):
        name = record.headers()[0][1].decode()
        found[name] = found.get(name, 0) + len(record.value())
        if record.headers()[1] != ("none", None) or record.timestamp() != (1, 1_700_000_000_000 + len(record.value())):
            found["wrong"] = record.offset()
    source.close()
    return found


def group(protocol):
    topic = f"ck-group-{protocol}"
    create(topic, 4)
    producer = Producer(common)
    for at in range(80):
        producer.produce(topic, value=str(at), partition=at % 4)
    producer.flush(90)
    options = {"group_protocol": protocol} | ({"partition_assignment_strategy": "cooperative-sticky"} if protocol == "classic" else {})
    first, second = consumer(topic, **options), consumer(topic, **options)
    first.subscribe([topic])
    seen = len(read(first, 80))
    first.commit(asynchronous=False)
    second.subscribe([topic])

    def assigned(*members):
        for member in members:
            member.poll(0.05)
        return [len(member.assignment()) for member in members]

    until("halves", lambda: assigned(first, second) == [2, 2])
    second.close()
    until("all again", lambda: assigned(first) == [4])
    committed = [each.offset for each in first.committed([TopicPartition(topic, at) for at in range(4)], 90)]
    first.close()
    return [seen, committed]


def transactions():
    create("ck-in")
    create("ck-out")
    producer = Producer(common)
    for at in range(90):
        producer.produce("ck-in", value=str(at))
    producer.flush(90)
    source = consumer("ck-copier", isolation_level="read_committed")
    source.subscribe(["ck-in"])
    copier = Producer({**common, "transactional.id": "ck-copier"})
    copier.init_transactions(90)
    for turn, at in enumerate(range(0, 90, 30)):
        records = read(source, 30)
        for outcome in ["abort", "commit"]:
            copier.begin_transaction()
            for record in records:
                copier.produce("ck-out", value=record.value())
            copier.send_offsets_to_transaction(source.position(source.assignment()), source.consumer_group_metadata(), 90)
            copier.abort_transaction(90) if outcome == "abort" else copier.commit_transaction(90)
    committed = source.committed(source.assignment(), 90)[0].offset
    source.close()
    reader = consumer("ck-reader", isolation_level="read_committed")
    reader.subscribe(["ck-out"])
    values = [int(record.value()) for record in read(reader, 90)]
    reader.close()
    return [committed, values == list(range(90))]


def administration():
    create("ck-admin", 1)
    resource = ConfigResource(ResourceType.TOPIC, "ck-admin")
    admin.create_partitions([NewPartitions("ck-admin", 3)])["ck-admin"].result(90)
    change = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, "ck-admin", incremental_configs=[change])])[resource].result(90)
    # What a controller has accepted the brokers of a cluster show a moment later.
    until("config", lambda: admin.describe_configs([resource])[resource].result(90)["retention.ms"].value == "1000")
    until("partitions", lambda: len(admin.list_topics("ck-admin").topics["ck-admin"].partitions) == 3)
    producer = Producer(common)
    for at in range(6):
        producer.produce("ck-admin", value=str(at), partition=0)
    producer.flush(90)
    place = TopicPartition("ck-admin", 0, 4)
    low = admin.delete_records([place])[place].result(90).low_watermark
    ends = [admin.list_offsets({TopicPartition("ck-admin", 0): spec})[TopicPartition("ck-admin", 0)].result(90).offset for spec in [OffsetSpec.earliest(), OffsetSpec.latest()]]
    admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions("ck-admin", [TopicPartition("ck-admin", 0, 5)])])["ck-admin"].result(90)
    offsets = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("ck-admin")])["ck-admin"].result(90).topic_partitions
    state = admin.describe_consumer_groups(["ck-admin"])["ck-admin"].result(90).state.name
    listed = [each.group_id for each in admin.list_consumer_groups().result(90).valid if each.group_id == "ck-admin"]
    admin.delete_consumer_groups(["ck-admin"])["ck-admin"].result(90)
    described = admin.describe_topics(TopicCollection(["ck-admin"]))["ck-admin"].result(90)
    cluster = admin.describe_cluster().result(90)
    admin.delete_topics(["ck-admin"])["ck-admin"].result(90)
    return [low, ends, [each.offset for each in offsets], state, listed, len(described.partitions), len(cluster.nodes)]


def refusals():
    def code(action):
        try:
            action()
        except KafkaException as failure:
            return failure.args[0].name()

    failures = []
    producer = Producer({**common, "message.max.bytes": 4_000_000, "message.timeout.ms": 90_000})
    create("ck-small")
    producer.produce("ck-small", value=b"x" * 2_000_000, on_delivery=lambda error, _: failures.append(error and error.name()))
    producer.flush(90)
    twice = code(lambda: create("ck-small"))
    odd = code(lambda: admin.create_topics([NewTopic("ck-odd", 1, 1, config={"no.such": "1"})])["ck-odd"].result(90))
    missing = code(lambda: admin.delete_topics(["ck-nothing"])["ck-nothing"].result(90))
    return [failures, twice, odd, missing]


found = {}
for name, check in {
    "records of every codec, headers, timestamps, idempotent": codecs,
    "a cooperative group that is shared and left": lambda: group("classic"),
    "a group of the next generation (KIP-848)": lambda: group("consumer"),
    "a copy by transactions, each aborted once": transactions,
    "admin: topics, configs, records, offsets, groups": administration,
    "errors": refusals,
}.items():
    try:
        found[name] = check()
    except Exception as failure:
        found[name] = f"failed: {failure!r}"
print(json.dumps(found))
