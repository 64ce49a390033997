"""Writes and reads over SASL_SSL with kafka-python and confluent-kafka: address, authority, mechanism, user, password."""

import json
import sys

from confluent_kafka import Producer
from kafka import KafkaConsumer, KafkaProducer

address, ca, mechanism, user, password = sys.argv[1:]
common = dict(bootstrap_servers=address, security_protocol='SASL_SSL', ssl_cafile=ca, sasl_mechanism=mechanism, sasl_plain_username=user, sasl_plain_password=password)
producer = KafkaProducer(**common)
producer.send('python', b'by kafka-python ' + mechanism.encode()).get(20)
other = Producer({'bootstrap.servers': address, 'security.protocol': 'SASL_SSL', 'ssl.ca.location': ca, 'sasl.mechanism': mechanism, 'sasl.username': user, 'sasl.password': password})
other.produce('python', b'by confluent-kafka ' + mechanism.encode())
assert other.flush(20) == 0
consumer = KafkaConsumer('python', auto_offset_reset='earliest', consumer_timeout_ms=3000, **common)
print(json.dumps([record.value.decode() for record in consumer]))
