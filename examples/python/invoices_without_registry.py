"""Prints new, changed and deleted invoices of a service that runs without a schema registry."""

import io
import os
from decimal import Decimal
from pathlib import Path

from confluent_kafka import Consumer, KafkaException
from fastavro import schemaless_reader
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

schemas = [load_schema(file) for file in Path("schemas").glob("**/*.avsc")]  # released ones too, as old records name them
# Single-object encoding: C3 01, then the fingerprint of the schema that wrote the value.
prefixes = [bytes.fromhex("c301" + fingerprint(to_parsing_canonical_form(s), "CRC-64-AVRO")) for s in schemas]
written_by = dict(zip(prefixes, schemas))


def deserialize(data):
    return data and schemaless_reader(io.BytesIO(data[10:]), written_by[data[:10]], None)


topic, brokers = os.environ.get("TOPIC", "infakt.invoices"), os.environ.get("KAFKA_BROKERS", "localhost:9092")
consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"print-fastavro-{topic}", "auto.offset.reset": "earliest"})
consumer.subscribe([topic])
while True:
    record = consumer.poll(1)
    if record is None:
        continue
    if record.error():
        raise KafkaException(record.error())
    op, key, invoice = dict(record.headers())["op"].decode(), deserialize(record.key()), deserialize(record.value())
    if invoice is None:
        what = f"{key['id']} deleted"
    else:  # amounts are integers, in hundredths of the currency
        gross = "?" if invoice["gross_price"] is None else Decimal(invoice["gross_price"]).scaleb(-2)
        what = f"{invoice['number'] or '-'} {gross} {invoice['currency']} {invoice['status']}"
    print(op, key["entity"], what, flush=True)
