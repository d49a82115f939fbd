"""Reads topics to their end as a read_committed consumer and prints a JSON line for each record.

    read.py confluent|aiokafka BROKERS TOPIC...

The two clients share no code: one is librdkafka, the other pure Python.
"""

import asyncio
import json
import sys


def text(data):
    return None if data is None else data.decode()


def show(topic, partition, offset, taken, key, headers, value):
    record = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "taken": taken,
        "key": text(key),
        "headers": [[name, text(data)] for name, data in headers or ()],
        "value": text(value),
    }
    print(json.dumps(record, ensure_ascii=False))


def confluent(brokers, topics):
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "unused: partitions are assigned by hand",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    })
    known = consumer.list_topics(timeout=10).topics
    missing = [topic for topic in topics if topic not in known]
    if missing:
        sys.exit(f"no such topic: {', '.join(missing)}")
    left = {(topic, partition) for topic in topics for partition in known[topic].partitions}
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in left])
    while left:
        message = consumer.poll(30)
        if message is None:
            sys.exit(f"no answer in 30 s for {sorted(left)}")
        error = message.error()
        if error is None:
            show(message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(), message.headers(), message.value())
        elif error.code() == KafkaError._PARTITION_EOF:
            left.discard((message.topic(), message.partition()))
        else:
            raise KafkaException(error)
    consumer.close()


async def aio(brokers, topics):
    from aiokafka import AIOKafkaConsumer, TopicPartition

    # without a group it assigns itself every partition
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=brokers,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        missing = [topic for topic in topics if not consumer.partitions_for_topic(topic)]
        if missing:
            sys.exit(f"no such topic: {', '.join(missing)}")
        partitions = [TopicPartition(topic, p) for topic in topics for p in consumer.partitions_for_topic(topic)]
        # the last stable offset, for a read_committed consumer
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                for message in (await consumer.getmany(partition, timeout_ms=1000)).get(partition, ()):
                    show(message.topic, message.partition, message.offset, message.timestamp, message.key, message.headers, message.value)
    finally:
        await consumer.stop()


client, brokers, *topics = sys.argv[1:]
if client == "confluent":
    confluent(brokers, topics)
else:
    asyncio.run(aio(brokers, topics))
