import { FatalError, TransientError } from '../../src/errors';
import type { Row } from '../../src/model';
import { isOfThePage, PageSize } from '../../src/reading/recover-page';
import { unreadableRows } from '../../src/rules/completeness';
import { cursorOfScan, DEAD_LETTERS, type ListRequest, topicOf } from '../support/memory';
import { idsOn, items, sweepsEvery, scene, type Scene, upTo, when } from '../support/scene';

const malformed = (got: string) =>
  new FatalError(`expected a list envelope, got ${got}`, { reason: 'malformed-answer', parks: 'stream', status: 200 });
const gateway = () => new TransientError('expected 200, got 504', { status: 504 });
const timeout = () => new TransientError('expected a whole answer in 30000 ms, got a time-out');
const sweepOf = ({ kafka }: Scene) => cursorOfScan(kafka, { entity: 'alfa', stream: 'items', scan: 'sweep' });
const letters = ({ kafka }: Scene) => kafka.records.filter(({ topic }) => topic === DEAD_LETTERS);
const without = (count: number, ...ids: number[]): number[] => upTo(count).filter((id) => !ids.includes(id));
const ascending = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b);

/** The ids that a request would be answered with. */
function shownTo(rows: readonly Row[], { params, offset, limit }: ListRequest): number[] {
  const ids = rows.map(({ id }) => id).toSorted((a, b) => (params['order'] === 'id desc' ? b - a : a - b));
  return ids.slice(offset, offset + limit);
}

/** One list, any page of which fails that would show one of these rows. */
function poisoned(count: number, ids: readonly number[], fault: () => Error = () => malformed('a string')) {
  const rows = items(count);
  const bad = new Set(ids);
  const here = scene({
    rows: { alfa: { items: rows } },
    before: (request) => {
      if (shownTo(rows, request).some((id) => bad.has(id))) throw fault();
    },
    raw: ({ offset }) => Buffer.from([0x7b, 0xf3, offset]),
  });
  return { ...here, rows, bad };
}

describe('a page that fails', () => {
  test.each<[string, () => Error]>([
    ['with a broken body', () => malformed('300 characters of broken application/json')],
    ['with an error object in place of the envelope', () => malformed('one whose entities is missing')],
    ['by a gateway', gateway],
    ['by time', timeout],
    ['with 500', () => new TransientError('expected 200, got 500', { status: 500 })],
  ])('%s while smaller pages are answered is asked in smaller pages (I9)', async (_, fault) => {
    const here = scene({
      rows: { alfa: { items: items(300) } },
      before: ({ limit }) => {
        if (limit > 40) throw fault();
      },
    });
    const run = here.start({ limit: 100, parkMs: () => 60_000 });
    expect(await run.ended).toBeNull();
    expect(run.of('parked')).toEqual([]);
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(300));
    expect(letters(here)).toEqual([]);
    expect(sweepOf(here)?.unreadable).toBeUndefined();
    // The size that works is kept: larger pages are tried seldom.
    const [larger, all] = [here.asked.filter(({ limit }) => limit > 40).length, here.asked.length];
    expect(larger).toBeLessThan(all / 3);
  });

  test.each<[string, () => Error]>([
    ['by a network that is down', () => new TransientError('ECONNREFUSED', { networkFault: 'ECONNREFUSED' })],
    ['with 503', () => new TransientError('expected 200, got 503', { status: 503 })],
    ['with 429', () => new TransientError('expected 200, got 429', { status: 429 })],
    ['with 404', () => new FatalError('got 404', { reason: 'unexpected-status', parks: 'stream', status: 404 })],
  ])('%s is not asked in smaller pages', async (_, fault) => {
    const here = scene({
      rows: { alfa: { items: items(30) } },
      before: () => {
        throw fault();
      },
    });
    const run = here.start({ limit: 10, parkMs: () => 1 });
    expect(await run.ended).toBeNull();
    expect(run.of('given-up')).toHaveLength(1);
    expect(here.asked.map(({ limit }) => limit)).toEqual([10, 10]);
  });

  test('as all of its list does is parked after few requests more, with its own error', async () => {
    const here = scene({
      rows: { alfa: { items: items(30) } },
      before: () => {
        throw gateway();
      },
    });
    const run = here.start({ limit: 10, rhythm: sweepsEvery(3_600_000), parkMs: () => 3_600_000 });
    await when(() => run.of('parked').length > 0);
    expect(run.told.find(({ kind }) => kind === 'parked')).toMatchObject({
      reason: 'unavailable',
      error: { status: 504 },
    });
    // newest and the sweep, each with its page and four looks for any row that is answered.
    expect(here.asked.length).toBeLessThanOrEqual(10);
    run.stop();
    await run.ended;
  });
});

describe('a row that nobody can read', () => {
  test.each([
    ['in the middle', [137]],
    ['at the front', [1]],
    ['just behind the first', [2]],
    ['at the end', [300]],
    ['last but one', [299]],
    ['on the seam of two pages', [100]],
    ['beside another', [120, 121, 122]],
    ['here and there', [5, 99, 200, 300]],
  ])('%s costs its page no other row, and the sweep says so (I1, I9)', async (_, ids) => {
    const here = poisoned(300, ids);
    const run = here.start({ limit: 100, parkMs: () => 60_000 });
    expect(await run.ended).toBeNull();
    expect(run.of('parked')).toEqual([]);
    expect(run.of('sweep')).toEqual(['alfa items']);
    expect(idsOn(here, topicOf('items'))).toEqual(without(300, ...ids));
    expect(unreadableRows(sweepOf(here)?.unreadable ?? [])).toBe(ids.length);
    expect(sweepOf(here)?.counts).toMatchObject({ deadLetters: ids.length });
    expect(letters(here)).toHaveLength(ids.length);
    for (const { key, value, headers } of letters(here)) {
      expect(key).toBeNull();
      expect(value?.subarray(0, 2)).toEqual(Buffer.from([0x7b, 0xf3]));
      expect(headers).toMatchObject({ entity: 'alfa', stream: 'items', status: '200' });
    }
  });

  test('is told with the ids that it lies between, once', async () => {
    const here = poisoned(30, [17, 18, 30]);
    for (let sweeps = 0; sweeps < 3; sweeps++) expect(await here.start({ limit: 10 }).ended).toBeNull();
    const sides = letters(here).map(({ headers }) => [headers['after_id'], headers['before_id']]);
    expect(sides).toEqual([
      ['16', '19'],
      ['16', '19'],
      ['29', ''],
    ]);
    expect(sweepOf(here)).toMatchObject({
      number: 3,
      unreadable: [
        { after: 16, upTo: 18, rows: 2 },
        { after: 29, upTo: null, rows: 1 },
      ],
    });
  });

  test('is published when it can be read again, and the sweep has nothing more to say', async () => {
    const here = poisoned(30, [17]);
    expect(await here.start({ limit: 10 }).ended).toBeNull();
    here.bad.clear();
    expect(await here.start({ limit: 10 }).ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual([...without(30, 17), 17]);
    expect(sweepOf(here)?.unreadable).toBeUndefined();
  });

  test('is never declared dead although it was published before, nor is its neighbour that was deleted (I5)', async () => {
    const here = poisoned(30, []);
    const deletions = { maxShare: 1, confirm: null };
    expect(await here.start({ limit: 10, deletions }).ended).toBeNull();
    here.bad.add(17);
    here.rows.splice(15, 1);
    for (let sweeps = 0; sweeps < 4; sweeps++) expect(await here.start({ limit: 10, deletions }).ended).toBeNull();
    expect(here.kafka.records.filter(({ value }) => value === null)).toEqual([]);
    here.bad.clear();
    for (let sweeps = 0; sweeps < 2; sweeps++) expect(await here.start({ limit: 10, deletions }).ended).toBeNull();
    expect(here.kafka.records.filter(({ value }) => value === null)).toHaveLength(1);
  });

  test('between two sweeps that missed its neighbour makes them begin to count again (I5)', async () => {
    const here = poisoned(30, []);
    const deletions = { maxShare: 1, confirm: null };
    const sweep = async () => expect(await here.start({ limit: 10, deletions }).ended).toBeNull();
    await sweep();
    here.rows.splice(15, 1);
    await sweep();
    here.bad.add(17);
    await sweep();
    here.bad.clear();
    await sweep();
    expect(here.kafka.records.filter(({ value }) => value === null)).toEqual([]);
    await sweep();
    expect(here.kafka.records.filter(({ value }) => value === null)).toHaveLength(1);
  });

  test('stops none of the scans of a running service', async () => {
    const here = poisoned(30, [30, 12]);
    const run = here.start({ limit: 10, rhythm: sweepsEvery(1), parkMs: () => 3_600_000 });
    await when(() => run.of('sweep').length > 2);
    expect(run.of('parked')).toEqual([]);
    expect(ascending([...new Set(idsOn(here, topicOf('items')))])).toEqual(without(30, 12, 30));
    run.stop();
    await run.ended;
  });
});

test('a list that answers 500 at and past its end is swept to the end while its rows shrink (I1)', async () => {
  for (const status of [500, 502]) {
    const rows = items(60);
    let shrinks = true;
    const here = scene({
      rows: { alfa: { items: rows } },
      before: ({ offset }) => {
        if (offset >= 45 && shrinks) {
          shrinks = false;
          rows.splice(5, 30);
        }
        if (offset >= rows.length) throw new TransientError(`expected 200, got ${status}`, { status });
      },
    });
    const run = here.start({ limit: 10, parkMs: () => 60_000 });
    expect(await run.ended).toBeNull();
    expect([run.of('parked'), run.of('sweep')]).toEqual([[], ['alfa items']]);
    expect(letters(here)).toEqual([]);
    const published = new Set(idsOn(here, topicOf('items')));
    expect(rows.filter(({ id }) => !published.has(id))).toEqual([]);
    expect(sweepOf(here)?.unreadable).toBeUndefined();
  }
});

test('a page one row shorter than the limit is no end (I1)', async () => {
  const here = scene({
    rows: { alfa: { items: items(100) } },
    falsify: ({ rows, totalCount }, { offset }) => ({ rows: offset === 27 ? rows.slice(0, -1) : rows, totalCount }),
  });
  expect(await here.start({ limit: 10 }).ended).toBeNull();
  expect(idsOn(here, topicOf('items'))).toEqual(upTo(100));
});

test.each<[string, () => Error]>([
  ['204', () => new FatalError('got 204', { reason: 'unexpected-status', parks: 'stream', status: 204 })],
  ['an error in a 200', () => malformed('one whose entities is missing')],
  ['503', () => new TransientError('expected 200, got 503', { status: 503 })],
  ['a lost connection', () => new TransientError('ECONNRESET', { networkFault: 'ECONNRESET' })],
])(
  'a list that fails in its middle with %s is no finished sweep, and goes on there later (I1, I10)',
  async (_, fault) => {
    let fails = true;
    const here = scene({
      rows: { alfa: { items: items(100) } },
      before: ({ offset }) => {
        if (fails && offset >= 45) throw fault();
      },
    });
    const run = here.start({ limit: 10 });
    expect(await run.ended).toBeNull();
    expect([run.of('sweep'), run.of('given-up').length]).toEqual([[], 1]);
    expect(sweepOf(here)?.finishedAt).toBeNull();
    fails = false;
    expect(await here.start({ limit: 10 }).ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(100));
    expect(sweepOf(here)).toMatchObject({ number: 1, counts: { rows: 100 } });
  },
);

test('what a smaller page may cure is a broken body, time, or a gateway', () => {
  const cured = [malformed('x'), gateway(), timeout(), new TransientError('500', { status: 500 })];
  const cause = gateway();
  cured.push(new FatalError('504', { reason: 'unavailable', parks: 'stream', cause }));
  expect(cured.map(isOfThePage)).toEqual(cured.map(() => true));
  const others = [503, 501, 429, 403].map((status) => new TransientError(`${status}`, { status }));
  const refused = new TransientError('refused', { networkFault: 'ECONNREFUSED' });
  expect([...others, refused, new TypeError('bug')].map(isOfThePage)).toEqual([...others, 1, 2].map(() => false));
});

test('a page that was made smaller grows again slowly, and more slowly each time that it fails', () => {
  const size = new PageSize(100);
  const pagesUntilRaised = (): number => {
    const before = size.limit;
    let pages = 0;
    while (size.limit === before) {
      size.worked();
      pages += 1;
    }
    return pages;
  };
  size.shrink(25);
  expect(pagesUntilRaised()).toBe(12);
  expect(size.limit).toBe(50);
  size.shrink(25);
  expect(pagesUntilRaised()).toBe(48);
  pagesUntilRaised();
  expect(size.limit).toBe(100);
  size.worked();
  expect(size.limit).toBe(100);
});
