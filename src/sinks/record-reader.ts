import { createPlainReader, createSingleObjectDecoder } from './avro';
import type { Registry } from './registry';

/** A zero byte and four of the schema's id. */
const CONFLUENT_PREFIX = 5;

/** Reads keys and values of either framing, written by any released schema; with a registry also by those of other versions of the program. */
export function createRecordReader(registry: Pick<Registry, 'schema'> | null): (bytes: Buffer) => unknown {
  const single = createSingleObjectDecoder();
  const readers = new Map<number, Promise<ReturnType<typeof createPlainReader>>>();
  return (bytes) => {
    if (registry === null || bytes[0] !== 0) return single(bytes);
    const id = bytes.readInt32BE(1);
    const reader = readers.get(id) ?? registry.schema(id).then(createPlainReader);
    readers.set(id, reader);
    // A registry that is down now is asked again for the next record.
    reader.catch(() => readers.delete(id));
    return reader.then((read) => read(bytes, CONFLUENT_PREFIX));
  };
}
