import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { from, mergeMap, retry, Subject, throwError } from 'rxjs';

import { FatalError, TransientError } from '../src/errors';
import type { Cursor, Row } from '../src/model';
import { runShard } from '../src/pipeline';
import { createShard } from '../src/shard';
import type { Batch, OutgoingRecord } from '../src/sinks/kafka';
import {
  createMarks,
  createMemoryKafka,
  createMemoryRest,
  cursorIn,
  DEAD_LETTERS,
  type Fate,
  itemStream,
  ledgerIn,
  memoryShard,
  type MemoryKafka,
  rowOf,
  topicOf,
} from './support/memory';

/** Raise it to search longer: `PIPELINE_RUNS=20000`. */
const runs = Number(process.env['PIPELINE_RUNS'] ?? 200);

/** The lists that one shard reads. */
const lists = [
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
  | { readonly kind: 'edit'; readonly where: number }
  /** Back to what the row was before its last edit. */
  | { readonly kind: 'revert'; readonly where: number }
  /** An edit whose record the broker refuses. */
  | { readonly kind: 'spoil'; readonly where: number }
);

type Trouble = 'none' | 'down' | 'malformed';

/** How a process ends, if it is not done before so many events. */
interface Ending {
  readonly after: number;
  readonly how: 'killed' | 'paused' | 'stopped';
}

interface Story {
  readonly ids: readonly (readonly number[])[];
  readonly limit: number;
  readonly credits: number;
  readonly idleCommitMs: number;
  /** Before the nth request. */
  readonly changes: readonly (readonly Change[])[];
  readonly troubles: readonly Trouble[];
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
  /** Since when it has been there without a break; null = it is not there. */
  since: number | null;
}

/** The world outside the process: the API's rows, Kafka, and time, which is a count of events. */
class World {
  private readonly items = lists.map(() => new Map<number, Item>());
  private requests = 0;
  private commits = 0;
  private reads = 0;
  private steps = 0;
  private edits = 0;
  private quiet = false;
  private readonly cursors = new Map<string, Cursor>();
  readonly faults: string[] = [];
  now = 0;
  readonly kafka: MemoryKafka;

  constructor(private readonly story: Story) {
    for (const [list, ids] of story.ids.entries()) this.change({ list, kind: 'arrive', ids });
    this.kafka = createMemoryKafka({
      pause: () => this.pause(),
      fate: (batch) => this.fate(batch),
      onCommitted: (batch) => this.check(batch),
      breaksRead: () => !this.quiet && story.breaks[this.reads++] === true,
    });
  }

  /** From now on nothing changes and nothing fails. */
  calm(): void {
    this.quiet = true;
  }

  async pause(): Promise<void> {
    this.steps += 1;
    const turns = this.story.turns[this.steps % this.story.turns.length] ?? 0;
    for (let n = 0; n < turns; n++) await turn();
  }

  rows(place: Place): Row[] {
    return this.itemsOf(place)
      .filter(({ since }) => since !== null)
      .map(({ id, history }) => ({ id, content: history.at(-1)?.content }));
  }

  /** Called before each answer. */
  asked(): void {
    this.now += 1;
    if (this.quiet) return;
    for (const change of this.story.changes[this.requests] ?? []) this.change(change);
    const trouble = this.story.troubles[this.requests] ?? 'none';
    this.requests += 1;
    if (trouble === 'down') throw new TransientError('the API is down');
    if (trouble === 'malformed') {
      throw new FatalError('no list', { reason: 'malformed-answer', parks: 'stream' });
    }
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
    if (batch.records.some((record) => record.topic !== DEAD_LETTERS && isSpoilt(rowOf(record)))) return 'refused';
    return this.quiet ? 'committed' : (this.story.fates[this.commits++] ?? 'committed');
  }

  private change(change: Change): void {
    const items = this.items[change.list % lists.length] ?? new Map<number, Item>();
    const present = [...items.values()].filter(({ since }) => since !== null).toSorted((a, b) => a.id - b.id);
    const at = (where: number, room = 1): number => Math.round(where * Math.max(0, present.length - room));
    const put = (id: number): void => {
      const item = items.get(id) ?? { id, history: [], since: null };
      if (item.since !== null) return;
      items.set(id, item);
      item.since = this.now;
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
        for (const item of present.slice(first, first + change.count)) item.since = null;
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

  /** I3, at every transaction: where a cursor stands, everything that was there before its lap began is published. */
  private check(batch: Batch): void {
    for (const place of lists) {
      const cursor = cursorIn(batch, place);
      if (cursor === null) continue;
      const name = `${place.entity} ${place.stream}`;
      const before = this.cursors.get(name);
      this.cursors.set(name, cursor);
      const reached = (at: Cursor): number => (at.finishedAt === null ? (at.position.anchor ?? 0) : Infinity);
      if (before !== undefined) {
        const sameLap = before.number === cursor.number && before.startedAt === cursor.startedAt;
        if (cursor.number < before.number || (sameLap && reached(cursor) < reached(before))) {
          this.faults.push(`the cursor of ${name} went back: ${JSON.stringify([before, cursor])}`);
        }
      }
      const begun = Date.parse(cursor.startedAt);
      const published = latest(this.kafka.records, place);
      for (const { id, since, history } of this.itemsOf(place)) {
        if (since === null || since >= begun || id > reached(cursor)) continue;
        const then = history.findLastIndex(({ at }) => at < begun);
        const content = published.get(id);
        if (history.findLastIndex((version) => version.content === content) < then) {
          this.faults.push(`${name} ${id} is behind its cursor as ${content ?? 'nothing'}`);
        }
      }
    }
  }
}

function isSpoilt({ content }: Row): boolean {
  return String(content).startsWith('spoilt');
}

/** What a topic holds of a list, dead letters included, in order. */
function publishedOf(records: readonly OutgoingRecord[], { entity, stream }: Place): OutgoingRecord[] {
  return records.filter(({ topic, headers }) =>
    topic === DEAD_LETTERS
      ? headers['entity'] === entity && headers['stream'] === stream
      : topic === topicOf(stream) && headers['entity'] === entity,
  );
}

function latest(records: readonly OutgoingRecord[], place: Place): Map<number, string> {
  return new Map(
    publishedOf(records, place)
      .map(rowOf)
      .map(({ id, content }) => [id, String(content)]),
  );
}

type Result = 'complete' | 'incomplete' | 'killed';

/** One process: everything that it knows is made here. */
interface Process {
  readonly done: Promise<Result>;
}

function startProcess(
  world: World,
  story: Story,
  ending: Ending | undefined,
): { process: Process; over: Promise<Result> } {
  const stop = new Subject<void>();
  const marks = createMarks();
  let state: 'alive' | 'stopping' | 'paused' | 'dead' = 'alive';
  let events = 0;
  let kill: () => void = () => undefined;
  let leave: () => void = () => undefined;
  const killed = new Promise<Result>((resolve) => {
    kill = () => resolve('killed');
  });
  const left = new Promise<Result>((resolve) => {
    leave = () => resolve('killed');
  });
  /** The dead do nothing more: whatever they wait for never comes. */
  const step = async (): Promise<void> => {
    events += 1;
    if (state === 'alive' && ending !== undefined && events >= ending.after) {
      if (ending.how === 'killed') {
        state = 'dead';
        kill();
      } else if (ending.how === 'paused') {
        state = 'paused';
        leave();
        await world.pause();
        await world.pause();
      } else {
        state = 'stopping';
        stop.next();
      }
    }
    if (state === 'dead') await new Promise(() => undefined);
  };
  const { kafka } = world;
  const shard = createShard({
    ...memoryShard(
      kafka,
      lists.map(({ entity, stream }) => ({ entity, declaration: itemStream(stream) })),
      { now: () => (world.now += 1), idleCommitMs: story.idleCommitMs },
    ),
    openWriter: async () => {
      await step();
      const writer = await kafka.openWriter();
      return {
        async commit(batch) {
          await step();
          const outcome = await writer.commit(batch);
          await step();
          return outcome;
        },
        close: () => writer.close(),
      };
    },
    read: async (from, each) => {
      await step();
      await kafka.read(from, each);
    },
  });
  const complete = new Set<string>();
  const done = new Promise<Result>((resolve, reject) => {
    const subscription = runShard({
      open: () => shard.open(),
      readers: entities.map((entity) => ({
        entity,
        nip: null,
        startDate: 'all',
        endDate: null,
        streams: lists.filter((list) => list.entity === entity).map(({ stream }) => itemStream(stream)),
        rest: createMemoryRest({
          entity,
          rows: (stream) => world.rows(placeOf(entity, stream)),
          marks,
          pause: () => world.pause(),
          before: async () => {
            await step();
            world.asked();
          },
        }),
      })),
      lapEveryMs: null,
      parkMs: () => 0,
      limit: story.limit,
      credits: story.credits,
      marks,
      now: () => (world.now += 1),
      stopped: () => state === 'stopping',
      stop,
    })
      .pipe(
        retry({
          delay: (error: unknown) =>
            error instanceof TransientError && state === 'alive'
              ? from(world.pause()).pipe(mergeMap(() => from(turn())))
              : throwError(() => error),
        }),
      )
      .subscribe({
        next: (progress) => {
          if (progress.kind === 'lap') complete.add(`${progress.entity} ${progress.stream}`);
        },
        complete: () => resolve(complete.size === lists.length ? 'complete' : 'incomplete'),
        error: (error: unknown) => {
          if (error instanceof TransientError && state !== 'alive') resolve('incomplete');
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
    void killed.then((result) => {
      subscription.unsubscribe();
      resolve(result);
    });
  });
  return { process: { done }, over: Promise.race([done, left]) };
}

function placeOf(entity: string, stream: string): Place {
  const place = lists.find((list) => list.entity === entity && list.stream === stream);
  if (place === undefined) throw new Error(`expected a list of the story, got ${entity} ${stream}`);
  return place;
}

async function live(story: Story): Promise<World> {
  const world = new World(story);
  const processes: Process[] = [];
  const next = (ending?: Ending): Promise<Result> => {
    const { process, over } = startProcess(world, story, ending);
    processes.push(process);
    return over;
  };
  for (const ending of story.endings) await next(ending);
  for (let more = 0; more < 3 && world.changesLeft; more++) await next();
  world.calm();
  let tries = 0;
  while ((await next()) !== 'complete') {
    tries += 1;
    if (tries > 10) throw new Error('expected a complete lap once nothing fails any more, got none in ten runs');
  }
  await Promise.all(processes.map(({ done }) => done));
  // What is complete now was perhaps begun before the last change: one more lap from the beginning.
  if ((await next()) !== 'complete') throw new Error('expected the last lap to be complete');
  return world;
}

function expectEveryRowWithItsLatestContent(world: World): void {
  for (const place of lists) {
    const published = latest(world.kafka.records, place);
    for (const { id, content } of world.rows(place))
      expect({ id, content: published.get(id) }).toEqual({ id, content });
  }
}

function expectEachChangeOnce(world: World): void {
  for (const place of lists) {
    const items = new Map(world.itemsOf(place).map((item) => [item.id, item]));
    const seen = new Map<number, { at: number; fingerprint: unknown; ops: unknown[] }>();
    for (const record of publishedOf(world.kafka.records, place)) {
      const { id, content } = rowOf(record);
      const before = seen.get(id);
      const { fingerprint, op } = record.headers;
      expect(fingerprint).not.toBe(before?.fingerprint);
      const after = before?.at ?? -1;
      const at = items.get(id)?.history.findIndex((version, index) => index > after && version.content === content);
      // Never a content that is older than the one before it.
      expect(at).toBeGreaterThan(after);
      seen.set(id, { at: at ?? after, fingerprint, ops: [...(before?.ops ?? []), op] });
    }
  }
}

function expectTheLedgerToHoldWhatIsThere(world: World): void {
  for (const place of lists) {
    const ledger = ledgerIn(world.kafka, place.entity, place.stream);
    const missing = new Set(ledger.missingSince(Number.MAX_SAFE_INTEGER));
    const there = world.rows(place).map(({ id }) => id);
    expect(there.filter((id) => missing.has(id) || !ledger.has(id))).toEqual([]);
    expect(ledger.size - missing.size).toBe(there.length);
  }
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
const stories: fc.Arbitrary<Story> = fc.record({
  ids: fc.tuple(...lists.map(() => fc.uniqueArray(id, { maxLength: 40, size: 'max' }))),
  limit: fc.integer({ min: 3, max: 10 }),
  credits: fc.integer({ min: 1, max: 4 }),
  idleCommitMs: fc.integer({ min: 0, max: 3 }),
  changes: fc.array(fc.array(change, { maxLength: 2 }), { maxLength: 40, size: 'max' }),
  troubles: fc.array(trouble, { maxLength: 60, size: 'max' }),
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

test('whatever happens to the lists, to commits and to processes: every change is published once, in order, and none is lost', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async (story) => {
      const world = await live(story);
      expect(world.faults).toEqual([]);
      expectEveryRowWithItsLatestContent(world);
      expectEachChangeOnce(world);
      expectTheLedgerToHoldWhatIsThere(world);
    }),
    { numRuns: runs, timeout: 20_000 },
  );
}, 600_000);
