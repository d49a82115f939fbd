"""Creates a topic of two partitions and writes it in three transactions, the second of them aborted.

    write.py BROKERS TOPIC
"""

import sys

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

brokers, topic = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": brokers})
admin.create_topics([NewTopic(topic, 2, 1)])[topic].result()
producer = Producer({"bootstrap.servers": brokers, "transactional.id": topic})
producer.init_transactions()
for number, fate in enumerate(["committed", "aborted", "committed"]):
    producer.begin_transaction()
    for partition in (0, 1):
        key = f"{fate}-{number}-{partition}"
        producer.produce(topic, partition=partition, key=key, value=f"{key} ünïcode", headers={"n": str(number)})
    if fate == "committed":
        producer.commit_transaction()
    else:
        producer.flush()
        producer.abort_transaction()
