import { cursorOf } from '../rules/cursor';
import type { Batch, OutgoingRecord, StateRecord } from '../sinks/transaction';
import { stateKey } from '../state/state-topic';
import type { PageSent } from './caution';
import type { Memory, Place, StreamState } from './memory';
import type { ShardOptions } from './shard-options';

/** The transaction that is being filled, or on its way. */
export interface Filling {
  readonly records: OutgoingRecord[];
  /** Make the records of sweeps that end in this transaction. */
  readonly sweepRecords: (() => OutgoingRecord)[];
  bytes: number;
  rows: number;
  readonly pages: PageSent[];
  /** Scans whose cursor moved, by their place's name. */
  readonly moved: Map<string, Place>;
  readonly touched: Set<StreamState>;
  /** Other state values, by the text of their key. */
  readonly values: Map<string, unknown>;
  readonly settled: (() => void)[];
  readonly failed: ((error: Error) => void)[];
}

/** A transaction with nothing in it. */
export function emptyFilling(): Filling {
  return {
    records: [],
    sweepRecords: [],
    bytes: 0,
    rows: 0,
    pages: [],
    moved: new Map(),
    touched: new Set(),
    values: new Map(),
    settled: [],
    failed: [],
  };
}

/** True where nothing makes a transaction necessary. */
export function isEmpty({ pages, moved, values }: Filling): boolean {
  return pages.length === 0 && moved.size === 0 && values.size === 0;
}

/** Resolves when the transaction is committed; rejects with what ended the session before. */
export function outcomeOf({ settled, failed }: Filling): Promise<void> {
  return new Promise((resolve, reject) => {
    settled.push(resolve);
    failed.push(reject);
  });
}

/** The batch to send: cursors, other values and the layout, then the changed ledger blocks; and the records. */
export function assemble(
  filling: Filling,
  {
    memory,
    options: { serviceId, encodeBlock },
  }: {
    readonly memory: Memory;
    readonly options: Pick<ShardOptions, 'serviceId' | 'encodeBlock'>;
  },
): Batch {
  // Before the layout, which says how late their time is.
  const sweepRecords = filling.sweepRecords.map((make) => make());
  const values = new Map<string, unknown>();
  for (const { state, scan } of filling.moved.values()) {
    const walk = state.walks.get(scan);
    if (walk !== undefined)
      values.set(stateKey(serviceId, { entity: state.entity, stream: state.name, scan }), cursorOf(walk));
  }
  for (const [key, value] of filling.values) values.set(key, value);
  values.set(stateKey(serviceId, { layout: true }), memory.layoutToWrite());
  const state: StateRecord[] = [...values].map(([key, value]) => ({
    key,
    value: value === null ? null : Buffer.from(JSON.stringify(value)),
  }));
  for (const { entity, name, ledger } of filling.touched) {
    for (const block of ledger.take())
      state.push({ key: stateKey(serviceId, { entity, stream: name, block: block.from }), value: encodeBlock(block) });
  }
  return { state, records: [...filling.records, ...sweepRecords] };
}
