"""Writes users as Avro through a registry, changes their schema, reads them back; prints one JSON line of what it saw."""

import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

servers, registry_url, topic = sys.argv[1:4]
registry = SchemaRegistryClient({"url": registry_url})
subject = f"{topic}-value"
value = SerializationContext(topic, MessageField.VALUE)


def user_schema(*more):
    fields = [{"name": "id", "type": "string"}, {"name": "age", "type": "int"}, *more]
    return json.dumps({"type": "record", "name": "User", "namespace": "test", "fields": fields})


country = {"name": "country", "type": ["null", "string"], "default": None}
required = {"name": "zip", "type": "string"}

admin = AdminClient({"bootstrap.servers": servers})
admin.create_topics([NewTopic(topic, 3, 1)])[topic].result(30)
# A registry may start with another level than BACKWARD.
registry.set_compatibility(subject_name=subject, level="BACKWARD")

producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})
first = AvroSerializer(registry, user_schema())
for at in range(50):
    producer.produce(topic, key=f"u{at}", value=first({"id": f"u{at}", "age": at}, value))
second = AvroSerializer(registry, user_schema(country))
for at in range(50, 100):
    producer.produce(topic, key=f"u{at}", value=second({"id": f"u{at}", "age": at, "country": "NZ"}, value))
unsent = producer.flush(30)

try:
    registry.register_schema(subject, Schema(user_schema(country, required), "AVRO"))
    refused = None
except SchemaRegistryError as error:
    refused = error.http_status_code

consumer = Consumer({"bootstrap.servers": servers, "group.id": f"{topic}-readers", "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
read = AvroDeserializer(registry, user_schema(country))
users = []
while len(users) < 100:
    message = consumer.poll(30)
    if message is None or message.error():
        raise KafkaException(message and message.error())
    users.append(read(message.value(), value))
consumer.close()

print(
    json.dumps(
        {
            "unsent": unsent,
            "versions": registry.get_versions(subject),
            "refused": refused,
            "compatible": registry.test_compatibility(subject, Schema(user_schema(country), "AVRO")),
            "ages": sum(user["age"] for user in users),
            "countries": sorted({str(user["country"]) for user in users}),
            "subjects": [name for name in registry.get_subjects() if name == subject],
        }
    )
)
