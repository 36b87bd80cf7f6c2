import type { Kafka } from 'kafkajs';

import { createLedger, type Ledger } from '../changes/ledger';
import type { Cursor, EntityId, LedgerBlock, StreamName } from '../model';
import { createEncoder, loadSchema } from '../sinks/avro';
import { readCommitted } from '../sinks/look';
import { parseStateKey, parseStateValue, type Account, type Hold, type Layout } from '../state/state-topic';

/** What is remembered of one stream of one entity. */
export interface StreamView {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly ledger: Ledger;
  /** By the name of the scan. */
  readonly cursors: Readonly<Record<string, Cursor>>;
  readonly hold: Hold | null;
  /** Numbers of the definitions that its entries may have, oldest first. */
  readonly definitions: readonly number[];
}

/** What a service remembers. */
export interface Remembered {
  readonly accounts: ReadonlyMap<EntityId, Account>;
  /** By entity, then stream. */
  readonly streams: readonly StreamView[];
}

/** Which state is read, and for how long. */
export interface RememberedOptions {
  readonly serviceId: string;
  readonly topic: string;
  readonly stopped: Promise<unknown>;
  readonly deadlineMs: number;
}

type Filling = { -readonly [K in keyof StreamView]: StreamView[K] } & { readonly cursors: Record<string, Cursor> };

/** Reads the whole state topic, as of now and without its owners noticing. */
export async function readRemembered(kafka: Kafka, options: RememberedOptions): Promise<Remembered> {
  const { serviceId, topic } = options;
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
  const accounts = new Map<EntityId, Account>();
  const layouts = new Map<number, Layout>();
  const views = new Map<string, Filling>();
  const shards = new Map<Filling, number>();
  await readCommitted(kafka, { ...options, follow: false }, ({ key, value, partition, offset }) => {
    const parsed = parseStateKey(
      serviceId,
      key?.toString() ?? '',
      `${topic}, partition ${partition}, offset ${offset}`,
    );
    if ('session' in parsed) return false;
    if ('layout' in parsed) {
      if (value !== null) layouts.set(partition, parseStateValue('layout', value));
      return false;
    }
    if ('account' in parsed) {
      if (value === null) accounts.delete(parsed.entity);
      else accounts.set(parsed.entity, parseStateValue('account', value));
      return false;
    }
    const { entity, stream } = parsed;
    const name = `${entity} ${stream}`;
    const view = views.get(name) ?? {
      entity,
      stream,
      ledger: createLedger({ entity, stream }),
      cursors: {},
      hold: null,
      definitions: [],
    };
    views.set(name, view);
    shards.set(view, partition);
    if ('block' in parsed) {
      if (value === null) view.ledger.unload(parsed.block);
      else view.ledger.load(block.decode(value) as LedgerBlock);
    } else if ('scan' in parsed) {
      if (value === null) Reflect.deleteProperty(view.cursors, parsed.scan);
      else view.cursors[parsed.scan] = parseStateValue('scan', value);
    } else if ('hold' in parsed) view.hold = value === null ? null : parseStateValue('hold', value);
    return false;
  });
  for (const [view, shard] of shards) {
    view.ledger.loaded();
    view.definitions = (layouts.get(shard)?.definitions ?? []).flatMap((definition, number) =>
      definition.stream === view.stream ? [number] : [],
    );
  }
  const streams = [...views.values()]
    // What was purged.
    .filter(({ ledger, cursors }) => ledger.size > 0 || Object.keys(cursors).length > 0)
    .sort((a, b) => (`${a.entity} ${a.stream}` < `${b.entity} ${b.stream}` ? -1 : 1));
  return { accounts, streams };
}

/** The newest complete sweep; while a sweep is under way, only the number of the one before is known. */
export function lastSweep(
  cursors: StreamView['cursors'],
): { readonly number: number; readonly finished_at: string | null } | null {
  const sweep = cursors['sweep'];
  if (sweep === undefined) return null;
  if (sweep.finishedAt !== null) return { number: sweep.number, finished_at: sweep.finishedAt };
  return sweep.number > 1 ? { number: sweep.number - 1, finished_at: null } : null;
}
