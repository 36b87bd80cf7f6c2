/** Prints new, changed and deleted invoices of a service that runs without a schema registry. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import avsc, { type Schema } from 'avsc';
import { correctReadCommitted } from 'infakt-kafka/read-committed';
import { Kafka, logLevel } from 'kafkajs';

/** Every schema, those of older records too, by its CRC-64-AVRO. */
const schemas = new Map<bigint, avsc.Type>();
for (const file of readdirSync('schemas', { recursive: true, encoding: 'utf8' }).filter((name) =>
  /[.]avsc$/.test(name),
)) {
  const type = avsc.Type.forSchema(JSON.parse(readFileSync(`schemas/${file}`, 'utf8')) as Schema);
  let crc = 0xc15d213aa4d7a795n;
  for (const byte of Buffer.from(JSON.stringify(type.schema()))) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >> 1n) ^ ((crc & 1n) * 0xc15d213aa4d7a795n);
  }
  schemas.set(crc, type);
}
/** Reads single-object encoding: C3 01, CRC-64-AVRO of the schema that wrote the value, the value. */
function decode(bytes: Buffer | null) {
  const type = bytes?.readUInt16BE() === 0xc301 ? schemas.get(bytes.readBigUInt64LE(2)) : undefined;
  if (bytes === null || type === undefined) throw new Error('written with a schema that is not in schemas');
  return type.fromBuffer(bytes.subarray(10)) as Record<string, string | number | null>;
}

const { TOPIC: topic = 'infakt.invoices', KAFKA_BROKERS: brokers = 'localhost:9092' } = process.env;
correctReadCommitted(createRequire(import.meta.url)); // by itself kafkajs shows some records of aborted transactions
const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `print-typescript-${topic}` });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true }); // the first start reads the present state of every invoice
await consumer.run({
  eachMessage: async ({ message: { key, value, headers } }) => {
    const { entity, id } = decode(key);
    const { number, gross_price: gross, currency, status } = value === null ? {} : decode(value);
    const amount = typeof gross === 'number' ? (gross / 100).toFixed(2) : '?'; // in hundredths of the currency
    const what = value === null ? `${id} deleted` : `${number ?? '-'} ${amount} ${currency} ${status}`;
    console.log(String(headers?.['op']), entity, what);
  },
});
