import { createTally, type Change, type Observed } from '../../tools/bench/delays';
import { defaultRhythm, FILTERS, play, type Freshness, type Scene } from '../../tools/bench/freshness';
import { beginVirtualTime } from '../../tools/bench/virtual/time';

const START_MS = Date.parse('2026-03-02T06:00:00Z');

describe('virtual time', () => {
  test('lets everything happen at its moment, in order, with all that follows from it', async () => {
    const time = beginVirtualTime(START_MS);
    const happened: string[] = [];
    const note = (what: string) => happened.push(`${time.now() - START_MS} ${what}`);
    try {
      setTimeout(() => {
        note('one');
        void Promise.resolve().then(() => setTimeout(() => note('follows'), 5));
      }, 10);
      const every = setInterval(() => note('again'), 8);
      const never = setTimeout(() => note('never'), 12);
      time.clock.schedule(20, () => {
        clearInterval(every);
        note('last');
      });
      clearTimeout(never);
      await time.pass(100);
    } finally {
      time.end();
    }
    expect(happened).toEqual(['8 again', '10 one', '15 follows', '16 again', '20 last']);
    expect(time.now()).toBe(START_MS + 100);
  });
});

describe('delays', () => {
  const place = { entity: 'a', stream: 'invoices', id: 7 };
  const change = (number: number, kind: Change['kind']): Change => ({ ...place, number, kind, atMs: number * 1_000 });
  const record = (atMs: number, shown: number | null): Observed => ({
    ...place,
    atMs,
    shows: ({ number }) => shown === null || number <= shown,
    tombstone: shown === null,
  });

  test('a record shows the changes up to its own, and no later one', () => {
    const tally = createTally();
    tally.changed(change(1, 'edited, old'));
    tally.changed(change(2, 'paid'));
    tally.changed(change(3, 'edited, recent'));
    tally.observed(record(5_000, 2));
    const delays = tally.delays(10_000);
    expect(delays.get('edited, old')).toEqual({ seenAfterMs: [4_000], waitingMs: [] });
    expect(delays.get('paid')).toEqual({ seenAfterMs: [3_000], waitingMs: [] });
    expect(delays.get('edited, recent')).toEqual({ seenAfterMs: [], waitingMs: [7_000] });
  });

  test('what happened before is left out from then on, and a deletion stays one', () => {
    const tally = createTally();
    tally.changed(change(1, 'edited, old'));
    tally.observed(record(2_000, 1));
    tally.changed(change(2, 'deleted'));
    tally.beginAnew();
    tally.observed(record(3_000, null));
    expect(
      [...tally.delays(4_000).values()].flatMap(({ seenAfterMs, waitingMs }) => [...seenAfterMs, ...waitingMs]),
    ).toEqual([]);
    expect(tally.falseDeletions()).toBe(0);
  });

  test('a deletion is seen by its tombstone alone', () => {
    const tally = createTally();
    tally.changed(change(1, 'edited, old'));
    tally.changed(change(2, 'deleted'));
    tally.observed(record(3_000, 1));
    expect(tally.delays(4_000).get('deleted')).toEqual({ seenAfterMs: [], waitingMs: [2_000] });
    tally.observed(record(6_000, null));
    expect(tally.delays(9_000).get('deleted')).toEqual({ seenAfterMs: [4_000], waitingMs: [] });
    expect(tally.falseDeletions()).toBe(0);
  });

  test('a tombstone of a row that nobody deleted is a false deletion', () => {
    const tally = createTally();
    tally.changed(change(1, 'paid'));
    tally.observed(record(2_000, null));
    expect(tally.falseDeletions()).toBe(1);
  });

  test('a row that was deleted before anybody saw it is not waited for', () => {
    const tally = createTally();
    tally.changed(change(1, 'new invoice'));
    tally.changed(change(2, 'deleted'));
    expect([...tally.delays(9_000).values()].flatMap(({ waitingMs }) => waitingMs)).toEqual([]);
  });
});

const longest = (delays: Freshness['delays'], kind: Change['kind']): number =>
  Math.max(0, ...(delays.get(kind)?.seenAfterMs ?? []));

describe('a scene in virtual time', () => {
  const scene: Scene = {
    companies: [
      { id: 'a', clients: 20, invoices: 300 },
      { id: 'b', clients: 20, invoices: 300 },
    ],
    hours: 0.5,
    rates: { issue: 3, pay: 3, edit: 3, remove: 0.4 },
    rhythm: defaultRhythm(),
    trouble: null,
    killEveryMinutes: null,
    maxShare: 1,
  };

  test('what happens in the simulator reaches the consumer within the targets of the schedule, and nothing else does', async () => {
    const { delays, falseDeletions, requests } = await play(scene);
    const count = (kind: Change['kind']): number => delays.get(kind)?.seenAfterMs.length ?? 0;
    expect(count('new invoice')).toBeGreaterThan(50);
    expect(longest(delays, 'new invoice')).toBeLessThan(20_000);
    expect(count('paid')).toBeGreaterThan(50);
    expect(longest(delays, 'paid')).toBeLessThan(6 * 60_000);
    expect(count('deleted')).toBeGreaterThan(0);
    expect(longest(delays, 'deleted')).toBeLessThan(25 * 60_000);
    expect({ falseDeletions, refused: requests.refused }).toEqual({ falseDeletions: 0, refused: 0 });
  });

  test('filters that the API heeds prove themselves, by an edit that was found, and what they are for is found by them', async () => {
    const { delays, falseDeletions, requests } = await play({ ...scene, hours: 0.2, filters: FILTERS.works });
    for (const scan of ['paid', 'changed']) expect(requests.byScan.get(scan) ?? 0).toBeGreaterThan(0);
    for (const kind of ['paid', 'edited, unpaid', 'edited, old', 'edited client'] as const) {
      expect(delays.get(kind)?.seenAfterMs.length).toBeGreaterThan(0);
      expect(longest(delays, kind)).toBeLessThan(60_000);
    }
    expect({ falseDeletions, refused: requests.refused }).toEqual({ falseDeletions: 0, refused: 0 });
  });

  test('forty new companies are read once soon', async () => {
    const companies = Array.from({ length: 40 }, (_, at) => ({ id: `company-${at}`, clients: 5, invoices: 150 }));
    const { syncedAfterMs } = await play({ ...scene, companies, rates: {}, hours: 0.01 });
    expect(syncedAfterMs).toBeLessThan(6 * 60_000);
  });

  test('crashes and faults cost time and nothing more', async () => {
    const trouble = { failing: 0.05, hanging: 0.005 };
    const { delays, falseDeletions, restarts, requests } = await play({ ...scene, trouble, killEveryMinutes: 5.5 });
    expect(restarts).toBe(5);
    expect(delays.get('new invoice')?.seenAfterMs.length).toBeGreaterThan(50);
    expect({ falseDeletions, refused: requests.refused }).toEqual({ falseDeletions: 0, refused: 0 });
  });
});
