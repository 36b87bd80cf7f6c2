import type { Turn, Worth } from '../../src/model';
import { spotTurn } from '../../src/rules/rhythm';
import { IDLE_POLL_MS, WORTH_A_REQUEST } from '../../src/rules/stream-schedule';
import { createDealer, type Dealer } from '../../src/sources/dealer';

const now = spotTurn('invoices');
const bulk: Turn = { stream: 'invoices', scan: 'sweep', urgency: { kind: 'bulk' } };
const MAY = { mayRefresh: true };

/** A scheduled request: worth nothing, and never late, unless said otherwise. */
function scheduled(worth: Partial<Worth> = {}): Turn {
  const whole: Worth = { index: 0, late: 0, polledMs: 0, inMs: 0, ...worth };
  return { stream: 'invoices', scan: 'sweep', urgency: { kind: 'scheduled', worth: () => whole } };
}

function open(perMinute: number | null = 300): Dealer<string> {
  return createDealer<string>(() => perMinute);
}

/** What is dealt one after the other at one moment, until nothing is. */
function dealt(dealer: Dealer<string>, choice = MAY, nowMs = 0): string[] {
  const order: string[] = [];
  for (let next = dealer.next(nowMs, choice); next !== null; next = dealer.next(nowMs, choice))
    order.push(next.request);
  return order;
}

test('nothing waits, so nothing is dealt', () => {
  const dealer = open();
  expect(dealer.waits()).toBe(false);
  expect(dealer.next(0, MAY)).toBeNull();
  expect(dealer.wantedAtMs(0, true)).toBe(Infinity);
});

test.each([
  ['known to have changed', now],
  ['read for the first time', bulk],
  ['scheduled', scheduled({ index: 1 })],
])('what is %s and taken out is not dealt, however often it is taken out', (_, turn) => {
  const dealer = open();
  const leave = dealer.add('a', turn, 'first', 0);
  dealer.add('a', turn, 'second', 0);
  leave();
  leave();
  expect(dealt(dealer)).toEqual(['second']);
  expect(dealer.waits()).toBe(false);
});

test('what is hurried while it waits is dealt at the next choice, not when it would have been looked at again', () => {
  const dealer = open();
  let isHurried = false;
  const worth = (): Worth => ({ index: isHurried ? 1_000_000 : 0, late: 0, polledMs: 0, inMs: 60_000 });
  const urgency = { kind: 'scheduled', worth, isHurried: () => isHurried } as const;
  dealer.add('a', { stream: 'invoices', scan: 'newest', urgency }, 'newest', 0);
  expect(dealer.next(0, MAY)).toBeNull();
  isHurried = true;
  expect(dealer.next(1, MAY)?.request).toBe('newest');
});

test('what is known to have changed comes first, but not more than three times in a row', () => {
  const dealer = open();
  for (const at of [1, 2, 3, 4, 5]) dealer.add('a', now, `now ${at}`, 0);
  dealer.add('a', scheduled({ index: 1_000 }), 'sweep', 0);
  dealer.add('b', bulk, 'first sweep', 0);
  expect(dealt(dealer)).toEqual(['now 1', 'now 2', 'now 3', 'first sweep', 'now 4', 'now 5', 'sweep']);
});

test('first sweeps and reading for freshness have every second request each while both wait', () => {
  const dealer = open();
  for (const at of [1, 2, 3]) dealer.add('a', bulk, `bulk ${at}`, 0);
  for (const at of [1, 2]) dealer.add('b', scheduled({ index: 1 }), `fresh ${at}`, 0);
  expect(dealt(dealer)).toEqual(['bulk 1', 'fresh 1', 'bulk 2', 'fresh 2', 'bulk 3']);
});

test('where the part for freshness is used up, first sweeps go on and what is scheduled waits', () => {
  const dealer = open();
  dealer.add('a', scheduled({ index: 1_000, late: 5 }), 'sweep', 0);
  dealer.add('b', bulk, 'first sweep', 0);
  expect(dealt(dealer, { mayRefresh: false })).toEqual(['first sweep']);
  expect(dealer.wantedAtMs(0, false)).toBe(Infinity);
  expect(dealt(dealer)).toEqual(['sweep']);
});

test('of the scheduled requests the one of the greatest index is next', () => {
  const dealer = open();
  dealer.add('a', scheduled({ index: 1 }), 'less', 0);
  dealer.add('a', scheduled({ index: 3 }), 'more', 0);
  dealer.add('b', scheduled({ index: 2 }), 'between', 0);
  expect(dealt(dealer)).toEqual(['more', 'between', 'less']);
});

test('every second scheduled request is the one that is latest against its guarantee, whatever the others are worth', () => {
  const dealer = open();
  for (const at of [1, 2, 3]) dealer.add('a', scheduled({ index: 100 - at }), `worth ${at}`, 0);
  for (const at of [1, 2]) dealer.add('b', scheduled({ late: 3 - at + 1 }), `late ${at}`, 0);
  expect(dealt(dealer)).toEqual(['worth 1', 'late 1', 'worth 2', 'late 2', 'worth 3']);
});

test('what is not worth a request waits, and is asked again when that may have changed', () => {
  const dealer = open();
  let index = 0;
  const worth = (): Worth => ({ index, late: 0, polledMs: 0, inMs: 700 });
  dealer.add('a', { stream: 'invoices', scan: 'sweep', urgency: { kind: 'scheduled', worth } }, 'sweep', 0);
  expect(dealt(dealer)).toEqual([]);
  expect(dealer.waits()).toBe(true);
  expect(dealer.wantedAtMs(0, true)).toBe(700);
  index = WORTH_A_REQUEST;
  expect(dealt(dealer, MAY, 699)).toEqual([]);
  expect(dealt(dealer, MAY, 700)).toEqual(['sweep']);
});

test('a request to spare is for the list that was not looked at for longest', () => {
  const dealer = open();
  dealer.add('a', scheduled({ polledMs: IDLE_POLL_MS }), 'sooner', 0);
  dealer.add('b', scheduled({ polledMs: IDLE_POLL_MS + 1 }), 'longer', 0);
  dealer.add('c', scheduled({ polledMs: IDLE_POLL_MS - 1 }), 'not yet', 0);
  expect(dealt(dealer)).toEqual(['longer', 'sooner']);
});

test('I9: an entity that had more than four times its share counts for less', () => {
  const dealer = open(10);
  // Two entities: five requests a minute are the fair share of each.
  for (let at = 0; at < 30; at += 1) {
    dealer.add('busy', scheduled({ index: 10 }), 'busy', 0);
    dealer.next(0, MAY);
  }
  dealer.add('busy', scheduled({ index: 10 }), 'busy', 0);
  dealer.add('quiet', scheduled({ index: 3 }), 'quiet', 0);
  expect(dealt(dealer)).toEqual(['quiet', 'busy']);
});

test('I9: requests of one kind are dealt evenly to the entities, and nobody saves up turns by being quiet', () => {
  const dealer = open();
  for (const at of [1, 2, 3, 4]) dealer.add('a', bulk, `a${at}`, 0);
  dealer.next(0, MAY);
  dealer.next(0, MAY);
  for (const at of [1, 2, 3]) dealer.add('b', bulk, `b${at}`, 0);
  expect(dealt(dealer)).toEqual(['b1', 'a3', 'b2', 'a4', 'b3']);
});

test('I9: an entity whose requests are long in being answered pays for that', () => {
  const dealer = open();
  for (const at of [1, 2]) {
    dealer.add('a', bulk, `a${at}`, 0);
    dealer.add('b', bulk, `b${at}`, 0);
  }
  dealer.charge('a', 1);
  expect(dealt(dealer)).toEqual(['b1', 'a1', 'b2', 'a2']);
});

test('an entity to avoid is dealt a request only where no other waits', () => {
  const dealer = open();
  const choice = { mayRefresh: true, avoid: new Set(['a']) };
  for (const turn of [bulk, now, scheduled({ index: 9 })]) dealer.add('a', turn, 'a', 0);
  dealer.add('b', scheduled({ index: 1 }), 'b', 0);
  expect(dealt(dealer, choice)).toEqual(['b', 'a', 'a', 'a']);
});

test('without a limit there is no share, and so nobody has too much', () => {
  const dealer = open(null);
  for (let at = 0; at < 100; at += 1) dealer.add('a', scheduled({ index: 2 }), 'a', 0);
  dealer.add('b', scheduled({ index: 1 }), 'b', 0);
  expect(dealt(dealer).at(-1)).toBe('b');
});
