import { FatalError, TransientError } from '../../src/errors';
import type { HintKind, Row, StreamDeclaration } from '../../src/model';
import type { Rhythm } from '../../src/reading/stream-reading';
import { createTestHints, type TestHints } from '../support/hints';
import { cursorOfScan, idOf, itemStream, leaveWithin, ledgerIn, rowOf, type ListRequest } from '../support/memory';
import { quiet, scene, when as whenSo, type Running, type Scene, type Setting } from '../support/scene';

const RARELY = 3_600_000;
const rarely: Rhythm = {
  guarantees: () => ({ newest: RARELY, open: RARELY, recent: RARELY, sweep: RARELY }),
  recentDays: 45,
};
const items: StreamDeclaration = {
  ...itemStream('items', { address: 'uuid', opens: true, scoped: true }),
  hintedNew: ['created', 'paid', 'ksef'],
};
const things: StreamDeclaration = { ...itemStream('things', { address: 'uuid' }), hintedNew: ['ksef'] };

const open = (id: number): Row => ({ id, uuid: `u-${id}`, content: `first ${id}`, date: '2026-02-01', closed: null });
const paid = (row: Row): Row => ({ ...row, content: 'paid', closed: '2026-02-02' });

/** The clock of the reading, which stands but where a test lets scans come to be due: on a busy machine hours may go by. */
let nowMs = Date.parse('2026-02-20T08:00:00Z');
const now = (): number => nowMs;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Turns of the event loop, in which whatever is due at once happens, until it is so. */
function when(condition: () => boolean): Promise<void> {
  return whenSo(() => {
    jest.advanceTimersByTime(0);
    return condition();
  });
}

/** The same where time passes too, as for what a scan waits for before it reads a list again. */
function whenSoon(condition: () => boolean): Promise<void> {
  return whenSo(() => {
    jest.advanceTimersByTime(5);
    nowMs += 5;
    return condition();
  });
}

interface Hinted extends Scene {
  readonly rows: Row[];
  readonly run: Running;
  readonly hints: TestHints;
  /** Requests for items since everything had come to rest. */
  readonly requests: () => readonly ListRequest[];
  readonly hint: (kind: HintKind, id: number) => void;
  /** Ids of the records since then. */
  readonly published: () => readonly number[];
}

/** A list of forty open rows, all published, whose scans rest for an hour. */
async function hinted(setting: Pick<Setting, 'before' | 'falsify' | 'heeds'> = {}) {
  const rows: Row[] = Array.from({ length: 40 }, (_, index) => open(index + 1));
  const here = scene({
    rows: { alfa: { items: rows, things: [] } },
    streams: [items, things],
    // Minutes of virtual time pass in which the scans that rest are asked whether they are wanted.
    leave: leaveWithin(50),
    ...setting,
  });
  const hints = createTestHints();
  const run = here.start({ rhythm: rarely, startDate: '2026-01-01', limit: 100, now, hints: hints.source });
  await when(() => hints.takers.size === 2 && run.of('swept').length === 2);
  await quiet();
  const [asked, records] = [here.asked.length, here.kafka.records.length];
  const hintedScene: Hinted = {
    ...here,
    rows,
    run,
    hints,
    requests: () => here.asked.slice(asked),
    published: () => here.kafka.records.slice(records).map(idOf),
    hint: (kind, id) => hints.give('alfa items', { kind, uuid: `u-${id}` }),
  };
  return hintedScene;
}

/** Lets so much time pass in which nothing else happens than what waits for it. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await quiet();
}

describe('a hint about a row that is known', () => {
  test('reads the row by one request where its rank says, and publishes what changed', async () => {
    const here = await hinted();
    here.rows[9] = paid(open(10));
    here.hint('paid', 10);
    await when(() => here.hints.outcomes.length > 0);
    expect(here.hints.outcomes).toEqual(['paid u-10 read']);
    expect(here.published()).toEqual([10]);
    expect(here.kafka.records.at(-1)?.headers).toMatchObject({ scan: 'spot', op: 'u' });
    expect(here.requests().map(({ params }) => params['order'])).toEqual(['id asc']);
    expect(here.askedAlone).toEqual([]);
  });

  test('ahead of its data is read again after 2, 10 and 60 s, and not once more', async () => {
    const here = await hinted();
    here.hint('paid', 10);
    await when(() => here.requests().length === 1);
    await quiet();
    for (const [waitMs, requests] of [
      [1_999, 1],
      [1, 2],
      [9_999, 2],
      [1, 3],
      [59_999, 3],
      [1, 4],
    ] as const) {
      await pass(waitMs);
      expect([waitMs, here.requests().length]).toEqual([waitMs, requests]);
    }
    expect(here.hints.outcomes).toEqual(['paid u-10 unconfirmed']);
    await pass(300_000);
    expect(here.published()).toEqual([]);
  });

  test('ahead of its data publishes the change as soon as a further read shows it', async () => {
    const here = await hinted();
    here.hint('paid', 10);
    await when(() => here.requests().length === 1);
    await quiet();
    here.rows[9] = paid(open(10));
    await pass(2_000);
    await when(() => here.hints.outcomes.length > 0);
    expect([here.hints.outcomes, here.published()]).toEqual([['paid u-10 read'], [10]]);
  });

  test('that is gone proves no deletion, asks for nothing else and leaves the entry as it is (I5)', async () => {
    const here = await hinted();
    const before = ledgerIn(here.kafka, 'alfa', 'items').entry(10);
    here.rows.splice(9, 1);
    here.hint('deleted', 10);
    await when(() => here.hints.outcomes.length > 0);
    await pass(100_000);
    expect(here.hints.outcomes).toEqual(['deleted u-10 read']);
    expect([here.published(), here.askedAlone, here.requests().length]).toEqual([[], [], 1]);
    here.run.stop();
    await here.run.ended;
    expect(ledgerIn(here.kafka, 'alfa', 'items').entry(10)).toEqual(before);
  });

  test('whose answer comes after a scan has published a newer one publishes nothing older (I3)', async () => {
    let old: readonly Row[] | null = null;
    let release: () => void = () => undefined;
    let isHeld = false;
    const isOfHint = ({ params }: ListRequest): boolean =>
      isHeld && params['order'] === 'id asc' && !('q[closed_null]' in params);
    const here = await hinted({
      before: (request) => {
        if (!isOfHint(request)) return;
        old = [...here.rows];
        return new Promise((resolve) => (release = resolve));
      },
      falsify: (answer, request) => (isOfHint(request) && old !== null ? { ...answer, rows: old } : answer),
    });
    isHeld = true;
    here.rows[9] = { ...open(10), content: 'second' };
    here.hint('created', 10);
    await when(() => old !== null);
    here.rows[9] = { ...open(10), content: 'third' };
    here.hints.takers.get('alfa items')?.burst();
    await pass(0);
    await whenSoon(() => here.published().length === 1);
    release();
    await when(() => here.hints.outcomes.length > 0);
    await quiet();
    expect(here.published()).toEqual([10]);
    expect(here.kafka.records.map(rowOf).at(-1)?.['content']).toBe('third');
  });

  test('that has left the scope asks for nothing', async () => {
    const rows = [open(1), { ...open(2), date: '2026-01-31' }];
    const here = scene({ rows: { alfa: { items: rows } }, streams: [items] });
    expect(await here.start({ startDate: '2026-01-01' }).ended).toBeNull();
    const hints = createTestHints();
    const run = here.start({ rhythm: rarely, startDate: '2026-02-01', hints: hints.source });
    await whenSoon(() => run.of('swept').length > 0 && hints.takers.size > 0);
    await quiet();
    const asked = here.asked.length;
    hints.give('alfa items', { kind: 'paid', uuid: 'u-2' });
    await when(() => hints.outcomes.length > 0);
    expect([hints.outcomes, here.asked.length]).toEqual([['paid u-2 not-followed'], asked]);
  });

  test('whose page cannot be had is read again and parks nothing', async () => {
    let isDown = true;
    let isBegun = false;
    const here = await hinted({
      before: () => {
        if (isBegun && isDown) throw badGateway();
      },
    });
    isBegun = true;
    here.rows[9] = paid(open(10));
    here.hint('paid', 10);
    await when(() => here.requests().length > 0);
    await quiet();
    isDown = false;
    await pass(2_000);
    await when(() => here.hints.outcomes.length > 0);
    expect([here.hints.outcomes, here.published(), here.run.of('parked')]).toEqual([['paid u-10 read'], [10], []]);
  });

  test('whose key is refused parks the entity as a scan would, and the hints that wait are told as such', async () => {
    let isRefused = false;
    const here = await hinted({
      before: () => {
        if (isRefused) throw new FatalError('no', { reason: 'unauthorized', parks: 'entity' });
      },
    });
    isRefused = true;
    here.hint('paid', 10);
    here.hint('paid', 11);
    await when(() => here.run.of('parked').length > 0);
    expect(here.hints.outcomes).toEqual(['paid u-10 parked', 'paid u-11 parked']);
    expect(here.hints.takers.size).toBe(0);
  });
});

describe('hints about rows that are not known', () => {
  test('are all read by one look at the newest page, as `newest` would', async () => {
    const here = await hinted();
    const mark = cursorOfScan(here.kafka, { entity: 'alfa', stream: 'items', scan: 'newest' })?.mark;
    for (const id of [41, 42, 43, 44]) here.rows.push(open(id));
    here.rows.push({ ...paid(open(45)) });
    for (const id of [41, 42, 43]) here.hint('created', id);
    here.hint('paid', 45);
    await when(() => here.hints.outcomes.length === 4);
    expect(here.published().toSorted((a, b) => a - b)).toEqual([41, 42, 43, 45]);
    expect(here.kafka.records.at(-1)?.headers).toMatchObject({ op: 'c', scan: 'spot' });
    expect(here.requests().map(({ params, offset }) => [params['order'], offset])).toEqual([['id desc', 0]]);
    expect(cursorOfScan(here.kafka, { entity: 'alfa', stream: 'items', scan: 'newest' })?.mark).toBe(mark);
  });

  test('ahead of their data are looked for again, and a document of no list that is read is given up', async () => {
    const here = await hinted();
    here.hint('created', 41);
    here.hint('ksef', 999);
    await when(() => here.requests().length > 0);
    await quiet();
    here.rows.push(open(41));
    for (const ms of [2_000, 10_000, 60_000, 600_000]) await pass(ms);
    expect([...here.hints.outcomes].sort()).toEqual(['created u-41 read', 'ksef u-999 unconfirmed']);
    expect(here.published()).toEqual([41]);
  });

  test('outside the scope, where the API ignores the filter by date, publish nothing and are looked for no more', async () => {
    const here = await hinted({ heeds: () => false });
    here.rows.push({ ...open(41), date: '2020-01-01' });
    here.hint('created', 41);
    await when(() => here.hints.outcomes.length > 0);
    await pass(100_000);
    expect([here.hints.outcomes, here.published(), here.requests().length]).toEqual([
      ['created u-41 not-followed'],
      [],
      1,
    ]);
  });

  test('are expected by streams that may have such new rows', async () => {
    const { takers } = (await hinted()).hints;
    const expecting = (kind: HintKind) =>
      [...takers].filter(([, { expects }]) => expects({ kind, event: kind, uuid: 'u-41' })).map(([name]) => name);
    expect(expecting('created')).toEqual(['alfa items']);
    expect(expecting('ksef')).toEqual(['alfa items', 'alfa things']);
    expect(expecting('deleted')).toEqual([]);
    expect([takers.get('alfa items')?.knows('u-40'), takers.get('alfa items')?.knows('u-41')]).toEqual([true, false]);
  });
});

test('a burst walks the newest and the open rows at once', async () => {
  const here = await hinted();
  here.rows[9] = paid(open(10));
  here.rows.push(open(41));
  here.hints.takers.get('alfa items')?.burst();
  await pass(0);
  await whenSoon(() => here.published().length === 2);
  expect(here.published().toSorted((a, b) => a - b)).toEqual([10, 41]);
});

test('what `open` finds paid without a hint is counted, and what a hint brought up is not', async () => {
  const here = await hinted();
  for (const index of [9, 10]) here.rows[index] = paid(open(index + 1));
  here.hint('paid', 10);
  await when(() => here.hints.outcomes.length > 0);
  here.hints.takers.get('alfa items')?.burst();
  await pass(0);
  await whenSoon(() => here.published().length === 2);
  await whenSoon(() => here.hints.unhinted() > 0);
  expect(here.hints.unhinted()).toBe(1);
});

test('a stop settles the hints that wait, and ends the stream', async () => {
  const here = await hinted();
  here.hint('paid', 10);
  await when(() => here.requests().length > 0);
  await quiet();
  here.run.stop();
  expect(await here.run.ended).toBeNull();
  expect([here.hints.outcomes, here.hints.takers.size]).toEqual([['paid u-10 parked'], 0]);
});

function badGateway(): TransientError {
  return new TransientError('502', { status: 502 });
}
