import type { OutgoingRecord } from '../../src/sinks/transaction';
import { DEAD_LETTERS, ENTITIES, SWEEPS, topicOf } from './memory';

/** What a consumer keeps of a record. */
export interface CopiedRow {
  readonly fingerprint: string | null;
  readonly definition: number | null;
}

/** What the record of a sweep says of its stream. */
export interface SweepProof {
  readonly living_count: number | null;
  readonly fingerprint_sum: string | null;
  readonly fingerprint_definition: number | null;
}

/** What a copy shows by the record of a sweep: `equal`, `different`, or that nothing can be shown before a resync. */
type Shown = 'equal' | 'different' | 'not provable';

/** Compares a copy with the record of a sweep as docs/consuming.md says; shares no code with the service. */
export function shownBy(rows: readonly CopiedRow[], sweep: SweepProof): Shown {
  const { living_count: count, fingerprint_sum: sum, fingerprint_definition: definition } = sweep;
  if (sum === null || rows.some((row) => row.fingerprint === null || row.definition !== definition))
    return 'not provable';
  const total = rows.reduce((added, { fingerprint }) => added + BigInt(`0x${fingerprint ?? ''}`), 0n);
  const own = BigInt.asUintN(64, total).toString(16).padStart(16, '0');
  return rows.length === count && own === sum ? 'equal' : 'different';
}

/** The topics in memory as a consumer keeps them: the newest value of each key. */
export class Copy {
  private readonly values = new Map<string, Buffer>();

  /** Takes in a transaction; returns what a sweep that ends in it says of its stream and the copy does not show. */
  apply(records: readonly OutgoingRecord[]): readonly string[] {
    for (const { topic, key, value } of records) {
      if (topic === DEAD_LETTERS || topic === SWEEPS || topic === ENTITIES) continue;
      const name = `${topic} ${key?.toString() ?? ''}`;
      if (value === null) this.values.delete(name);
      else this.values.set(name, value);
    }
    return records.flatMap(({ topic, value, headers }) => {
      if (topic !== SWEEPS) return [];
      const [entity, stream] = [String(headers['entity']), String(headers['stream'])];
      const rows = this.rowsOf(entity, stream);
      const sweep = JSON.parse(value?.toString() ?? 'null') as SweepProof;
      const shown = shownBy(rows, sweep);
      if (shown === 'equal') return [];
      return [`a copy of ${rows.length} ${stream} of ${entity} is ${shown}: ${JSON.stringify(sweep)}`];
    });
  }

  rowsOf(entity: string, stream: string): readonly CopiedRow[] {
    const start = `${topicOf(stream)} {"entity":"${entity}"`;
    return [...this.values].flatMap(([name, bytes]): CopiedRow[] => {
      if (!name.startsWith(start)) return [];
      const row = JSON.parse(bytes.toString()) as {
        readonly fingerprint: string | null;
        readonly fingerprint_definition: number | null;
      };
      return [{ fingerprint: row.fingerprint, definition: row.fingerprint_definition }];
    });
  }
}
