"""Reads with confluent-kafka what a source of ours wrote, writes what a stream of ours is to read; prints one JSON line of what it saw."""

import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

servers, registry_url, topic, count = sys.argv[1:5]
registry = SchemaRegistryClient({"url": registry_url})
value = SerializationContext(topic, MessageField.VALUE)

consumer = Consumer({"bootstrap.servers": servers, "group.id": f"{topic}-python", "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
read = AvroDeserializer(registry)
values = []
while len(values) < int(count):
    message = consumer.poll(30)
    if message is None or message.error():
        raise KafkaException(message and message.error())
    values.append(read(message.value(), value))
consumer.close()

latest = registry.get_latest_version(f"{topic}-value").schema.schema_str
write = AvroSerializer(registry, latest, conf={"auto.register.schemas": False})
producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
for each in values:
    producer.produce(topic, key=f"python-{each['id']}", value=write({**each, "note": "from Python"}, value))
unsent = producer.flush(30)

print(json.dumps({"unsent": unsent, "values": values}, default=lambda each: each.hex() if isinstance(each, bytes) else str(each), sort_keys=True))
