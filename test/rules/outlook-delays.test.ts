import { foreseeReading, type ExpectedStream } from '../../src/rules/foreseen-reading';
import { delaysOf } from '../../src/rules/outlook-delays';
import { clientsOf, invoicesOf, usual } from '../support/expected-stream';

const SECOND = 1_000;
const ALLOWED = 261;

function delays(streams: readonly ExpectedStream[], learnedMinutes = [90]) {
  return delaysOf(streams, foreseeReading(streams, { ...usual, learnedMinutes }), ALLOWED);
}

test('an edit of an old document waits half a sweep in the mean, and 19 of 20 nearly a whole one', () => {
  const streams = [invoicesOf(20_000, { 'edited-old': 1 })];
  const [reading] = foreseeReading(streams, usual);
  const everyMs = reading?.scans.find(({ lane }) => lane.scan === 'sweep')?.everyMs ?? NaN;
  const [delay] = delays(streams);
  expect(delay).toMatchObject({ change: 'edited-old', stream: null, perMinute: 1 });
  // An answer is half of 150 ms away, and its commit 20 ms.
  expect(delay?.meanMs).toBeCloseTo(everyMs / 2 + 95, -1);
  expect(delay?.p95Ms).toBeCloseTo(0.95 * everyMs + 95, -1);
});

test('a deletion takes the minute between two proofs and what finding it takes', () => {
  const [delay] = delays([invoicesOf(20_000, { deleted: 1 })]);
  expect(delay?.meanMs).toBeGreaterThan(61 * SECOND);
  expect(delay?.p95Ms).toBeLessThan(75 * SECOND);
});

test('a payment is found by the total of the unpaid ones, long before they were walked over', () => {
  const streams = [invoicesOf(20_000, { paid: 1 })];
  const [reading] = foreseeReading(streams, usual);
  const walkMs = reading?.scans.find(({ lane }) => lane.scan === 'open')?.everyMs ?? NaN;
  const [delay] = delays(streams);
  expect(delay?.change).toBe('paid');
  expect(delay?.p95Ms).toBeLessThan(walkMs / 4);
});

test('what is new is told by stream, as is all that happens to clients, and the rest together', () => {
  const everything = { new: 1, deleted: 1, 'edited-old': 1 };
  const streams = [invoicesOf(500, everything), invoicesOf(500, everything, 'beta'), clientsOf(50, everything)];
  expect(delays(streams).map(({ change, stream, perMinute }) => [change, stream, perMinute])).toEqual([
    ['new', 'invoices', 2],
    ['edited-old', null, 2],
    ['deleted', null, 3],
    ['new', 'clients', 1],
    ['edited-old', 'clients', 1],
  ]);
});

test('a schedule that has just begun to learn finds what changes often later than one that has learned', () => {
  const streams = [invoicesOf(2_000, { 'edited-old': 3 })];
  const [early] = delays(streams, [0]);
  const [late] = delays(streams, [120]);
  const [both] = delays(streams, [0, 120]);
  expect(early?.meanMs).toBeGreaterThan(late?.meanMs ?? Infinity);
  expect(both?.meanMs).toBeCloseTo(((early?.meanMs ?? NaN) + (late?.meanMs ?? NaN)) / 2, -2);
});
