import { clockBounds, clockFault } from '../../src/sinks/clock-bounds';

const NO_LIMIT = '9223372036854775807';
const HOUR_MS = 3_600_000;

test.each([
  [{ 'message.timestamp.after.max.ms': '3600000', 'message.timestamp.before.max.ms': NO_LIMIT }, HOUR_MS, Infinity],
  [{ 'message.timestamp.after.max.ms': '60000', 'message.timestamp.before.max.ms': '120000' }, 60_000, 120_000],
  [{ 'message.timestamp.difference.max.ms': '5000' }, 5_000, 5_000],
  [{}, Infinity, Infinity],
])('the bounds of a topic with %j', (settings, aheadMs, behindMs) => {
  expect(clockBounds(new Map(Object.entries(settings)))).toEqual({ aheadMs, behindMs });
});

const noon = Date.parse('2026-01-07T12:00:00.000Z');
const bounds = (aheadMs: number, behindMs = Infinity) => ({ aheadMs, behindMs });

test.each([
  [
    'by the least of the bounds',
    [bounds(HOUR_MS), bounds(60_000)],
    /12:00.*Z, is ahead of the broker's by more than 1 min \(/,
  ],
  [
    'by hours',
    [bounds(3 * HOUR_MS)],
    /ahead of the broker's by more than 3 h \(message.timestamp.after.max.ms of the topic\): set/,
  ],
  ['by seconds', [bounds(1_500)], /ahead of the broker's by more than 1.5 s/],
  [
    'in the past',
    [bounds(Infinity, HOUR_MS)],
    /is behind the broker's by more than 1 h \(message.timestamp.before.max.ms/,
  ],
  [
    'either way',
    [bounds(HOUR_MS, 60_000)],
    /ahead of the broker's by more than 1 h .*, or behind the broker's by more than 1 min/,
  ],
  ['where the bounds are not told', [], /further from the broker's than message.timestamp.after.max.ms/],
])('I1: the message on a wrong clock says how far off the clock is, %s', (_how, known, text) => {
  expect(clockFault(known, noon)).toMatch(text);
});
