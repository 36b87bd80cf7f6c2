import { defer, type Observable } from 'rxjs';

import { RecordError, TransientError } from '../../src/errors';
import { createFingerprint } from '../../src/changes/fingerprint';
import { daysOf } from '../../src/changes/kinds';
import { createLedger, type Ledger } from '../../src/changes/ledger';
import { NO_DATE } from '../../src/changes/block';
import type { Answer, Cursor, LedgerBlock, Row, ScanName, StreamDeclaration } from '../../src/model';
import type { StreamCodec } from '../../src/changes/records';
import { isWanted } from '../../src/rules/stream-schedule';
import type { ShardOptions } from '../../src/shard/shard-options';
import { createEncoder, loadSchema } from '../../src/sinks/avro';
import type { Batch, OutgoingRecord, Outcome, Writer, StoredRecord } from '../../src/sinks/transaction';
import { parseStateKey, parseStateValue, stateKey, type Layout, type StateKey } from '../../src/state/state-topic';
import type { Rest } from '../../src/sources/rest';
import type { AccountDetails, Detail } from '../../src/sources/answers';

// A shard's surroundings without Kafka and HTTP: the API as collections in memory, Kafka as a log of committed batches.

/** How a transaction ends. */
export type Fate =
  | 'committed'
  | 'lost'
  /** Told as lost although it stands. */
  | 'lost-though-committed'
  /** Told as lost, and committed a little later unless a newer writer was quicker. */
  | 'lost-and-committed-late'
  | 'fenced'
  | 'refused';

const SERVICE = 'memory';
/** The shard's own topic. */
export const STATE_TOPIC = 'memory.state';
/** Where dead letters go. */
export const DEAD_LETTERS = 'memory.dead-letters';
/** Where finished sweeps are told of. */
export const SWEEPS = 'memory.sweeps';
/** Where it goes whose account an entity is. */
export const ENTITIES = 'memory.entities';

/** What becomes of what a shard writes, decided by the test. */
export interface MemoryKafkaOptions {
  /** Awaited wherever the network would be. */
  readonly pause?: () => Promise<void>;
  /** Told of each batch as it is handed to a writer, whatever becomes of it. */
  readonly onBatch?: (batch: Batch) => void;
  /** Asked as a transaction arrives. */
  readonly fate?: (batch: Batch) => Fate | Promise<Fate>;
  /** Told of each transaction that stands, after it does. */
  readonly onCommitted?: (batch: Batch) => void;
  /** Asked before each record that a restore reads; true breaks the reading off. */
  readonly breaksRead?: () => boolean;
  /** What the state topic holds already. */
  readonly stored?: readonly Pick<StoredRecord, 'key' | 'value'>[];
}

/** One shard's part of Kafka. */
export interface MemoryKafka {
  /** Committed records of the data topics and the dead-letter topic, in order. */
  readonly records: readonly OutgoingRecord[];
  /** Committed records of finished sweeps, as JSON, in order. */
  readonly sweeps: readonly OutgoingRecord[];
  /** Committed records of entities, in order. */
  readonly entities: readonly OutgoingRecord[];
  /** Committed records of the state topic's partition. */
  readonly state: readonly StoredRecord[];
  /** Counts what was aborted too, as Kafka does. */
  highWatermark(): number;
  readonly openWriter: ShardOptions['openWriter'];
  /** A sequence, so that the same story writes the same bytes. */
  readonly newSessionId: ShardOptions['newSessionId'];
  readonly read: ShardOptions['read'];
}

const noPause = (): Promise<void> => Promise.resolve();

/** Last offsets of each topic in a stored layout; none in a damaged one. */
function lastOffsetsIn(layout: Buffer): Layout['lastOffsets'] {
  try {
    return (parseStateValue('layout', layout) as Partial<Layout>).lastOffsets ?? {};
  } catch {
    return {};
  }
}

/** An empty shard. */
export function createMemoryKafka({
  pause = noPause,
  onBatch = () => undefined,
  fate = () => 'committed',
  onCommitted = () => undefined,
  breaksRead = () => false,
  stored = [],
}: MemoryKafkaOptions = {}): MemoryKafka {
  const records: OutgoingRecord[] = [];
  const sweeps: OutgoingRecord[] = [];
  const entities: OutgoingRecord[] = [];
  const reports = new Map([
    [SWEEPS, sweeps],
    [ENTITIES, entities],
  ]);
  const state: StoredRecord[] = stored.map((record, offset) => ({ ...record, offset }));
  let newest = 0;
  let end = state.length;
  let sessions = 0;
  /** Where each partition of the other topics ends, what was aborted included. */
  const ends = new Map<string, Map<number, number>>();

  for (const { key, value } of stored) {
    if (value === null || !key.endsWith('{"layout":true}]')) continue;
    // The topics go on where what is stored says that they ended; a damaged layout says nothing.
    for (const [topic, offsets] of Object.entries(lastOffsetsIn(value)))
      ends.set(topic, new Map(Object.entries(offsets).map(([partition, last]) => [Number(partition), last + 2])));
  }

  /** Gives the records of a transaction their offsets; its control records have some too. */
  function place(outgoing: readonly OutgoingRecord[]): Map<string, Map<number, number>> {
    const last = new Map<string, Map<number, number>>();
    for (const { topic, partition } of outgoing) {
      const topicEnds = ends.get(topic) ?? new Map<number, number>();
      const offset = topicEnds.get(partition) ?? 0;
      ends.set(topic, topicEnds.set(partition, offset + 1));
      last.set(topic, (last.get(topic) ?? new Map<number, number>()).set(partition, offset));
    }
    for (const [topic, partitions] of last) {
      for (const partition of partitions.keys()) {
        const topicEnds = ends.get(topic);
        topicEnds?.set(partition, (topicEnds.get(partition) ?? 0) + 1);
      }
    }
    return last;
  }

  const fenced = (): Outcome => ({ kind: 'fenced', error: new TransientError('memory: a newer writer exists') });

  function writerOf(epoch: number): Writer {
    let used = false;
    const isCurrent = (): boolean => epoch === newest && !used;
    return {
      async commit(batch) {
        onBatch(batch);
        await pause();
        if (!isCurrent()) return fenced();
        const how = await fate(batch);
        if (!isCurrent()) return fenced();
        const first = end;
        const last = first + batch.state.length - 1;
        // The control record that ends the transaction has an offset too.
        end += batch.state.length + 1;
        const lastOffsets = place(batch.records);
        const stand = (): void => {
          for (const [index, { key, value }] of batch.state.entries()) {
            state.push({ key, value: value === null ? null : Buffer.from(value), offset: first + index });
          }
          for (const record of batch.records) (reports.get(record.topic) ?? records).push(record);
          onCommitted(batch);
        };
        if (how !== 'committed') used = true;
        switch (how) {
          case 'committed': {
            stand();
            await pause();
            return { kind: 'committed', lastOffsets: lastOffsets.set(STATE_TOPIC, new Map([[0, last]])) };
          }
          case 'lost-though-committed':
            stand();
            break;
          case 'lost-and-committed-late':
            void pause().then(() => {
              if (epoch === newest) stand();
            });
            break;
          case 'fenced':
            newest += 1;
            return fenced();
          case 'refused':
            return { kind: 'refused', error: new TransientError('memory: refused', { retryAfterMs: 0 }) };
          case 'lost':
        }
        await pause();
        return { kind: 'lost', error: new TransientError('memory: the connection was lost') };
      },
      close: pause,
    };
  }

  return {
    records,
    sweeps,
    entities,
    state,
    highWatermark: () => end,
    newSessionId: () => `session ${(sessions += 1)}`,
    async openWriter() {
      await pause();
      newest += 1;
      return writerOf(newest);
    },
    async read(from, each, until = Infinity) {
      await pause();
      for (const record of state.filter(({ offset }) => offset >= from && offset < until)) {
        if (breaksRead()) throw new TransientError('memory: the reading broke off');
        if (each(record)) return;
        await pause();
      }
      if (until === Infinity) throw new TransientError('memory: expected the marker, got the end');
    },
  };
}

/** What is written in a state topic under keys of one kind. */
export function stateOf(kafka: MemoryKafka): { readonly key: StateKey; readonly value: Buffer }[] {
  return kafka.state.flatMap(({ key, value }) =>
    value === null ? [] : [{ key: parseStateKey(SERVICE, key, STATE_TOPIC), value }],
  );
}

/** The hold that a list's deletions wait for, or null. */
export function holdIn(kafka: MemoryKafka, { entity, stream }: { readonly entity: string; readonly stream: string }) {
  const key = stateKey(SERVICE, { entity, stream, hold: true });
  const value = kafka.state.findLast((record) => record.key === key)?.value ?? null;
  return value === null ? null : parseStateValue('hold', value);
}

/** The durable cursor of a scan. */
export function cursorOfScan(
  kafka: MemoryKafka,
  place: { readonly entity: string; readonly stream: string; readonly scan: ScanName },
): Cursor | null {
  const value = kafka.state.findLast(({ key }) => key === stateKey(SERVICE, place))?.value ?? null;
  return value === null ? null : parseStateValue('scan', value);
}

/** The cursor of a scan, or null where the batch moves none. */
export function cursorIn(
  batch: Batch,
  { entity, stream, scan = 'sweep' }: { readonly entity: string; readonly stream: string; readonly scan?: ScanName },
): Cursor | null {
  const wanted = stateKey(SERVICE, { entity, stream, scan });
  const value = batch.state.findLast(({ key }) => key === wanted)?.value ?? null;
  return value === null ? null : parseStateValue('scan', Buffer.from(value));
}

const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
const decodeBlock = (bytes: Buffer): LedgerBlock => block.decode(bytes) as LedgerBlock;

/** The ledger that the state topic holds. */
export function ledgerIn(kafka: MemoryKafka, entity: string, stream: string): Ledger {
  const ledger = createLedger({ entity, stream });
  for (const { key, value } of stateOf(kafka)) {
    if ('block' in key && key.entity === entity && key.stream === stream) ledger.load(decodeBlock(value));
  }
  ledger.loaded();
  return ledger;
}

/** What a stream in memory has beside rows. */
export interface ItemStreamOptions {
  readonly scoped?: boolean;
  /** Whether there is an `open` scan, of rows whose `closed` is null. */
  readonly opens?: boolean;
  readonly address?: StreamDeclaration['address'];
}

/** A stream of rows `{ id, uuid, content, date, closed }`; `date` is its scope where it has one. */
export function itemStream(
  name: string,
  { scoped = false, opens = false, address = 'id' }: ItemStreamOptions = {},
): StreamDeclaration {
  return {
    name,
    path: `/${name}.json`,
    address,
    detailPath: (value) => `/${name}/${value}.json`,
    scopeField: scoped ? 'date' : null,
    schema: 'item',
    volatileFields: [],
    everyRowHas: ['content'],
    detailOnlyFields: ['detail'],
    documentedValues: {},
    sumFields: [],
    openField: opens ? 'closed' : null,
    projection: null,
  };
}

const schemaText = JSON.stringify({
  type: 'record',
  name: 'item',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'content', type: ['null', 'string'] },
    { name: 'date', type: ['null', { type: 'int', logicalType: 'date' }] },
  ],
});

/** What the codecs of items name their one definition by. */
export const DEFINITION_NUMBER = 17;

/** Rows as JSON; content that begins with `bad` does not fit the schema, and content that begins with `odd` is a misfit. */
function itemCodec(declaration: StreamDeclaration): StreamCodec {
  const fingerprint = createFingerprint({ schemaText, volatileFields: [...declaration.volatileFields] });
  return {
    declaration,
    definition: { stream: declaration.name, hashVersion: 1, normalisationVersion: 1, volatileFields: [] },
    definitionNumber: DEFINITION_NUMBER,
    fingerprintUnder: () => fingerprint,
    decode: (row) => {
      if (String(row['content']).startsWith('bad')) {
        throw new RecordError('normalise content: expected good content, got bad', { path: 'content' });
      }
      return { record: { ...row }, misfits: String(row['content']).startsWith('odd') ? ['content'] : [] };
    },
    encode: (record) => Buffer.from(JSON.stringify(record)),
    encodeKey: (key) => Buffer.from(JSON.stringify(key)),
    dateOf: ({ date }) => (typeof date === 'string' ? daysOf(date) : undefined) ?? NO_DATE,
    topic: { name: topicOf(declaration.name), partitions: 3, maxMessageBytes: 1_000_000 },
    lines: null,
    formerLines: null,
    withKeysOf() {
      return this;
    },
  };
}

/** The topic of a stream. */
export function topicOf(stream: string): string {
  return `memory.${stream}`;
}

/** The id of the row that a record is about, tombstones included. */
export function idOf({ key }: OutgoingRecord): number {
  return (JSON.parse(key?.toString() ?? 'null') as { readonly id: number }).id;
}

/** The row that a record or a dead letter holds. */
export function rowOf({ value }: OutgoingRecord): Row {
  return JSON.parse(value?.toString() ?? 'null') as Row;
}

/** What `createShard` needs, its Kafka in memory. */
export function memoryShard(
  kafka: MemoryKafka,
  streams: readonly { readonly entity: string; readonly declaration: StreamDeclaration }[],
  {
    now = Date.now,
    idleCommitMs = 5,
    absentForMs = 0,
    accepted = [],
  }: Partial<Pick<ShardOptions, 'now' | 'idleCommitMs' | 'absentForMs'>> & {
    readonly accepted?: readonly number[];
  } = {},
): ShardOptions {
  return {
    number: 0,
    serviceId: SERVICE,
    stateTopic: STATE_TOPIC,
    streams: streams.map(({ entity, declaration }) => ({ entity, codec: itemCodec(declaration), accepted })),
    deadLetters: { name: DEAD_LETTERS, partitions: 1, maxMessageBytes: 1_000_000 },
    sweeps: {
      topic: { name: SWEEPS, partitions: 1, maxMessageBytes: 1_000_000 },
      encode: (sweep) => Buffer.from(JSON.stringify(sweep)),
      encodeKey: (key) => Buffer.from(JSON.stringify(key)),
      withKeysOf() {
        return this;
      },
    },
    entities: {
      topic: { name: ENTITIES, partitions: 1, maxMessageBytes: 1_000_000 },
      encode: (about) => Buffer.from(JSON.stringify(about)),
      encodeKey: (key) => Buffer.from(JSON.stringify(key)),
      withKeysOf() {
        return this;
      },
    },
    encodeBlock: (value) => block.encode(value),
    decodeBlock,
    openWriter: kafka.openWriter,
    read: kafka.read,
    layout: {
      version: 1,
      statePartitions: 1,
      partitions: {},
      keyFraming: 'single-object',
      keySchemas: {},
      definitions: [],
      lastOffsets: {},
      observedAt: 0,
    },
    verifyLayout: () => Promise.resolve(),
    now,
    newSessionId: kafka.newSessionId,
    idleCommitMs,
    absentForMs,
  };
}

/** One request for a page, as the API in memory sees it. */
export interface ListRequest {
  readonly entity: string;
  readonly stream: string;
  readonly params: Readonly<Record<string, string>>;
  readonly offset: number;
  readonly limit: number;
}

/** One request for a single row, as the API in memory sees it. */
export interface DetailRequest {
  readonly entity: string;
  readonly stream: string;
  /** What stands in the path. */
  readonly address: string;
}

/** The API of one entity. */
export interface MemoryRestOptions {
  readonly entity: string;
  /** All rows of a stream, in any order. */
  readonly rows: (stream: string) => readonly Row[];
  readonly marks: { next(): number };
  readonly pause?: () => Promise<void>;
  /** Runs, and is awaited, before an answer is computed; what it throws is the answer. */
  readonly before?: (request: ListRequest) => void | Promise<void>;
  /** What the API makes of the answer that would be true. */
  readonly falsify?: (answer: ListAnswer, request: ListRequest) => ListAnswer;
  /** What the API answers in place of one row that nobody can read. */
  readonly raw?: (request: ListRequest) => Buffer;
  /** As of `Rest`; default within 5 ms after the request is wanted. */
  readonly leave?: Rest['leave'];
  /** Whether the API heeds a filter, such as `q[date_gteq]`; default always. */
  readonly heeds?: (filter: string, request: ListRequest) => boolean;
  /** As `before`, of a single row; what it returns is the answer, undefined = whatever is true. */
  readonly beforeDetail?: (request: DetailRequest) => DetailAnswer | Promise<DetailAnswer>;
  readonly account?: () => AccountShown | Promise<AccountShown>;
  /** A row of a list as it is when asked for alone; with one field more unless given. */
  readonly alone?: (row: Row, stream: string) => Row;
}

/** Leave for a request within so many milliseconds after it is wanted, as where there is no limit. */
export function leaveWithin(ms: number): Rest['leave'] {
  return (grant, turn) => {
    const urgency = turn?.()?.urgency;
    let timer: NodeJS.Timeout | undefined;
    const ask = (): void => {
      const worth = urgency?.kind === 'scheduled' ? urgency.worth() : null;
      if (worth === null || isWanted(worth)) grant({ done: () => undefined });
      else timer = setTimeout(ask, Math.min(ms, worth.inMs));
    };
    ask();
    return () => clearTimeout(timer);
  };
}

/** What an account shows of itself; without a name unless given. */
export type AccountShown = (Omit<AccountDetails, 'name'> & Partial<Pick<AccountDetails, 'name'>>) | 'unreadable';

/** A row, or null where the API says that there is none. */
export type DetailAnswer = Row | null | undefined;

/** What a list says. */
export type ListAnswer = Pick<Answer, 'rows' | 'totalCount'>;

/** Answers lists from collections in memory, each answer one snapshot. */
export function createMemoryRest({
  entity,
  rows,
  marks,
  pause = noPause,
  before = () => undefined,
  falsify = (answer) => answer,
  raw = () => Buffer.from('raw'),
  leave = leaveWithin(5),
  heeds = () => true,
  beforeDetail = () => undefined,
  account = () => ({ taxId: null, accountUuid: entity }),
  alone = (row) => ({ ...row, detail: 'only here' }),
}: MemoryRestOptions): Rest {
  const rest: Rest = {
    leave,
    list: (stream, _path, params, offset, limit): Observable<Answer> =>
      defer(async () => {
        await pause();
        const began = marks.next();
        const request: ListRequest = { entity, stream, params, offset, limit };
        await before(request);
        const filters = Object.entries(params).filter(([name]) => name.startsWith('q[') && heeds(name, request));
        const inQuery = rows(stream)
          .filter((row) => filters.every(([name, value]) => passes(row, name, value)))
          .toSorted((a, b) => (params['order'] === 'id desc' ? b.id - a.id : a.id - b.id));
        const page = { rows: inQuery.slice(offset, offset + limit), totalCount: inQuery.length };
        const answer = falsify(page, request);
        const ended = marks.next();
        await pause();
        return { ...answer, began, ended };
      }),
    raw: (stream, _path, params, offset) =>
      defer(async () => {
        await pause();
        const began = marks.next();
        const bytes = raw({ entity, stream, params, offset, limit: 1 });
        return { status: 200, bytes, began, ended: marks.next() };
      }),
    detail: (stream, path): Observable<Detail> =>
      defer(async () => {
        await pause();
        const began = marks.next();
        const address = path.slice(`/${stream}/`.length, -'.json'.length);
        const told = await beforeDetail({ entity, stream, address });
        const there = rows(stream).find(({ id, uuid }) => address === String(id) || address === uuid);
        const row = told === undefined ? (there ?? null) : told;
        const ended = marks.next();
        await pause();
        if (row === null) return { status: 404 as const, began, ended };
        return { status: 200 as const, row: alone(row, stream), began, ended };
      }),
    accountDetails: () =>
      defer(async () => {
        await pause();
        const shown = await account();
        return shown === 'unreadable' ? shown : { name: null, ...shown };
      }),
  };
  return rest;
}

function passes(row: Row, filter: string, wanted: string): boolean {
  const [, field = '', condition] = /^q\[(.+)_(gteq|lteq|null)\]$/.exec(filter) ?? [];
  const value = row[field];
  if (condition === 'null') return (value === undefined || value === null) === (wanted === 'true');
  if (typeof value !== 'string') return false;
  return condition === 'gteq' ? value >= wanted : value <= wanted;
}

/** A sequence of marks, as every process has one. */
export function createMarks(): { next(): number } {
  let mark = 0;
  return { next: () => (mark += 1) };
}
