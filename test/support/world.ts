import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { from, mergeMap } from 'rxjs';

import { FatalError, TransientError } from '../../src/errors';
import type { Cursor, Row, StreamDeclaration } from '../../src/model';
import { type Rhythm } from '../../src/reading/stream-reading';
import type { HintOutcome } from '../../src/rules/hints';
import { createHintChannel, type HintChannel } from '../../src/service/hint-channel';
import type { Batch, OutgoingRecord } from '../../src/sinks/transaction';
import {
  createMarks,
  createMemoryKafka,
  createMemoryRest,
  cursorIn,
  DEAD_LETTERS,
  type DetailAnswer,
  type Fate,
  holdIn,
  idOf,
  itemStream,
  memoryShard,
  type MemoryKafka,
  type ListAnswer,
  type ListRequest,
  type MemoryKafkaOptions,
  rowOf,
  topicOf,
} from './memory';
import { Copy } from './copy';
import { besideLyingScans, lies, type Lie } from './lying-scans';
import { startProcess, type Ending, type ProcessResult, type ProcessSetting, type StartedProcess } from './process';

// A world of lists that change, of transactions that fail and of processes that end, and what becomes of one shard in it.

/** The lists that one shard reads. */
export const lists = [
  { entity: 'alfa', stream: 'items' },
  { entity: 'alfa', stream: 'things' },
  { entity: 'beta', stream: 'items' },
] as const;
const entities = [...new Set(lists.map(({ entity }) => entity))];
type Place = Pick<(typeof lists)[number], 'entity' | 'stream'>;

/** What happens to a list between two requests. */
type Change = { readonly list: number } & (
  | { readonly kind: 'append'; readonly gaps: readonly number[] }
  | { readonly kind: 'arrive'; readonly ids: readonly number[] }
  | { readonly kind: 'leave'; readonly where: number; readonly count: number }
  /** Out of the scope, where only the detail shows the row; `return` brings one back, `vanish` deletes one there. */
  | { readonly kind: 'stray' | 'return' | 'vanish'; readonly where: number }
  /** An edit by which `open` no longer shows the row, or does so again. */
  | { readonly kind: 'close' | 'reopen'; readonly where: number }
  | { readonly kind: 'edit'; readonly where: number }
  /** Back to what the row was before its last edit. */
  | { readonly kind: 'revert'; readonly where: number }
  /** An edit whose record the broker refuses. */
  | { readonly kind: 'spoil'; readonly where: number }
);

/** A delivery of a webhook about a row of a list, true or not; `where` is among all that the list ever had, null = about no row. */
export interface HintGiven {
  readonly list: number;
  readonly event: string;
  readonly where: number | null;
  /** How often it comes. */
  readonly times: number;
}

type Trouble = 'none' | 'down' | 'malformed';

/** What the API has against requests for a single row. */
interface DetailTrouble {
  readonly troubles: readonly ('none' | 'down' | 'another-row')[];
  /** It answers 404 for everything up to, or from, the nth such request on. */
  readonly blind: { readonly side: 'up-to' | 'from'; readonly nth: number } | null;
}

/** All that happens in a world, decided before it begins. */
export interface Story {
  readonly ids: readonly (readonly number[])[];
  readonly limit: number;
  readonly credits: number;
  readonly idleCommitMs: number;
  /** Before the nth request. */
  readonly changes: readonly (readonly Change[])[];
  readonly troubles: readonly Trouble[];
  /** Before the nth request; absent = none ever come, and rows have no uuid. */
  readonly hints?: readonly (readonly HintGiven[])[];
  /** What the nth request of a scan by a filter comes to, over and over; absent = there are no such scans. */
  readonly lies?: readonly Lie[];
  readonly details: DetailTrouble;
  readonly maxShare: number;
  readonly fates: readonly Fate[];
  /** True breaks a restore off at its nth record. */
  readonly breaks: readonly boolean[];
  readonly endings: readonly Ending[];
  /** Turns of the event loop that the nth step over the network takes, over and over. */
  readonly turns: readonly number[];
}

/** One row over time. */
interface Item {
  readonly id: number;
  /** Every content that it had, with the moment from which on. */
  readonly history: { readonly content: string; readonly at: number }[];
  /** Since when the list has shown it without a break; null = it does not show it. */
  since: number | null;
  closed: boolean;
  /** When it was to be had at all, in the list or outside the scope; a span that goes on has no end. */
  readonly spans: Span[];
  /** When the list showed it. */
  readonly shown: Span[];
}

interface Span {
  readonly from: number;
  to: number | null;
}

const SCOPE_FROM = '2026-01-01';
/** Two reads prove a row absent if they are so many events apart, until all is calm. */
const ABSENT_FOR = 40;

/** What one answer to the sweep's query left out: every row of an interval of ids that it does not show. */
interface Proof {
  readonly at: number;
  readonly isLeftOut: (id: number) => boolean;
}

/** How a world is looked at from outside. */
export interface Watch {
  /** Lets everything else happen first; a turn of the event loop unless given. */
  readonly turn?: () => Promise<void>;
  readonly onBatch?: MemoryKafkaOptions['onBatch'];
  /** Told of each transaction that stands, with the world as it is then. */
  readonly onCommitted?: (batch: Batch, world: World) => void;
}

/** The world outside the process: the API's rows, Kafka, and time, which is a count of events. */
export class World {
  private readonly items = lists.map(() => new Map<number, Item>());
  private requests = 0;
  private commits = 0;
  private details = 0;
  private holds = 0;
  private reads = 0;
  private steps = 0;
  private edits = 0;
  private quiet = false;
  private readonly cursors = new Map<string, Cursor>();
  private readonly marks = new Map<string, number>();
  /** Of each list, in order. */
  private readonly proofs = new Map<string, Proof[]>();
  readonly faults: string[] = [];
  /** What became of the hints. */
  readonly hintOutcomes: HintOutcome[] = [];
  readonly hints: HintChannel = createHintChannel({
    // So fast that the same hint is soon worth a read again.
    now: () => this.now * 20_000,
    listensFor: () => true,
    onOutcome: (_, outcome) => void this.hintOutcomes.push(outcome),
    onSilence: () => undefined,
  });
  /** Pages of scans by filters that were compared with the ledger. */
  filteredPages = 0;
  private filtered = 0;
  private readonly copy = new Copy();
  now = 0;
  readonly kafka: MemoryKafka;

  readonly turn: () => Promise<void>;

  constructor(
    private readonly story: Story,
    { turn = () => setImmediate(), onBatch = () => undefined, onCommitted = () => undefined }: Watch = {},
  ) {
    this.turn = turn;
    for (const [list, ids] of story.ids.entries()) this.change({ list, kind: 'arrive', ids });
    this.kafka = createMemoryKafka({
      pause: () => this.pause(),
      onBatch,
      fate: (batch) => this.fate(batch),
      onCommitted: (batch) => {
        this.check(batch);
        onCommitted(batch, this);
      },
      breaksRead: () => !this.quiet && story.breaks[this.reads++] === true,
    });
  }

  private get hasUuids(): boolean {
    return this.story.hints !== undefined;
  }

  get isQuiet(): boolean {
    return this.quiet;
  }

  get absentFor(): number {
    return this.quiet ? 0 : ABSENT_FOR;
  }

  /** From now on nothing changes and nothing fails. */
  calm(): void {
    this.quiet = true;
  }

  async pause(): Promise<void> {
    this.steps += 1;
    const turns = this.story.turns[this.steps % this.story.turns.length] ?? 0;
    for (let n = 0; n < turns; n++) await this.turn();
  }

  rows(place: Place): Row[] {
    return this.itemsOf(place)
      .filter(({ since }) => since !== null)
      .map((item) => rowAt(item, this.hasUuids));
  }

  /** All that the API has, whatever a list asks for. */
  everything(place: Place): Row[] {
    return this.itemsOf(place)
      .filter(exists)
      .map((item) => rowAt(item, this.hasUuids));
  }

  newId(): string {
    this.holds += 1;
    return `hold ${this.holds}`;
  }

  /** Called before each answer about a single row. */
  askedFor(): DetailAnswer {
    this.now += 1;
    if (this.quiet) return undefined;
    this.meet();
    const { troubles, blind } = this.story.details;
    const trouble = troubles[this.details] ?? 'none';
    this.details += 1;
    if (trouble === 'down') throw new TransientError('the API is down');
    if (trouble === 'another-row') return { id: 9_999, content: 'of another row' };
    const isBlind = blind !== null && (blind.side === 'from') === this.details >= blind.nth;
    return isBlind ? null : undefined;
  }

  /** Called before each answer. */
  asked(): void {
    this.now += 1;
    if (this.quiet) return;
    const trouble = this.meet();
    if (trouble === 'down') throw new TransientError('the API is down');
    if (trouble === 'malformed') {
      throw new FatalError('no list', { reason: 'malformed-answer', parks: 'stream' });
    }
  }

  /** What a request of a scan by a filter comes to; the list goes on changing meanwhile. */
  nextLie(): Lie | undefined {
    this.now += 1;
    if (!this.quiet) this.meet();
    const { lies: told = [] } = this.story;
    this.filtered += 1;
    return told[this.filtered % told.length];
  }

  private meet(): Trouble {
    for (const change of this.story.changes[this.requests] ?? []) this.change(change);
    for (const hint of this.story.hints?.[this.requests] ?? []) this.give(hint);
    const trouble = this.story.troubles[this.requests] ?? 'none';
    this.requests += 1;
    return trouble;
  }

  private give({ list, event, where, times }: HintGiven): void {
    const items = [...(this.items[list % lists.length]?.values() ?? [])];
    const item = where === null ? undefined : items[Math.round(where * (items.length - 1))];
    const uuid = item === undefined ? 'u-of-nothing' : uuidOf(item);
    const entity = lists[list % lists.length]?.entity ?? '';
    for (let n = 0; n < times; n++) this.hints.deliver(entity, { event: { name: event }, resource: { uuid } });
  }

  get changesLeft(): boolean {
    return this.requests < this.story.changes.length;
  }

  itemsOf({ entity, stream }: Place): Item[] {
    const at = lists.findIndex((list) => list.entity === entity && list.stream === stream);
    return [...(this.items[at]?.values() ?? [])];
  }

  private fate(batch: Batch): Fate {
    this.now += 1;
    if (
      batch.records.some((record) => record.topic !== DEAD_LETTERS && record.value !== null && isSpoilt(rowOf(record)))
    )
      return 'refused';
    return this.quiet ? 'committed' : (this.story.fates[this.commits++] ?? 'committed');
  }

  private change(change: Change): void {
    const items = this.items[change.list % lists.length] ?? new Map<number, Item>();
    const present = [...items.values()].filter(({ since }) => since !== null).toSorted((a, b) => a.id - b.id);
    const strayed = [...items.values()].filter((item) => item.since === null && exists(item));
    const at = (where: number, room = 1): number => Math.round(where * Math.max(0, present.length - room));
    const put = (id: number): void => {
      const item = items.get(id) ?? { id, history: [], since: null, closed: false, spans: [], shown: [] };
      if (exists(item)) return;
      items.set(id, item);
      this.show(item);
      item.spans.push({ from: this.now, to: null });
      this.write(item);
    };
    switch (change.kind) {
      case 'append': {
        let id = Math.max(0, ...items.keys());
        for (const gap of change.gaps) put((id += gap));
        break;
      }
      case 'arrive':
        for (const id of change.ids) put(id);
        break;
      case 'leave': {
        const first = at(change.where, change.count);
        for (const item of present.slice(first, first + change.count)) this.delete(item);
        break;
      }
      case 'stray': {
        const item = present[at(change.where)];
        if (item === undefined) break;
        this.hide(item);
        this.write(item);
        break;
      }
      case 'return': {
        const item = strayed[Math.round(change.where * (strayed.length - 1))];
        if (item === undefined) break;
        this.show(item);
        this.write(item);
        break;
      }
      case 'vanish': {
        const item = strayed[Math.round(change.where * (strayed.length - 1))];
        if (item !== undefined) this.delete(item);
        break;
      }
      case 'close':
      case 'reopen': {
        const item = present[at(change.where)];
        if (item === undefined) break;
        item.closed = change.kind === 'close';
        this.write(item);
        break;
      }
      case 'edit':
      case 'spoil': {
        const item = present[at(change.where)];
        if (item !== undefined) this.write(item, change.kind === 'spoil' ? 'spoilt' : 'content');
        break;
      }
      case 'revert': {
        const item = present[at(change.where)];
        const before = item?.history.at(-2);
        if (before !== undefined) item?.history.push({ content: before.content, at: this.now });
      }
    }
  }

  private write({ history }: Item, word = 'content'): void {
    this.edits += 1;
    history.push({ content: `${word} ${this.edits}`, at: this.now });
  }

  private delete(item: Item): void {
    if (item.since !== null) this.hide(item);
    const last = item.spans.at(-1);
    if (last !== undefined) last.to = this.now;
  }

  private show(item: Item): void {
    item.since = this.now;
    item.shown.push({ from: this.now, to: null });
  }

  private hide(item: Item): void {
    item.since = null;
    const last = item.shown.at(-1);
    if (last !== undefined) last.to = this.now;
  }

  /** I3, at every transaction: where a cursor stands, everything that was there before its sweep began is published. */
  private check(batch: Batch): void {
    this.faults.push(...this.copy.apply(batch.records));
    for (const place of lists) {
      this.checkTombstones(batch, place);
      this.checkNewest(batch, place);
      const cursor = cursorIn(batch, place);
      if (cursor === null) continue;
      const name = `${place.entity} ${place.stream}`;
      const before = this.cursors.get(name);
      this.cursors.set(name, cursor);
      const reached = (at: Cursor): number => (at.finishedAt === null ? (at.position.anchor ?? 0) : Infinity);
      if (before !== undefined) {
        const sameSweep = before.number === cursor.number && before.startedAt === cursor.startedAt;
        if (cursor.number < before.number || (sameSweep && reached(cursor) < reached(before))) {
          this.faults.push(`the cursor of ${name} went back: ${JSON.stringify([before, cursor])}`);
        }
      }
      const begun = Date.parse(cursor.startedAt);
      const published = latest(this.kafka.records, place);
      for (const { id, since, history } of this.itemsOf(place)) {
        if (since === null || since >= begun || id > reached(cursor) || this.wasUnreadable(place, id)) continue;
        const then = history.findLastIndex(({ at }) => at < begun);
        const content = published.get(id);
        if (history.findLastIndex((version) => version.content === content) < then) {
          this.faults.push(`${name} ${id} is behind its cursor as ${content ?? 'nothing'}`);
        }
      }
    }
  }

  /** Whether a dead letter tells of a row between others that nobody could read, where this id is. */
  private wasUnreadable({ entity, stream }: Place, id: number): boolean {
    return this.kafka.records.some(({ topic, key, headers }) => {
      if (topic !== DEAD_LETTERS || key !== null || headers['entity'] !== entity || headers['stream'] !== stream)
        return false;
      const { after_id: after = '', before_id: before = '' } = headers;
      return Number(after) < id && (before === '' || id < Number(before));
    });
  }

  /** Takes down what a page proves absent, where it is an answer to the sweep's query. */
  answered({ entity, stream, params, offset }: ListRequest, { rows, totalCount }: ListAnswer): void {
    const { order, ...filters } = params;
    const isOfSweep = order === 'id asc' && JSON.stringify(filters) === JSON.stringify({ 'q[date_gteq]': SCOPE_FROM });
    if (!isOfSweep) return;
    const ids = rows.map((row) => (row as Row).id);
    const from = offset === 0 ? -Infinity : (ids[0] ?? Infinity);
    const upTo = offset + rows.length >= totalCount ? Infinity : (ids.at(-1) ?? -Infinity);
    const name = `${entity} ${stream}`;
    const isLeftOut = (id: number): boolean => from <= id && id <= upTo && !ids.includes(id);
    this.proofs.set(name, [...(this.proofs.get(name) ?? []), { at: this.now, isLeftOut }]);
  }

  /** I5, at every transaction: a row declared dead was proved absent twice, and was not to be had after the second time; never too many. */
  private checkTombstones(batch: Batch, place: Place): void {
    const name = `${place.entity} ${place.stream}`;
    for (const record of publishedOf(batch.records, place)) {
      if (record.value !== null) continue;
      const id = idOf(record);
      const { spans = [] } = this.itemsOf(place).find((item) => item.id === id) ?? {};
      const since = this.provedTwice(name, id);
      if (since === null || !wasAway(spans, since, this.now))
        this.faults.push(`${name} ${id} was declared dead too early`);
    }
    if (this.quiet) return;
    const dead = publishedOf(this.kafka.records, place).filter(({ value }) => value === null).length;
    const allowed = Math.max(10, Math.floor(this.itemsOf(place).length * this.story.maxShare));
    if (dead > allowed) this.faults.push(`${name} lost ${dead} rows of which ${allowed} could go without a question`);
  }

  /** When a row was first proved absent long enough after another proof; null = it was not. */
  private provedTwice(name: string, id: number): number | null {
    const [first, ...more] = (this.proofs.get(name) ?? []).filter(({ isLeftOut }) => isLeftOut(id));
    return more.find(({ at }) => at - (first?.at ?? 0) >= this.absentFor)?.at ?? null;
  }

  /** I1, at every transaction: what is below the mark of `newest` and came after the mark before is published. */
  private checkNewest(batch: Batch, place: Place): void {
    const name = `${place.entity} ${place.stream}`;
    const cursor = cursorIn(batch, { ...place, scan: 'newest' });
    if (cursor?.mark === undefined) return;
    const before = this.marks.get(name);
    this.marks.set(name, cursor.mark);
    if (before === undefined) return;
    if (cursor.mark < before) this.faults.push(`the mark of ${name} went back from ${before} to ${cursor.mark}`);
    const published = latest(this.kafka.records, place);
    for (const { id, since } of this.itemsOf(place)) {
      if (since === null || since >= Date.parse(cursor.startedAt) || id <= before || id > cursor.mark) continue;
      if (!published.has(id) && !this.wasUnreadable(place, id))
        this.faults.push(`${name} ${id} is below the mark of newest and not published`);
    }
  }
}

function uuidOf({ id }: Pick<Item, 'id'>): string {
  return `u-${id}`;
}

function rowAt({ id, history, since, closed }: Item, hasUuid: boolean): Row {
  return {
    id,
    ...(hasUuid ? { uuid: uuidOf({ id }) } : {}),
    content: history.at(-1)?.content,
    date: since === null ? '2025-12-31' : SCOPE_FROM,
    closed: closed ? '2026-02-02' : null,
  };
}

/** At any moment between the two. */
function wasAway(spans: readonly Span[], from: number, to: number): boolean {
  return !spans.some((span) => span.from <= from && (span.to === null || span.to > to));
}

function exists({ spans }: Item): boolean {
  const last = spans.at(-1);
  return last?.to === null;
}

function isSpoilt({ content }: Row): boolean {
  return String(content).startsWith('spoilt');
}

/** What a topic holds of a list, in order; dead letters included, but for those of rows that nobody could read. */
export function publishedOf(records: readonly OutgoingRecord[], { entity, stream }: Place): OutgoingRecord[] {
  return records.filter(({ topic, headers, key }) =>
    topic === DEAD_LETTERS
      ? headers['entity'] === entity && headers['stream'] === stream && key !== null
      : topic === topicOf(stream) && headers['entity'] === entity,
  );
}

/** What a consumer of the topic holds in the end: nothing of what has a tombstone. */
export function latest(records: readonly OutgoingRecord[], place: Place): Map<number, string> {
  const held = new Map<number, string>();
  for (const record of publishedOf(records, place)) {
    if (record.value === null) held.delete(idOf(record));
    else held.set(idOf(record), String(rowOf(record)['content']));
  }
  return held;
}

interface WorldProcess {
  readonly ending?: Ending | undefined;
  readonly sideBySide: ProcessSetting['sideBySide'];
  /** The holds that a person has agreed to, by entity. */
  readonly confirm?: ReadonlyMap<string, string>;
}

function startIn(
  world: World,
  story: Story,
  { ending, sideBySide, confirm = new Map() }: WorldProcess,
): StartedProcess {
  const marks = createMarks();
  const { kafka } = world;
  const now = (): number => (world.now += 1);
  const declared = lists.map(({ entity, stream }) => ({ entity, declaration: declarationOf(stream, story) }));
  return startProcess({
    ending: ending ?? null,
    lists: lists.map(({ entity, stream }) => `${entity} ${stream}`),
    sideBySide,
    pauses: [() => world.pause(), () => world.pause()],
    reopening: () => from(world.pause()).pipe(mergeMap(() => world.turn())),
    shard: (step) => ({
      ...memoryShard(kafka, declared, {
        now,
        idleCommitMs: story.idleCommitMs,
        absentForMs: world.absentFor,
      }),
      read: async (from, each) => {
        await step();
        await kafka.read(from, each);
      },
    }),
    beside(session, step, stop) {
      for (const place of story.lies === undefined ? [] : lists)
        besideLyingScans(session, {
          place,
          stream: declarationOf(place.stream, story),
          sweep: { from: SCOPE_FROM, to: null, order: 'asc' },
          rows: () => world.everything(place),
          nextLie: () => world.nextLie() ?? TRUTH,
          step: async () => {
            await step();
            await world.pause();
          },
          marks,
          now,
          limit: story.limit,
          stop,
          onFault: (fault) => void world.faults.push(fault),
          onPage: () => (world.filteredPages += 1),
        });
    },
    readers: (step) =>
      entities.map((entity) => ({
        entity,
        nip: null,
        startDate: SCOPE_FROM,
        endDate: null,
        deletions: { maxShare: story.maxShare, confirm: confirm.get(entity) ?? null },
        streams: lists.filter((list) => list.entity === entity).map(({ stream }) => declarationOf(stream, story)),
        rest: createMemoryRest({
          entity,
          rows: (stream) => world.everything(placeOf(entity, stream)),
          marks,
          pause: () => world.pause(),
          before: async () => {
            await step();
            world.asked();
          },
          falsify: (answer, request) => {
            world.answered(request, answer);
            return answer;
          },
          beforeDetail: async () => {
            await step();
            return world.askedFor();
          },
        }),
      })),
    reading: {
      newId: () => world.newId(),
      parkMs: () => 0,
      limit: story.limit,
      credits: story.credits,
      requestOrder: marks,
      ...(story.hints === undefined ? {} : { hints: world.hints }),
      now,
    },
  });
}

const TRUTH: Lie = { how: 'rows', percent: 100, salt: 0, outOfScopeToo: false, total: 'right', order: 'kept' };

function declarationOf(stream: string, { hints }: Story): StreamDeclaration {
  const declaration = itemStream(stream, {
    scoped: true,
    opens: stream === 'items',
    address: hints === undefined ? 'id' : 'uuid',
  });
  return { ...declaration, hintedNew: stream === 'items' ? ['created', 'paid', 'ksef'] : ['ksef'] };
}

function placeOf(entity: string, stream: string): Place {
  const place = lists.find((list) => list.entity === entity && list.stream === stream);
  if (place === undefined) throw new Error(`expected a list of the story, got ${entity} ${stream}`);
  return place;
}

/** Everything is due again and again. */
export const hasty: Rhythm = {
  guarantees: () => ({ newest: 1, open: 2, recent: 3, sweep: 4 }),
  recentDays: 45,
};

/** Plays a story to its end: its processes, then more of them until all is calm; rhythm null = each process makes one sweep of each list. */
export async function live(story: Story, rhythm: Rhythm | null, watch: Watch = {}): Promise<World> {
  const world = new World(story, watch);
  const processes: StartedProcess[] = [];
  world.hints.own(entities);
  /** But for a list without a row to compare with, of which nothing can be shown to be gone. */
  const holds = (): [string, string][] =>
    lists.flatMap((place): [string, string][] => {
      const hold = world.rows(place).length === 0 ? null : holdIn(world.kafka, place);
      return hold === null ? [] : [[place.entity, hold.id]];
    });
  // What the last sweep says of deletions is cut off by the stop that follows it.
  const next = (ending?: Ending, sweeps = 2): Promise<ProcessResult> => {
    const held = world.isQuiet ? holds() : [];
    const sideBySide = rhythm === null ? null : { rhythm, sweeps };
    const process = startIn(world, story, { ending, sideBySide, confirm: new Map(held) });
    processes.push(process);
    return process.left;
  };
  for (const ending of story.endings) await next(ending, 4);
  for (let more = 0; more < 3 && world.changesLeft; more++) await next();
  world.calm();
  let tries = 0;
  while ((await next()) !== 'complete') {
    tries += 1;
    if (tries > 10) throw new Error('expected a complete sweep once nothing fails any more, got none in ten runs');
  }
  await Promise.all(processes.map(({ done }) => done));
  // What is complete now was perhaps begun before the last change: a sweep from the beginning, and one more that misses
  // the same rows. Then a person agrees to what was held, list by list.
  for (let sweep = 0; sweep < 3 || holds().length > 0; sweep++) {
    if (sweep > 9) throw new Error('expected every hold to be released, got one that stays');
    if ((await next()) !== 'complete') throw new Error('expected the last sweeps to be complete');
  }
  return world;
}

const where = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
);
const list = fc.nat({ max: lists.length - 1 });
const id = fc.integer({ min: 1, max: 120 });
const usualChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    list,
    kind: fc.constant('append' as const),
    gaps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
  }),
  fc.record({ list, kind: fc.constant('arrive' as const), ids: fc.array(id, { minLength: 1, maxLength: 8 }) }),
  fc.record({ list, kind: fc.constant('leave' as const), where, count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ list, kind: fc.constant('edit' as const), where }),
  fc.record({ list, kind: fc.constant('edit' as const), where }),
  fc.record({ list, kind: fc.constant('revert' as const), where }),
  fc.record({ list, kind: fc.constantFrom('stray' as const, 'return' as const, 'vanish' as const), where }),
  fc.record({ list, kind: fc.constantFrom('close' as const, 'reopen' as const), where }),
);
const spoil: fc.Arbitrary<Change> = fc.record({ list, kind: fc.constant('spoil' as const), where });
const change = fc.oneof({ weight: 30, arbitrary: usualChange }, { weight: 1, arbitrary: spoil });
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('committed' as const) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'lost' as const,
      'lost-though-committed' as const,
      'lost-and-committed-late' as const,
      'fenced' as const,
    ),
  },
);
const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 12, arbitrary: fc.constant('none' as const) },
  { weight: 1, arbitrary: fc.constantFrom('down' as const, 'malformed' as const) },
);
const details: fc.Arbitrary<DetailTrouble> = fc.record({
  troubles: fc.array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constant('none' as const) },
      { weight: 1, arbitrary: fc.constantFrom('down' as const, 'another-row' as const) },
    ),
    { maxLength: 30, size: 'max' },
  ),
  blind: fc.option(
    fc.record({ side: fc.constantFrom('up-to' as const, 'from' as const), nth: fc.integer({ min: 1, max: 20 }) }),
    { freq: 2 },
  ),
});
/** Any story. */
export const stories: fc.Arbitrary<Story> = fc.record({
  ids: fc.tuple(...lists.map(() => fc.uniqueArray(id, { maxLength: 40, size: 'max' }))),
  limit: fc.integer({ min: 3, max: 10 }),
  credits: fc.integer({ min: 1, max: 4 }),
  idleCommitMs: fc.integer({ min: 0, max: 3 }),
  changes: fc.array(fc.array(change, { maxLength: 2 }), { maxLength: 40, size: 'max' }),
  troubles: fc.array(trouble, { maxLength: 60, size: 'max' }),
  details,
  maxShare: fc.constantFrom(0, 0.3, 1),
  fates: fc.array(fate, { maxLength: 30, size: 'max' }),
  breaks: fc.array(fc.oneof({ weight: 19, arbitrary: fc.constant(false) }, fc.constant(true)), {
    maxLength: 200,
    size: 'max',
  }),
  endings: fc.array(
    fc.record({
      after: fc.integer({ min: 1, max: 60 }),
      how: fc.constantFrom('killed' as const, 'killed' as const, 'paused' as const, 'stopped' as const),
    }),
    { maxLength: 5, size: 'max' },
  ),
  turns: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 12 }),
});

const hintGiven: fc.Arbitrary<HintGiven> = fc.record({
  list,
  event: fc.constantFrom(
    'draft_invoice_created',
    'invoice_created_via_async_api',
    'invoice_paid',
    'invoice_deleted',
    'send_to_ksef_success',
    'send_to_ksef_error',
    'invoice_processed_in_ksef',
    'unheard_of',
  ),
  where: fc.option(
    fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
    { freq: 12 },
  ),
  times: fc.constantFrom(1, 1, 1, 2),
});

/** Any story in which deliveries of webhooks come too: true and untrue ones, doubled, late and early. */
export const hintedStories: fc.Arbitrary<Story> = fc
  .tuple(stories, fc.array(fc.array(hintGiven, { maxLength: 8 }), { minLength: 20, maxLength: 80, size: 'max' }))
  .map(([story, hints]) => ({ ...story, hints }));

/** Any story beside which scans by filters run that work, are ignored, or lie. */
export const lyingStories: fc.Arbitrary<Story> = fc
  .tuple(stories, fc.array(lies, { minLength: 1, maxLength: 40, size: 'max' }))
  .map(([story, told]) => ({ ...story, lies: told }));
