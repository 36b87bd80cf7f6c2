import { createPlainReader, createSingleObjectDecoder } from './avro';
import { createRegistry, type Registry, type RegistrySettings } from './registry';

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

/** A reader of a service's records, with the way to its registry. */
export interface OpenRecordReader {
  /** Decodes a key or a value. */
  readonly decode: (bytes: Buffer) => unknown;
  /** Asks the registry nothing more. */
  close(): void;
}

/** Opens a reader for the records of a service that has that registry, or with null has none. */
export function openRecordReader(settings: RegistrySettings | null, userAgent: string): OpenRecordReader {
  const registry = settings === null ? null : createRegistry({ settings, userAgent });
  return { decode: createRecordReader(registry), close: () => registry?.close() };
}
