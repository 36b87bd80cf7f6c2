import { singleObjectPrefix } from './avro';
import type { Layout } from '../state/state-topic';

/** What stands before each Avro value, and so tells its reader which schema wrote it. */
export interface Framing {
  readonly name: Layout['keyFraming'];
  /** The bytes before a value of this schema in the records of a subject, `<topic>-key` or `<topic>-value`. */
  prefix(subject: string, schemaText: string): Buffer;
  /** The schema of a subject in few characters: what must not change of a key. */
  schemaId(subject: string, schemaText: string): string;
}

/** Avro's single-object encoding: the schema's own fingerprint; needs no registry. */
export const singleObject: Framing = {
  name: 'single-object',
  prefix: (_subject, schemaText) => singleObjectPrefix(schemaText),
  schemaId: (_subject, schemaText) => singleObjectPrefix(schemaText).toString('hex'),
};

/** Confluent's wire format: a zero byte and the schema's id in the registry, big-endian. */
export function confluent(ids: ReadonlyMap<string, number>): Framing {
  const idOf = (subject: string): number => {
    const id = ids.get(subject);
    if (id === undefined) throw new Error(`no schema was resolved for subject ${subject}; this is a bug`);
    return id;
  };
  return {
    name: 'confluent',
    prefix(subject) {
      const prefix = Buffer.alloc(5);
      prefix.writeInt32BE(idOf(subject), 1);
      return prefix;
    },
    schemaId: (subject) => String(idOf(subject)),
  };
}
