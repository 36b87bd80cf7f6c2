const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * The partition of a key for life: Kafka's murmur2 (`org.apache.kafka.common.utils.Utils`) over its UTF-8 bytes, as the Java and the
 * kafkajs partitioners compute it. Ours, because that of kafkajs multiplies in BigInt: some microseconds a record.
 */
export function partitionOf(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;
}

function murmur2(bytes: Buffer): number {
  const whole = bytes.length & ~3;
  let h = SEED ^ bytes.length;
  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(bytes.readInt32LE(i), M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  for (let i = bytes.length - 1; i >= whole; i -= 1) h ^= bytes.readUInt8(i) << (8 * (i - whole));
  if (bytes.length > whole) h = Math.imul(h, M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}
