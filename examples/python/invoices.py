"""Prints new, changed and deleted invoices of a service that runs with a schema registry."""

import os
from decimal import Decimal

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic = os.environ.get("TOPIC", "infakt.invoices")
deserialize = AvroDeserializer(SchemaRegistryClient({"url": os.environ.get("REGISTRY_URL", "http://localhost:8081")}))
consumer = Consumer(
    {
        "bootstrap.servers": os.environ.get("KAFKA_BROKERS", "localhost:9092"),
        "group.id": f"print-python-{topic}",
        "auto.offset.reset": "earliest",  # the first start reads the present state of every invoice
        "isolation.level": "read_committed",  # the default of this client, but not of others
    }
)
consumer.subscribe([topic])
while True:
    record = consumer.poll(1)
    if record is None:
        continue
    if record.error():
        raise KafkaException(record.error())
    op = dict(record.headers())["op"].decode()
    key = deserialize(record.key(), SerializationContext(topic, MessageField.KEY))
    invoice = deserialize(record.value(), SerializationContext(topic, MessageField.VALUE))
    if invoice is None:
        what = f"{key['id']} deleted"
    else:  # amounts are integers, in hundredths of the currency
        gross = "?" if invoice["gross_price"] is None else Decimal(invoice["gross_price"]).scaleb(-2)
        what = f"{invoice['number'] or '-'} {gross} {invoice['currency']} {invoice['status']}"
    print(op, key["entity"], what, flush=True)
