"""What aiokafka (pure Python) asks of a broker.

    aio.py BROKERS CASE
"""

import asyncio
import re
import sys
import time
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError, ProducerFenced

WAIT = 20


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


async def until(holds, seconds=WAIT):
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end, "not in time"
        await asyncio.sleep(0.05)


async def admin(work):
    client = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await client.start()
    try:
        return await work(client)
    finally:
        await client.close()


async def topic(name, partitions=1, **config):
    name = unique(name)
    config = {key.replace("_", "."): value for key, value in config.items()}
    await admin(lambda a: a.create_topics([NewTopic(name, partitions, 1, topic_configs=config)]))
    await until(lambda: has(name, partitions))
    return name


async def has(name, partitions):
    described = (await admin(lambda a: a.describe_topics([name])))[0]
    return len(described["partitions"]) == partitions


async def read(name, isolation="read_committed"):
    """The records of a topic, to its end."""
    async with AIOKafkaConsumer(
        name, bootstrap_servers=brokers, auto_offset_reset="earliest", isolation_level=isolation
    ) as consumer:
        places = [TopicPartition(name, p) for p in consumer.partitions_for_topic(name)]
        ends = await consumer.end_offsets(places)
        records = []
        for place in places:
            while await consumer.position(place) < ends[place]:
                records += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
        return records


def producer(**config):
    return AIOKafkaProducer(bootstrap_servers=brokers, **config)


def member(group, *topics, **config):
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=brokers,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
        metadata_max_age_ms=500,
        **config,
    )


async def topics():
    name = await topic("topics", 2, cleanup_policy="compact")
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    response = (await admin(lambda a: a.describe_configs([resource])))[0]
    config = {entry[0]: entry[1] for entry in response.resources[0][4]}
    assert config["cleanup.policy"] == "compact" and config["retention.ms"] == "604800000", config
    await admin(lambda a: a.create_partitions({name: NewPartitions(4)}))
    await until(lambda: has(name, 4))
    await admin(lambda a: a.delete_topics([name]))

    async def gone():
        return name not in await admin(lambda a: a.list_topics())

    await until(gone)


async def patterns():
    prefix = unique("pattern")
    consumer = member(unique("g"))
    consumer.subscribe(pattern=f"^{re.escape(prefix)}.*")
    await consumer.start()
    for number in range(2):
        await admin(lambda a: a.create_topics([NewTopic(f"{prefix}-{number}", 1, 1)]))

        async def assigned():
            await consumer.getmany(timeout_ms=50)
            return len(consumer.assignment()) == number + 1

        await until(assigned)
    await consumer.stop()


async def records():
    for codec in [None, "gzip", "snappy", "lz4", "zstd"]:
        name = await topic("records")
        async with producer(compression_type=codec, enable_idempotence=True) as client:
            sent = [
                await client.send(name, f"{n} Łódź ".encode() * 20, f"k{n}".encode(), headers=[("n", b"%d" % n), ("n", b"again")])
                for n in range(100)
            ]
            assert [(await future).offset for future in sent] == list(range(100)), codec
        found = await read(name)
        assert [r.value.decode() for r in found] == [f"{n} Łódź " * 20 for n in range(100)], codec
        assert found[7].headers == (("n", b"7"), ("n", b"again")), codec
    async with member(None) as consumer:
        place = TopicPartition(name, 0)
        by_time = await consumer.offsets_for_times({place: found[50].timestamp})
        assert by_time[place].offset == next(r.offset for r in found if r.timestamp >= found[50].timestamp)


async def groups():
    for strategy in [RangePartitionAssignor, RoundRobinPartitionAssignor, StickyPartitionAssignor]:
        name, group = await topic("groups", 4), unique("g")
        first = member(group, name, partition_assignment_strategy=[strategy], group_instance_id="first")
        second = member(group, name, partition_assignment_strategy=[strategy])
        await first.start()
        await second.start()

        async def own(counts, *members):
            await asyncio.gather(*(m.getmany(timeout_ms=50) for m in members))
            return [len(m.assignment()) for m in members] == counts

        await until(lambda: own([2, 2], first, second), 40)
        await second.stop()
        await until(lambda: own([4], first), 40)
        await first.commit({TopicPartition(name, 0): (7, "a note")})
        await first.stop()
        offsets = await admin(lambda a: a.list_consumer_group_offsets(group))
        assert {(p.partition, at.offset, at.metadata) for p, at in offsets.items()} == {(0, 7, "a note")}, offsets
        described = (await admin(lambda a: a.describe_consumer_groups([group])))[0]
        assert described.groups[0][1] == group


async def transactions():
    source, target, group = await topic("source"), await topic("target"), unique("g")
    async with producer(transactional_id=unique("id")) as client:
        for value, commits in [(b"aborted", False), (b"committed", True)]:
            await client.begin_transaction()
            await client.send_and_wait(target, value)
            await client.send_offsets_to_transaction({TopicPartition(source, 0): len(value)}, group)
            await (client.commit_transaction() if commits else client.abort_transaction())
        assert [r.value for r in await read(target)] == [b"committed"]
        assert [r.value for r in await read(target, "read_uncommitted")] == [b"aborted", b"committed"]
        offsets = await admin(lambda a: a.list_consumer_group_offsets(group))
        assert [at.offset for at in offsets.values()] == [len(b"committed")]


async def fencing():
    name, identity = await topic("fenced"), unique("id")
    old, new = producer(transactional_id=identity), producer(transactional_id=identity)
    await old.start()
    await old.begin_transaction()
    await old.send_and_wait(name, b"zombie")
    await new.start()
    try:
        await old.commit_transaction()
    except ProducerFenced:
        pass
    else:
        raise AssertionError("the old producer was not fenced")
    async with new.transaction():
        await new.send_and_wait(name, b"new")
    await new.stop()
    await old.stop()
    assert [r.value for r in await read(name)] == [b"new"]


async def timeouts():
    name = await topic("late")
    late = producer(transactional_id=unique("id"), transaction_timeout_ms=2000)
    await late.start()
    await late.begin_transaction()
    await late.send_and_wait(name, b"late")
    async with producer() as client:
        await client.send_and_wait(name, b"behind")
    assert await read(name) == [], "nothing passes an open transaction"

    async def decided():
        return [r.value for r in await read(name)] == [b"behind"]

    await until(decided, 60)
    try:
        await late.commit_transaction()
    except KafkaError:
        pass
    else:
        raise AssertionError("a transaction out of time was committed")
    await late.stop()


brokers, case = sys.argv[1:]
asyncio.run(globals()[case]())
