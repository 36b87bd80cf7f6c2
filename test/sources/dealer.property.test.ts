import fc from 'fast-check';

import type { Turn, Urgency, Worth } from '../../src/model';
import { createDealer } from '../../src/sources/dealer';

const ENTITIES = ['a', 'b', 'c', 'd'];

const worths: fc.Arbitrary<Worth> = fc.record({
  index: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
  late: fc.double({ min: 0, max: 10, noNaN: true }),
  polledMs: fc.integer({ min: 0, max: 100_000 }),
  inMs: fc.integer({ min: 0, max: 100_000 }),
});
const urgencies: fc.Arbitrary<Urgency> = fc.oneof(
  fc.constant<Urgency>({ kind: 'now' }),
  fc.constant<Urgency>({ kind: 'bulk' }),
  worths.map((worth): Urgency => ({ kind: 'scheduled', worth: () => worth })),
);

type Action =
  | { readonly does: 'ask'; readonly entity: string; readonly urgency: Urgency }
  | { readonly does: 'deal'; readonly avoid: readonly string[]; readonly mayRefresh: boolean }
  | { readonly does: 'giveUp'; readonly which: number }
  | { readonly does: 'wait'; readonly ms: number };

const histories: fc.Arbitrary<readonly Action[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        does: fc.constant('ask' as const),
        entity: fc.constantFrom(...ENTITIES),
        urgency: urgencies,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        does: fc.constant('deal' as const),
        avoid: fc.subarray(ENTITIES, { maxLength: 2 }),
        mayRefresh: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('giveUp' as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.nat(60_000) }) },
  ),
  { maxLength: 150 },
);

interface Request {
  readonly entity: string;
  readonly turn: Turn;
}

test('what is dealt waited, once; what is known to have changed or read for the first time never waits for what is scheduled', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const dealer = createDealer<Request>(() => 300);
      const waiting = new Map<Request, () => void>();
      let nowMs = 0;
      for (const action of history) {
        if (action.does === 'wait') nowMs += action.ms;
        if (action.does === 'ask') {
          const turn: Turn = { stream: 'invoices', scan: 'sweep', urgency: action.urgency };
          const request = { entity: action.entity, turn };
          waiting.set(request, dealer.add(action.entity, turn, request, nowMs));
        }
        if (action.does === 'giveUp') {
          const [request, leave] = [...waiting][action.which] ?? [];
          leave?.();
          if (request !== undefined) waiting.delete(request);
        }
        if (action.does !== 'deal') continue;
        const { avoid, mayRefresh } = action;
        const dealt = dealer.next(nowMs, { avoid: new Set(avoid), mayRefresh });
        const kinds = [...waiting.keys()].map(({ turn }) => turn.urgency.kind);
        if (dealt === null) {
          expect(kinds.every((kind) => kind === 'scheduled')).toBe(true);
          continue;
        }
        const { request, refreshes } = dealt;
        expect(waiting.delete(request)).toBe(true);
        const { kind } = request.turn.urgency;
        expect(refreshes).toBe(kind !== 'bulk');
        if (kind === 'scheduled') expect(mayRefresh).toBe(true);
      }
      expect(dealer.waits()).toBe(waiting.size > 0);
    }),
    { numRuns: 300 },
  );
});

test('I9: whatever is wanted is dealt in the end, however much else is wanted: late requests get every second of the scheduled ones', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 }), (rivals, late) => {
      const dealer = createDealer<string>(() => 300);
      const add = (name: string, worth: Partial<Worth>) => {
        const whole: Worth = { index: 0, late: 0, polledMs: 0, inMs: 0, ...worth };
        dealer.add(name, { stream: 's', scan: 'sweep', urgency: { kind: 'scheduled', worth: () => whole } }, name, 0);
      };
      for (let at = 0; at < rivals; at += 1) add('rival', { index: 1_000 });
      for (let at = 0; at < late; at += 1) add('late', { late: 1 });
      const order: string[] = [];
      for (let at = 0; at < rivals + late; at += 1) order.push(dealer.next(0, { mayRefresh: true })?.request ?? '');
      const both = 2 * Math.min(rivals, late);
      expect(order.slice(0, both).filter((name) => name === 'late')).toHaveLength(both / 2);
      expect(order.filter((name) => name === 'late')).toHaveLength(late);
    }),
  );
});
