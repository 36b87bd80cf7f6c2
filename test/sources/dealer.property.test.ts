import fc from 'fast-check';
import type { ScanName, Turn } from '../../src/model';
import { targetsOf, type TimedScan } from '../../src/rules/rhythm';
import { createDealer } from '../../src/sources/dealer';
import { deal, type SimulatedScan } from '../support/dealing';

const ENTITIES = ['a', 'b', 'c', 'd'];
const SCANS: readonly ScanName[] = ['newest', 'open', 'recent', 'sweep', 'spot'];
const QUANTUM = 3;

const runs = { numRuns: 200 };

/** Anything that a scan may say of itself. */
const turns: fc.Arbitrary<Turn> = fc
  .record({
    stream: fc.constantFrom('clients', 'invoices'),
    scan: fc.constantFrom(...SCANS),
    paceMs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1_000, max: 500_000 })),
    behind: fc.oneof(fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: 0, max: 5, noNaN: true })),
  })
  .map(({ behind, ...turn }) => (turn.scan === 'sweep' ? { ...turn, behind } : turn));

type Action =
  | { readonly does: 'ask'; readonly entity: string; readonly turn: Turn }
  | { readonly does: 'deal'; readonly avoid: readonly string[] }
  | { readonly does: 'giveUp'; readonly which: number }
  | { readonly does: 'charge'; readonly entity: string; readonly requests: number }
  | { readonly does: 'wait'; readonly ms: number };

const histories: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        does: fc.constant('ask' as const),
        entity: fc.constantFrom(...ENTITIES),
        turn: turns,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ does: fc.constant('deal' as const), avoid: fc.subarray(ENTITIES, { maxLength: 2 }) }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('giveUp' as const), which: fc.nat(20) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        does: fc.constant('charge' as const),
        entity: fc.constantFrom(...ENTITIES),
        requests: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.nat(60_000) }) },
  ),
  { maxLength: 150 },
);

interface Request {
  readonly number: number;
  readonly entity: string;
  readonly turn: Turn;
  /** Requests of the entity's sweeps that went before it. */
  passedBy: number;
}

/** What a history deals; `check` sees each request dealt, or null, beside all those that waited then. */
function play(
  history: readonly Action[],
  check: (dealt: Request | null, waiting: readonly Request[], avoid: readonly string[]) => void,
): number[] {
  const dealer = createDealer<Request>();
  const waiting = new Map<Request, () => void>();
  const order: number[] = [];
  let nowMs = 0;
  let number = 0;
  for (const action of history) {
    if (action.does === 'wait') nowMs += action.ms;
    if (action.does === 'charge') dealer.charge(action.entity, action.requests);
    if (action.does === 'ask') {
      const { entity, turn } = action;
      const request = { number: (number += 1), entity, turn, passedBy: 0 };
      waiting.set(request, dealer.add(entity, turn, request, nowMs));
    }
    if (action.does === 'giveUp') {
      const [request, leave] = [...waiting][action.which] ?? [];
      leave?.();
      if (request !== undefined) waiting.delete(request);
    }
    if (action.does === 'deal') {
      const dealt = dealer.next(nowMs, new Set(action.avoid));
      check(dealt, [...waiting.keys()], action.avoid);
      if (dealt !== null) {
        waiting.delete(dealt);
        order.push(dealt.number);
      }
    }
    expect(dealer.waits()).toBe(waiting.size > 0);
  }
  return order;
}

test('a request that waits is dealt whenever one can be sent, each once, those of one scan in their order', () => {
  fc.assert(
    fc.property(histories, (history) => {
      play(history, (dealt, waiting, avoid) => {
        if (dealt === null) {
          expect(waiting).toEqual([]);
          return;
        }
        const { entity, turn, number } = dealt;
        const sameScan = waiting.filter(
          (other) => other.entity === entity && other.turn.stream === turn.stream && other.turn.scan === turn.scan,
        );
        expect(sameScan[0]?.number).toBe(number);
        if (avoid.includes(entity)) expect(waiting.every((other) => avoid.includes(other.entity))).toBe(true);
      });
    }),
    runs,
  );
});

test("no request of newest waits behind two of its entity's sweeps", () => {
  fc.assert(
    fc.property(histories, (history) => {
      play(history, (dealt, waiting) => {
        if (dealt?.turn.scan !== 'sweep') return;
        for (const other of waiting) {
          if (other.entity !== dealt.entity || other.turn.scan !== 'newest') continue;
          other.passedBy += 1;
          expect(other.passedBy).toBeLessThanOrEqual(1);
        }
      });
    }),
    runs,
  );
});

test('the same history is dealt in the same order', () => {
  fc.assert(
    fc.property(histories, (history) => {
      expect(play(history, () => undefined)).toEqual(play(history, () => undefined));
    }),
    runs,
  );
});

test('I9: entities that all have something to ask for, whatever it is, are never further apart than a quantum', () => {
  const lanes = fc.array(turns, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(lanes, { minLength: 2, maxLength: 6 }),
      fc.array(fc.nat(20_000), { minLength: 50, maxLength: 200 }),
      (entities, steps) => {
        const dealer = createDealer<{ readonly entity: string; readonly turn: Turn }>();
        const had = new Map(entities.map((_, at) => [`e${at}`, 0]));
        entities.forEach((its, at) => {
          for (const turn of its) dealer.add(`e${at}`, turn, { entity: `e${at}`, turn }, 0);
        });
        let nowMs = 0;
        for (const step of steps) {
          nowMs += step;
          const dealt = dealer.next(nowMs);
          if (dealt === null) throw new Error('dealing: expected a request, got none');
          had.set(dealt.entity, (had.get(dealt.entity) ?? 0) + 1);
          dealer.add(dealt.entity, dealt.turn, dealt, nowMs);
          const counts = [...had.values()];
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(QUANTUM);
        }
      },
    ),
    runs,
  );
});

const targets = targetsOf(
  {
    newestSeconds: 15,
    clientsNewestSeconds: 300,
    openSeconds: 300,
    recentSeconds: 900,
    sweepSeconds: 600,
    sweepAtLeastHours: 6,
  },
  'invoices',
);
const scanOf = (scan: TimedScan, pages: number): SimulatedScan => ({
  stream: 'invoices',
  scan,
  target: targets[scan],
  pages,
});

test('short of requests, all scans but sweeps slow down in proportion, and the sweep ends in its time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 10, max: 100 }),
      fc.double({ min: 1.5, max: 8, noNaN: true }),
      (openPages, recentPages, sweepPages, slowdown) => {
        const scans = [scanOf('newest', 1), scanOf('open', openPages), scanOf('recent', recentPages)];
        const rateOf = ({ pages, target }: SimulatedScan) => (pages * 60_000) / target.withinMs;
        const wanted = scans.reduce((sum, scan) => sum + rateOf(scan), 0);
        const sweepRate = (sweepPages + 16) / (6 * 60);
        const perMinute = wanted / slowdown + sweepRate;
        const sweep = scanOf('sweep', sweepPages);
        const dealt = deal([{ entity: 'a', scans: [...scans, sweep] }], perMinute, 12 * 60);
        const fromMs = 6 * 3_600_000;
        const later = dealt.filter(({ atMs }) => atMs >= fromMs);
        const parts = scans.map((scan) => {
          const had = later.filter((one) => one.scan === scan.scan).length / 360;
          const part = rateOf(scan) / slowdown;
          // Scans are dealt whole requests: one that is due between two waits for the second, up to a request longer each time.
          return { had, part, delayed: perMinute / (perMinute / part + 1) };
        });
        const lost = parts.reduce((sum, { part, delayed }) => sum + part - delayed, 0);
        const atTheEnds = 4 / 360;
        for (const { had, delayed } of parts) {
          expect(had).toBeGreaterThan(delayed - atTheEnds);
          // What the other scans lose by that, one of them may have.
          expect(had).toBeLessThan(delayed + lost + sweepRate + atTheEnds);
        }
        const firstSweep = dealt.find((one) => one.scan === 'sweep' && one.page === sweepPages);
        expect(firstSweep?.atMs).toBeLessThanOrEqual(6 * 3_600_000);
      },
    ),
    // At this one a pattern of four requests repeats, and gives "open" half as much again as its part.
    { numRuns: 25, examples: [[6, 31, 10, 1.5]] },
  );
});

test('nothing starves: every scan has about a sixteenth of its pace, or its part in proportion where even that is too much', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          open: fc.integer({ min: 1, max: 60 }),
          recent: fc.integer({ min: 1, max: 60 }),
          sweep: fc.integer({ min: 1, max: 2_000 }),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      fc.integer({ min: 1, max: 12 }),
      (sizes, perMinute) => {
        const entities = sizes.map(({ open, recent, sweep }, at) => ({
          entity: `e${at}`,
          scans: [scanOf('newest', 1), scanOf('open', open), scanOf('recent', recent), scanOf('sweep', sweep)],
        }));
        const hours = 12;
        const dealt = deal(entities, perMinute, hours * 60);
        for (const { entity, scans } of entities) {
          const its = dealt.filter((one) => one.entity === entity);
          const share = (perMinute * hours * 60) / entities.length;
          const paces = scans.map(({ pages, target }) => pages / target.withinMs);
          const wanted = paces.reduce((sum, pace) => sum + pace, 0) * hours * 3_600_000;
          scans.forEach(({ scan }, at) => {
            const pace = (paces[at] ?? 0) * hours * 3_600_000;
            const had = its.filter((one) => one.scan === scan).length;
            expect(had).toBeGreaterThanOrEqual(Math.floor(0.6 * Math.min(pace / 16, (pace * share) / wanted)));
          });
        }
      },
    ),
    { numRuns: 15 },
  );
});
