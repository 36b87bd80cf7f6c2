import type { Kafka } from 'kafkajs';

import { createLedger, type Ledger } from '../changes/ledger';
import type { EntityConfig } from '../../config/config';
import { completenessOf, finishedSweeps, type Completeness } from '../rules/completeness';
import { unreadableInFinished } from '../rules/cursor';
import type { Cursor, EntityId, LedgerBlock, StreamName } from '../model';
import { createEncoder, loadSchema } from '../sinks/avro';
import { readCommitted } from '../sinks/look';
import { StoredTopic, type StoredState } from '../state/read-state';
import type { Account, Definition, Hold } from '../state/state-topic';

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
  /** What its entries' fingerprints are computed by, by the definition's number; absent = the shard has no layout. */
  readonly definitionOf?: (number: number) => Definition | undefined;
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
  readonly stop: AbortSignal;
  readonly deadlineMs: number;
}

/** Reads the whole state topic, as of now and without its owners noticing. */
export async function readRemembered(kafka: Kafka, options: RememberedOptions): Promise<Remembered> {
  const { serviceId, topic } = options;
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
  const ledgers = new Map<string, Ledger>();
  const ledgerOf = (entity: EntityId, stream: StreamName): Ledger => {
    const name = `${entity} ${stream}`;
    const ledger = ledgers.get(name) ?? createLedger({ entity, stream });
    ledgers.set(name, ledger);
    return ledger;
  };
  const decodeBlock = (bytes: Buffer): LedgerBlock => block.decode(bytes) as LedgerBlock;
  const stored = new StoredTopic({ serviceId, topic, decodeBlock, ledgerOf });
  await readCommitted(kafka, { ...options, follow: false }, (record) => {
    stored.apply(record);
    return false;
  });
  for (const ledger of ledgers.values()) ledger.loaded();
  return rememberedIn([...stored.partitions.values()], ledgerOf);
}

/** What partitions of a state topic remember, whose blocks are in these ledgers; purged streams are left out. */
export function rememberedIn(
  partitions: readonly StoredState[],
  ledgerOf: (entity: EntityId, stream: StreamName) => Ledger,
): Remembered {
  const accounts = new Map<EntityId, Account>();
  const streams: StreamView[] = [];
  for (const partition of partitions) {
    const views = new Map<string, Writable<StreamView> & { readonly cursors: Record<string, Cursor> }>();
    const viewOf = (entity: EntityId, stream: StreamName) => {
      const name = `${entity} ${stream}`;
      const view = views.get(name) ?? {
        entity,
        stream,
        ledger: ledgerOf(entity, stream),
        cursors: {},
        hold: null,
        definitions: (partition.layout()?.definitions ?? []).flatMap((definition, number) =>
          definition.stream === stream ? [number] : [],
        ),
        definitionOf: (number: number) => partition.layout()?.definitions[number],
      };
      views.set(name, view);
      return view;
    };
    for (const key of partition.keys().values()) if ('block' in key) viewOf(key.entity, key.stream);
    for (const entry of partition.entries()) {
      if (entry.kind === 'account') accounts.set(entry.entity, entry.value);
      else if (entry.kind === 'scan') viewOf(entry.entity, entry.stream).cursors[entry.scan] = entry.value;
      else if (entry.kind === 'hold') viewOf(entry.entity, entry.stream).hold = entry.value;
    }
    streams.push(...views.values());
  }
  return {
    accounts,
    streams: streams
      .filter(({ ledger, cursors }) => ledger.size > 0 || Object.keys(cursors).length > 0)
      .sort((a, b) => (`${a.entity} ${a.stream}` < `${b.entity} ${b.stream}` ? -1 : 1)),
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The newest complete sweep; while a sweep is under way, only the number of the one before is known. */
export function lastSweep(
  cursors: StreamView['cursors'],
): { readonly number: number; readonly finished_at: string | null } | null {
  const sweep = cursors['sweep'];
  if (sweep === undefined) return null;
  if (sweep.finishedAt !== null) return { number: sweep.number, finished_at: sweep.finishedAt };
  return sweep.number > 1 ? { number: sweep.number - 1, finished_at: null } : null;
}

/** Whether the stream's last finished sweep is complete, but for the rows that the entity's file accepts. */
export function completenessIn(
  { entities }: { readonly entities: readonly Pick<EntityConfig, 'id' | 'accept'>[] },
  { entity, stream, ledger, cursors, hold }: StreamView,
): Completeness {
  const accepted = entities.find(({ id }) => id === entity)?.accept[stream] ?? [];
  const sweep = cursors['sweep'];
  return completenessOf(
    { ledger, hold, decidedSweep: finishedSweeps(sweep), unreadable: unreadableInFinished(sweep) },
    new Set(accepted),
  );
}
