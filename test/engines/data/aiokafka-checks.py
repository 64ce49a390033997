"""What aiokafka sees of a broker: `<servers>`; prints one JSON object, check by check."""

import asyncio
import json
import logging
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

servers = sys.argv[1]
WITHIN_S = 90
logging.disable(logging.CRITICAL)


async def until(what, holds):
    async with asyncio.timeout(WITHIN_S):
        while not await holds():
            await asyncio.sleep(0.02)


async def create(topic, partitions=1, **configs):
    return await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])


def error_of(answer):
    return [code for _, code, *_ in answer.topic_errors]


async def producing(**options):
    source = AIOKafkaProducer(bootstrap_servers=servers, **{"acks": "all", **options})
    await source.start()
    return source


async def consuming(*topics, group=None, **options):
    target = AIOKafkaConsumer(
        *topics, bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=100, **options
    )
    await target.start()
    return target


async def write(topic, values, partitions=1):
    source = await producing()
    sent = [await source.send_and_wait(topic, value.encode(), partition=at % partitions) for at, value in enumerate(values)]
    await source.stop()
    return [each.offset for each in sent]


async def read(target, count):
    async with asyncio.timeout(WITHIN_S):
        return [await target.getone() for _ in range(count)]


async def codecs():
    await create("ai-codecs")
    for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
        source = await producing(compression_type=codec, enable_idempotence=True)
        headers = [("h", b"x"), ("none", None)]
        await source.send_and_wait("ai-codecs", str(codec).encode() * 50, key=b"k", timestamp_ms=1_700_000_000_123, headers=headers)
        await source.send_and_wait("ai-codecs", None, key=b"gone", timestamp_ms=1_700_000_000_124)
        await source.stop()
    target = await consuming("ai-codecs", group="ai-codecs")
    records = await read(target, 10)
    await target.stop()
    return [[at.offset, at.key and at.key.decode(), at.value and len(at.value), at.timestamp, [name for name, _ in at.headers]] for at in records]


async def acknowledgements():
    await create("ai-acks")
    told = []
    for acks in [0, 1, "all"]:
        source = await producing(acks=acks)
        sent = await source.send_and_wait("ai-acks", str(acks).encode())
        told.append(sent and sent.offset)
        await source.stop()
    target = await consuming("ai-acks", group="ai-acks")
    values = [each.value.decode() for each in await read(target, 3)]
    await target.stop()
    return [told, values]


class Remembering(ConsumerRebalanceListener):
    """How often partitions came."""

    def __init__(self):
        self.times = 0

    async def on_partitions_revoked(self, revoked):
        pass

    async def on_partitions_assigned(self, assigned):
        self.times += 1


async def shared_group(topic, assignor):
    await create(topic, 4)
    await write(topic, [str(at) for at in range(80)], 4)
    listener = Remembering()
    first = await consuming(group=topic, partition_assignment_strategy=[assignor])
    first.subscribe([topic], listener=listener)
    seen = len(await read(first, 80))
    await first.commit()
    second = await consuming(topic, group=topic, partition_assignment_strategy=[assignor])

    async def halves():
        for each in [first, second]:
            await each.getmany(timeout_ms=50)
        return [len(first.assignment()), len(second.assignment())] == [2, 2]

    async def whole():
        await first.getmany(timeout_ms=50)
        return len(first.assignment()) == 4

    await until("halves", halves)
    await second.stop()
    await until("all again", whole)
    committed = [await first.committed(TopicPartition(topic, at)) for at in range(4)]
    await first.stop()
    return [seen, committed, listener.times >= 3]


async def going_on():
    await create("ai-on")
    await write("ai-on", ["a", "b", "c"])
    place = TopicPartition("ai-on", 0)
    target = await consuming("ai-on", group="ai-on", group_instance_id="one")
    await read(target, 3)
    await target.commit({place: OffsetAndMetadata(2, "why")})
    await target.stop()
    target = await consuming("ai-on", group="ai-on", group_instance_id="one")
    values = [each.value.decode() for each in await read(target, 1)]
    lag = (await target.end_offsets([place]))[place] - await target.position(place)
    await target.stop()
    return [values, lag]


async def seeking():
    await create("ai-seek")
    source = await producing()
    for at in range(20):
        await source.send_and_wait("ai-seek", str(at).encode(), timestamp_ms=1_700_000_000_000 + at * 1_000)
    place = TopicPartition("ai-seek", 0)
    target = await consuming()
    target.assign([place])
    by_time = [(await target.offsets_for_times({place: 1_700_000_000_000 + at}))[place] for at in [0, 7_500, 99_000]]
    target.seek(place, 15)
    offsets = [each.offset for each in await read(target, 5)]
    target.pause(place)
    await source.send_and_wait("ai-seek", b"later")
    paused = [len(batch) for batch in (await target.getmany(timeout_ms=300)).values()]
    target.resume(place)
    later = [each.value.decode() for each in await read(target, 1)]
    await target.seek_to_beginning(place)
    again = (await read(target, 1))[0].offset
    ends = [(await target.beginning_offsets([place]))[place], (await target.end_offsets([place]))[place]]
    await target.stop()
    await source.stop()
    return [[found and [found.offset, found.timestamp] for found in by_time], offsets, paused, later, again, ends]


async def transactions():
    await create("ai-in")
    await create("ai-out")
    await write("ai-in", [str(at) for at in range(60)])
    place = TopicPartition("ai-in", 0)
    target = await consuming("ai-in", group="ai-copy", isolation_level="read_committed")
    copier = await producing(transactional_id="ai-copy")
    for end in [20, 40, 60]:
        records = await read(target, 20)
        for outcome in ["abort", "commit"]:
            await copier.begin_transaction()
            for each in records:
                await copier.send("ai-out", each.value)
            await copier.send_offsets_to_transaction({place: end}, "ai-copy")
            await (copier.abort_transaction() if outcome == "abort" else copier.commit_transaction())

    async def is_committed():
        return await target.committed(place) == 60

    # A coordinator answers a commit before its markers are written, and aiokafka does not ask for stable offsets (KIP-447).
    await until("committed", is_committed)
    await target.stop()
    other = await producing(transactional_id="ai-copy")

    async def goes_on():
        async with copier.transaction():
            await copier.send_and_wait("ai-out", b"of the fenced one")

    fenced = await code(goes_on())
    await code(copier.stop())
    await other.stop()
    reader = await consuming("ai-out", group="ai-reader", isolation_level="read_committed")
    values = [int(each.value) for each in await read(reader, 60)]
    await reader.stop()
    return [values == list(range(60)), fenced]


async def administration():
    topic = "ai-admin"
    await create(topic, 2, **{"retention.ms": "1000"})
    await admin.create_partitions({topic: NewPartitions(3)})
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "2000"})])

    async def configs():
        [described] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {name: value for name, value, *_ in described.resources[0][4]}

    async def is_altered():
        return (await configs())["max.message.bytes"] == "2000"

    # What a controller has accepted the brokers of a cluster show a moment later.
    await until("configs", is_altered)
    values = [(await configs())[name] for name in ["retention.ms", "max.message.bytes"]]
    await write(topic, [str(at) for at in range(6)])
    place = TopicPartition(topic, 0)
    low = (await admin.delete_records({place: RecordsToDelete(before_offset=4)}))[place]
    target = await consuming(topic, group=topic)
    await read(target, 2)
    await target.commit({place: OffsetAndMetadata(5, "why")})
    members = len((await admin.describe_consumer_groups([topic]))[0].groups[0][5])
    await target.stop()
    kept = (await admin.list_consumer_group_offsets(topic))[place]
    state = (await admin.describe_consumer_groups([topic]))[0].groups[0][2]
    listed = [each for each in await admin.list_consumer_groups() if each[0] == topic]
    partitions = len((await admin.describe_topics([topic]))[0]["partitions"])
    brokers = len((await admin.describe_cluster())["brokers"])
    coordinator = await admin.find_coordinator(topic)
    await admin.delete_topics([topic])

    async def is_gone():
        return topic not in await admin.list_topics()

    await until("gone", is_gone)
    return [values, low, members, [kept.offset, kept.metadata], state, listed, partitions, brokers, coordinator]


async def code(action):
    try:
        await action
    except KafkaError as failure:
        return type(failure).__name__


async def refusals():
    await create("ai-small")
    source = await producing(max_request_size=4_000_000)
    too_large = await code(source.send_and_wait("ai-small", b"x" * 2_000_000))
    await source.stop()
    twice = error_of(await create("ai-small"))
    odd = error_of(await create("ai-odd", **{"no.such": "1"}))
    missing = [error for _, error in (await admin.delete_topics(["ai-nothing"])).topic_error_codes]
    return [too_large, twice, odd, missing]


async def main():
    # It wants to be made where the loop runs.
    global admin
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    found = {}
    for name, check in {
        "records of every codec, headers, nulls, timestamps, idempotent": codecs,
        "acks: none, of the leader, of all": acknowledgements,
        "a group that is shared and left": lambda: shared_group("ai-group", RoundRobinPartitionAssignor),
        "a sticky group that is shared and left": lambda: shared_group("ai-sticky", StickyPartitionAssignor),
        "a static member that goes on where it stopped": going_on,
        "offsets by time, seeking, pausing": seeking,
        "a copy by transactions, each aborted once, and a producer that is fenced": transactions,
        "admin: topics, partitions, configs, records, offsets, groups": administration,
        "errors": refusals,
    }.items():
        try:
            found[name] = await check()
        except Exception as failure:
            found[name] = f"failed: {failure!r}"
    await admin.close()
    print(json.dumps(found))


asyncio.run(main())
