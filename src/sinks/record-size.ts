import type { Message } from 'kafkajs';

/** Upper bound of what a record takes inside a record batch. */
export function encodedBytes({ key, value, headers }: Pick<Message, 'key' | 'value' | 'headers'>): number {
  let bytes = 32 + byteLength(key) + byteLength(value);
  for (const name in headers) {
    const header = headers[name];
    bytes += 10 + name.length + (typeof header === 'string' || Buffer.isBuffer(header) ? byteLength(header) : 0);
  }
  return bytes;
}

function byteLength(part: Buffer | string | null | undefined): number {
  if (part === null || part === undefined) return 0;
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}
