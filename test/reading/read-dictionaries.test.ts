import { createRandom, pick } from '../../simulator/random';
import { FatalError, TransientError } from '../../src/errors';
import type { Row } from '../../src/model';
import { dictionaryNameOf, dictionaryStreams } from '../../src/sources/streams/dictionaries';
import { cursorOfScan, DEAD_LETTERS, idOf, itemStream, ledgerIn, topicOf, type Fate } from '../support/memory';
import { everySecondRhythm } from '../support/schedule';
import { items, quiet, scene, when, type Running, type Scene, type Setting } from '../support/scene';

const GTUS = dictionaryNameOf('gtus');
const daily = { everyMs: 86_400_000, spreadMs: 0, absentForMs: 0 };
const often = { ...daily, everyMs: 1 };

interface InDictionaries extends Scene {
  readonly rows: Row[];
  readonly begin: (pace?: typeof daily | null, now?: () => number) => Running;
  /** What was published of the dictionary, as id and op. */
  readonly told: () => string[];
  /** How often the dictionary was asked for from its beginning. */
  readonly asks: () => number;
}

function inDictionaries(rows: Row[], setting: Omit<Setting, 'rows' | 'streams' | 'besides'> = {}): InDictionaries {
  const here = scene({
    rows: { alfa: { items: items(2), [GTUS]: rows } },
    streams: [itemStream('items')],
    besides: dictionaryStreams,
    ...setting,
  });
  return {
    ...here,
    rows,
    begin: (pace = often, now = Date.now) => here.start({ rhythm: everySecondRhythm, dictionaries: pace, now }),
    told: () =>
      here.kafka.records
        .filter(({ topic }) => topic === topicOf(GTUS))
        .map((record) => `${idOf(record)} ${record.headers['op']}`),
    asks: () => here.asked.filter(({ stream, offset }) => stream === GTUS && offset === 0).length,
  };
}

const several = async (here: InDictionaries, times = 3): Promise<void> => {
  const before = here.asks();
  await when(() => here.asks() >= before + times);
  await quiet();
};

test('a list of several pages is read as a whole, each entry told once, and no sweep of it is told of', async () => {
  const here = inDictionaries(items(9));
  here.begin();
  await when(() => here.told().length === 9);
  await several(here);
  expect(here.told()).toEqual(items(9).map(({ id }) => `${id} r`));
  expect(new Set(here.kafka.sweeps.map(({ headers }) => headers['stream']))).toEqual(new Set(['items']));
  const [record] = here.kafka.records.filter(({ topic }) => topic === topicOf(GTUS));
  expect(record?.headers).toMatchObject({ id: 'alfa/gtus/1', stream: 'dictionaries', entity: 'alfa' });
});

test('what was read within the day is not asked for again, also over a restart, and is on the next day', async () => {
  const here = inDictionaries(items(3));
  let nowMs = Date.parse('2026-12-01T00:00:00Z');
  const first = here.begin(daily, () => nowMs);
  await when(() => here.told().length === 3);
  first.kill();
  nowMs += daily.everyMs - 1_000;
  const second = here.begin(daily, () => nowMs);
  await when(() => second.of('swept').length > 0);
  await quiet();
  expect(here.asks()).toBe(1);
  second.kill();
  nowMs += 1_000;
  here.begin(daily, () => nowMs);
  await when(() => here.asks() === 2);
  await quiet();
  expect(here.told()).toHaveLength(3);
});

test('a run of one sweep reads what is due, and completes', async () => {
  const here = inDictionaries(items(3));
  const once = () => here.start({ dictionaries: daily }).ended;
  expect(await once()).toBeNull();
  expect(here.told()).toHaveLength(3);
  expect(await once()).toBeNull();
  expect(here.asks()).toBe(1);
});

test('what changed is told once, and what two readings lack is removed once and comes back as created', async () => {
  const here = inDictionaries(items(5));
  here.begin();
  await when(() => here.told().length === 5);
  here.rows[1] = { id: 2, content: 'second' };
  await when(() => here.told().length === 6);
  const [, , third] = here.rows;
  here.rows.splice(2, 1);
  await when(() => here.told().length === 7);
  await several(here);
  expect(ledgerIn(here.kafka, 'alfa', GTUS).has(3)).toBe(false);
  if (third !== undefined) here.rows.push(third);
  await when(() => here.told().length === 8);
  await several(here);
  expect(here.told().slice(5)).toEqual(['2 u', '3 d', '3 c']);
});

test('two readings less than a minute apart remove nothing, a third that comes later does, also after a restart', async () => {
  const here = inDictionaries(items(5));
  let nowMs = Date.parse('2026-12-01T00:00:00Z');
  const minute = { ...daily, absentForMs: 60_000 };
  const first = here.begin(minute, () => nowMs);
  await when(() => here.told().length === 5);
  here.rows.pop();
  first.kill();
  nowMs += daily.everyMs;
  const second = here.begin(minute, () => nowMs);
  await when(() => (ledgerIn(here.kafka, 'alfa', GTUS).entry(5)?.missing ?? 0) > 0);
  second.kill();
  nowMs += 50_000;
  const third = here.begin(minute, () => nowMs);
  await when(() => third.of('swept').length > 0);
  await quiet();
  expect([here.asks(), here.told().length]).toEqual([2, 5]);
  third.kill();
  nowMs += 10_000;
  here.begin(minute, () => nowMs);
  await when(() => here.told().length === 6);
  expect(here.told().at(-1)).toBe('5 d');
});

test('readings that follow each other sooner than that remove nothing, however many', async () => {
  const here = inDictionaries(items(5));
  here.begin({ ...often, absentForMs: 60_000 });
  await when(() => here.told().length === 5);
  here.rows.pop();
  await several(here, 5);
  expect(here.told()).toHaveLength(5);
});

test.each<[string, (rows: readonly unknown[]) => readonly unknown[]]>([
  ['an empty list', () => []],
  ['less than half of what is known', (rows) => rows.slice(0, 2)],
  ['an entry without an id', (rows) => [...rows.slice(1), { content: 'none' }]],
])('%s removes nothing, and says so', async (_what, cut) => {
  const rows = items(5);
  let isCut = false;
  const here = inDictionaries(rows, {
    falsify: (page, { stream, offset }) => {
      if (stream !== GTUS || !isCut) return page;
      const all = cut(rows);
      return { ...page, rows: all.slice(offset, offset + 4), totalCount: all.length };
    },
  });
  const run = here.begin();
  await when(() => here.told().length === 5);
  isCut = true;
  await several(here);
  expect(here.told()).toHaveLength(5);
  expect(run.told.filter(({ kind }) => kind === 'warning')).toContainEqual(
    expect.objectContaining({ stream: GTUS, message: expect.stringContaining('none is taken for removed') as string }),
  );
});

test('an entry without an id is a dead letter, once', async () => {
  const here = inDictionaries(items(2), {
    falsify: (page, { stream }) =>
      stream === GTUS ? { ...page, rows: [...page.rows, { content: 'none' }], totalCount: 3 } : page,
  });
  here.begin();
  await when(() => here.told().length === 2);
  await several(here);
  expect(here.kafka.records.filter(({ topic }) => topic === DEAD_LETTERS)).toHaveLength(1);
});

test('a list that is not whole publishes nothing and parks itself alone until it is', async () => {
  let by = 1;
  const here = inDictionaries(items(5), {
    falsify: (page, { stream }) => (stream === GTUS ? { ...page, totalCount: page.totalCount + by } : page),
  });
  const run = here.begin();
  await when(() => run.of('parked').length > 1);
  expect(new Set(run.of('parked'))).toEqual(new Set([`alfa ${GTUS}`]));
  expect(run.told).toContainEqual(expect.objectContaining({ kind: 'parked', reason: 'malformed-answer' }));
  expect(here.told()).toEqual([]);
  by = 0;
  await when(() => here.told().length === 5);
});

test.each<[string, () => Error, string]>([
  ['a plan', () => new FatalError('403', { reason: 'forbidden', parks: 'stream', status: 403 }), 'not-available'],
  [
    'no such list',
    () => new FatalError('404', { reason: 'unexpected-status', parks: 'stream', status: 404 }),
    'not-available',
  ],
  ['a key', () => new FatalError('401', { reason: 'unauthorized', parks: 'entity', status: 401 }), 'not-available'],
  ['an outage', () => new TransientError('503', { status: 503 }), 'unavailable'],
])('a list that %s refuses parks itself alone, also in a run of one sweep', async (_what, failure, reason) => {
  const refusing: Partial<Setting> = {
    before: ({ stream }) => {
      if (stream === GTUS) throw failure();
    },
  };
  const here = inDictionaries(items(2), refusing);
  const run = here.begin();
  await when(() => run.of('parked').length > 0 && run.of('swept').length > 0);
  const parkings = run.told.filter((progress) => progress.kind === 'parked');
  expect(parkings[0]).toMatchObject({ stream: GTUS, reason });
  expect(new Set(parkings.map(({ stream }) => stream))).toEqual(new Set([GTUS]));
  run.kill();
  const once = here.start({ dictionaries: daily });
  expect(await once.ended).toBeNull();
  expect([once.of('given-up'), once.of('swept')]).toEqual([[`alfa ${GTUS}`], ['alfa items']]);
});

test('a list that was read before and is refused later is no list that the account does not have', async () => {
  let isRefused = false;
  const here = inDictionaries(items(2), {
    before: ({ stream }) => {
      if (stream === GTUS && isRefused)
        throw new FatalError('403', { reason: 'forbidden', parks: 'stream', status: 403 });
    },
  });
  const run = here.begin();
  await when(() => here.told().length === 2);
  isRefused = true;
  await when(() => run.of('parked').length > 0);
  expect(run.told).toContainEqual(expect.objectContaining({ kind: 'parked', stream: GTUS, reason: 'forbidden' }));
});

test.each([1, 2, 3])('every entry is told once however transactions end, story %i', async (seed) => {
  const random = createRandom(seed);
  let lost = 0;
  const fate = (): Fate => {
    if (random() < 0.5) return 'committed';
    lost += 1;
    return pick(random, ['lost', 'lost-though-committed', 'lost-and-committed-late']);
  };
  const here = inDictionaries(items(6), { kafka: { fate } });
  const first = here.begin();
  await when(() => here.told().length > 0 && lost > 2);
  first.kill();
  here.begin();
  await when(() => here.told().length >= 6);
  here.rows.splice(0, 1);
  here.rows[0] = { id: 2, content: 'second' };
  await when(() => here.told().length >= 8 && lost > 5);
  await several(here);
  expect(here.told().toSorted()).toEqual(['1 d', '1 r', '2 r', '2 u', '3 r', '4 r', '5 r', '6 r']);
});

test('nothing is asked of dictionaries where nobody wants them', async () => {
  const here = inDictionaries(items(2));
  const run = here.begin(null);
  await when(() => run.of('swept').length > 0);
  await quiet();
  expect([here.asks(), here.told(), cursorOfScan(here.kafka, { entity: 'alfa', stream: GTUS, scan: 'sweep' })]).toEqual(
    [0, [], null],
  );
});
