"""Says of each entity whether a topic holds, row for row, what its last sweep says; for a service without a schema registry."""

import io
import os
from pathlib import Path

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from fastavro import schemaless_reader
from fastavro.schema import fingerprint, load_schema, to_parsing_canonical_form

schemas = map(load_schema, Path("schemas").glob("**/*.avsc"))
written_by = {bytes.fromhex("c301" + fingerprint(to_parsing_canonical_form(s), "CRC-64-AVRO")): s for s in schemas}
topic, brokers = os.environ.get("TOPIC", "infakt.invoices"), os.environ.get("KAFKA_BROKERS", "localhost:9092")
prefix, stream = topic.rsplit(".", 1)


def newest(name):  # the last value of each key, up to the end of the topic
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": f"complete-{name}", "enable.partition.eof": True})
    left, values = set(consumer.list_topics(name).topics[name].partitions), {}
    consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in left])
    while left:
        for record in consumer.consume(500, 1):
            if not record.error():
                values[record.key()] = record.value()
            elif record.error().code() == KafkaError._PARTITION_EOF:
                left.discard(record.partition())
            else:
                raise KafkaException(record.error())
    consumer.close()
    return [schemaless_reader(io.BytesIO(v[10:]), written_by[v[:10]], None) for v in values.values() if v]


sweeps, rows = newest(f"{prefix}.sweeps"), newest(topic)
for sweep in sorted((s for s in sweeps if s["stream"] == stream), key=lambda s: s["entity"]):
    own = [row for row in rows if row["entity"] == sweep["entity"]]
    total = sum(int(row.get("fingerprint") or "0", 16) for row in own) % 2**64
    provable = sweep.get("fingerprint_sum") and {row.get("fingerprint_definition") for row in own} <= {sweep["fingerprint_definition"]}
    equal = (len(own), f"{total:016x}") == (sweep.get("living_count"), sweep.get("fingerprint_sum"))
    print(sweep["entity"], len(own), "not provable" if not provable else "equal" if equal else "different", flush=True)
