"""What confluent-kafka (librdkafka, C) asks of a broker.

    confluent.py BROKERS CASE
"""

import functools
import re
import sys
import time
import uuid

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)

WAIT = 20


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:12]}"


@functools.cache
def admin():
    return AdminClient({"bootstrap.servers": brokers})


def done(futures):
    return {key: future.result(WAIT) for key, future in futures.items()}


def topic(name, partitions=1, **config):
    name = unique(name)
    config = {key.replace("_", "."): value for key, value in config.items()}
    done(admin().create_topics([NewTopic(name, partitions, 1, config=config)]))
    until(lambda: partitions_of(name) == partitions)
    return name


def until(holds, seconds=WAIT):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def partitions_of(name):
    found = admin().list_topics(timeout=WAIT).topics.get(name)
    return len(found.partitions) if found else 0


def producer(**config):
    config = {key.replace("_", "."): value for key, value in config.items()}
    return Producer({"bootstrap.servers": brokers, "linger.ms": 5, "log_level": 2, **config})


def write(name, values, **config):
    lost = []
    client = producer(**config)
    for value in values:
        client.produce(name, value, on_delivery=lambda error, _: error and lost.append(error))
    assert client.flush(WAIT) == 0 and not lost, lost


def consumer(group=None, **config):
    config = {key.replace("_", "."): value for key, value in config.items()}
    return Consumer({
        "bootstrap.servers": brokers,
        "group.id": group or unique("g"),
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 500,
        "log_level": 2,
        **config,
    })


def read(name, isolation="read_committed"):
    """The messages of a topic, to its end."""
    client = consumer(isolation_level=isolation)
    open_partitions = set(range(partitions_of(name)))
    client.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in open_partitions])
    messages = []
    while open_partitions:
        message = client.poll(WAIT)
        assert message is not None, f"{name} has no end"
        if not message.error():
            messages.append(message)
        elif message.error().code() == KafkaError._PARTITION_EOF:
            open_partitions.discard(message.partition())
        else:
            raise KafkaException(message.error())
    client.close()
    return messages


def refused(code, call):
    try:
        call()
    except KafkaException as error:
        assert error.args[0].code() == code, error
    else:
        raise AssertionError(f"not refused with {code}")


def topics():
    name = topic("topics", 2, cleanup_policy="compact")
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    config = lambda: done(admin().describe_configs([resource]))[resource]
    assert config()["cleanup.policy"].value == "compact"
    change = ConfigEntry("retention.ms", "12345", incremental_operation=AlterConfigOpType.SET)
    done(admin().incremental_alter_configs([ConfigResource(resource.restype, name, incremental_configs=[change])]))
    until(lambda: config()["retention.ms"].value == "12345")
    assert config()["cleanup.policy"].value == "compact", "the rest stays"
    again = NewTopic(name, 1, 1)
    refused(KafkaError.TOPIC_ALREADY_EXISTS, lambda: done(admin().create_topics([again])))
    fresh = NewTopic(unique("fresh"), 1, 1)
    done(admin().create_topics([fresh], validate_only=True))
    assert partitions_of(fresh.topic) == 0, "only validated"
    done(admin().create_partitions([NewPartitions(name, 4)]))
    until(lambda: partitions_of(name) == 4)
    assert len(admin().describe_cluster().result(WAIT).nodes) == 1
    done(admin().delete_topics([name]))
    until(lambda: partitions_of(name) == 0)
    assert admin().list_topics(name, timeout=WAIT).topics[name].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def patterns():
    prefix = unique("pattern")
    client = consumer(topic_metadata_refresh_interval_ms=200)
    client.subscribe([f"^{re.escape(prefix)}.*"])
    for number in range(2):
        done(admin().create_topics([NewTopic(f"{prefix}-{number}", 1, 1)]))
        until(lambda: client.poll(0.1) and False or len(client.assignment()) == number + 1)
    done(admin().delete_topics([f"{prefix}-0"]))
    until(lambda: client.poll(0.1) and False or [p.topic for p in client.assignment()] == [f"{prefix}-1"])
    client.close()


def records():
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        name = topic("records")
        client = producer(compression_type=codec, enable_idempotence=True)
        for number in range(100):
            headers = [("n", str(number)), ("none", None), ("n", "again")]
            client.produce(name, f"{number} Łódź " * 20, f"k{number}", headers=headers, timestamp=int(time.time() * 1000))
        assert client.flush(WAIT) == 0
        messages = read(name)
        assert [m.value().decode() for m in messages] == [f"{number} Łódź " * 20 for number in range(100)], codec
        assert messages[7].headers() == [("n", b"7"), ("none", None), ("n", b"again")], codec
    newest = done(admin().list_offsets({TopicPartition(name, 0): OffsetSpec.max_timestamp()}))
    assert [found.offset for found in newest.values()][0] == messages.index(max(messages, key=lambda m: m.timestamp()[1]))
    done(admin().delete_records([TopicPartition(name, 0, 60)]))
    assert [m.offset() for m in read(name)][0] == 60


def groups():
    for strategy in ["range", "roundrobin", "cooperative-sticky"]:
        name, group = topic("groups", 4), unique("g")
        write(name, [str(number) for number in range(40)])
        member = lambda **config: consumer(group, partition_assignment_strategy=strategy, **config)
        first, second = member(group_instance_id="first"), member()
        for client in (first, second):
            client.subscribe([name])
        own = lambda *clients: [client.poll(0.05) and 0 or len(client.assignment()) for client in clients]
        until(lambda: own(first, second) == [2, 2], 40)
        described = done(admin().describe_consumer_groups([group]))[group]
        assert sorted(m.group_instance_id or "" for m in described.members) == ["", "first"]
        second.close()
        until(lambda: own(first) == [4], 40)
        first.commit(offsets=[TopicPartition(name, 0, 7)], asynchronous=False)
        first.close()  # a static member's place is kept
        listed = done(admin().list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
        assert [(p.partition, p.offset) for p in listed.topic_partitions] == [(0, 7)]


def transactions():
    source, target, group = topic("source"), topic("target"), unique("g")
    write(source, ["a", "b"])
    client = producer(transactional_id=unique("id"))
    client.init_transactions(WAIT)
    reader = consumer(group)
    reader.subscribe([source])
    until(lambda: reader.poll(0.1) and False or reader.assignment())
    for value, fate in [("aborted", client.abort_transaction), ("committed", client.commit_transaction)]:
        client.begin_transaction()
        client.produce(target, value)
        offsets = [TopicPartition(source, 0, len(value))]
        client.send_offsets_to_transaction(offsets, reader.consumer_group_metadata(), WAIT)
        client.flush(WAIT)
        fate(WAIT)
    assert [m.value() for m in read(target)] == [b"committed"]
    assert [m.value() for m in read(target, "read_uncommitted")] == [b"aborted", b"committed"]
    until(lambda: reader.committed([TopicPartition(source, 0)], WAIT)[0].offset == len("committed"))
    client.begin_transaction()
    client.produce(target, "open")
    client.flush(WAIT)
    ends = lambda level: done(admin().list_offsets(
        {TopicPartition(target, 0): OffsetSpec.latest()}, isolation_level=level)).popitem()[1].offset
    assert ends(IsolationLevel.READ_COMMITTED) == 4 and ends(IsolationLevel.READ_UNCOMMITTED) == 5
    client.abort_transaction(WAIT)
    reader.close()


def fencing():
    name, identity = topic("fenced"), unique("id")
    old, new = (producer(transactional_id=identity) for _ in range(2))
    old.init_transactions(WAIT)
    old.begin_transaction()
    old.produce(name, "zombie")
    old.flush(WAIT)
    new.init_transactions(WAIT)
    refused(KafkaError._FENCED, lambda: old.commit_transaction(WAIT))
    new.begin_transaction()
    new.produce(name, "new")
    new.commit_transaction(WAIT)
    assert [m.value() for m in read(name)] == [b"new"]


def timeouts():
    name = topic("late")
    client = producer(transactional_id=unique("id"), transaction_timeout_ms=2000, message_timeout_ms=1500)
    client.init_transactions(WAIT)
    client.begin_transaction()
    client.produce(name, "late")
    client.flush(WAIT)
    write(name, ["behind"])
    assert read(name) == [], "nothing passes an open transaction"
    until(lambda: [m.value() for m in read(name)] == [b"behind"], 60)
    try:
        client.commit_transaction(WAIT)
    except KafkaException as error:
        assert error.args[0].fatal() or error.args[0].txn_requires_abort(), error
    else:
        raise AssertionError("a transaction out of time was committed")


brokers, case = sys.argv[1:]
globals()[case]()
