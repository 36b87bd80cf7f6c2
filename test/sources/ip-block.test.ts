import { createIpBlock, createSightings, type BlockSign } from '../../src/sources/ip-block';

const MINUTE = 60_000;
const ok: BlockSign = { status: 200, json: true, list: true };
const forbidden: BlockSign = { status: 403, json: true, list: true };
const page: BlockSign = { status: 403, json: false, list: true };

/** A block that a page for 403 began at 0, and what a probe of `b` after a minute was answered with. */
function probed(sign: BlockSign) {
  const block = createIpBlock();
  block.answered('a', page, false, 0);
  expect(block.send()).toBe(true);
  block.answered('b', sign, true, MINUTE);
  return block;
}

test('requests pass while nothing was refused', () => {
  const block = createIpBlock();
  expect(block.send()).toBe(false);
  block.answered('a', ok, false, 0);
  expect(block.now()).toEqual({ state: 'open' });
});

test('a 403 that is not JSON blocks for a minute', () => {
  const block = createIpBlock();
  block.answered('a', page, false, 5);
  expect(block.now()).toMatchObject({ state: 'blocked', untilMs: MINUTE + 5 });
});

test.each<[string, [string, BlockSign, number][], string]>([
  [
    'of two entities within a minute block',
    [
      ['a', forbidden, 0],
      ['b', forbidden, MINUTE],
    ],
    'blocked',
  ],
  [
    'of two entities further apart do not',
    [
      ['a', forbidden, 0],
      ['b', forbidden, MINUTE + 1],
    ],
    'open',
  ],
  [
    'of one entity do not, however many',
    [
      ['a', forbidden, 0],
      ['a', forbidden, 1],
      ['a', forbidden, 2],
    ],
    'open',
  ],
  [
    'of anything but lists do not',
    [
      ['a', { ...forbidden, list: false }, 0],
      ['b', { ...forbidden, list: false }, 1],
    ],
    'open',
  ],
])('403s in JSON %s', (_title, answers, state) => {
  const block = createIpBlock();
  for (const [entity, sign, atMs] of answers) block.answered(entity, sign, false, atMs);
  expect(block.now().state).toBe(state);
});

test('one request after the pause is the probe, and nothing is sent beside it', () => {
  const block = createIpBlock();
  block.answered('a', page, false, 0);
  expect(block.send()).toBe(true);
  expect(block.now().state).toBe('probing');
  expect(() => block.send()).toThrow('the IP block was probing and cannot become probing');
});

test.each<[string, BlockSign]>([
  ['a 200', ok],
  ["the API's own 404", { status: 404, json: true }],
])('%s to the probe ends the block', (_title, sign) => {
  expect(probed(sign).now()).toEqual({ state: 'open' });
});

test.each<[string, BlockSign, number, number]>([
  ['another 403 doubles the pause', page, 2 * MINUTE, 3 * MINUTE],
  ['a 503 repeats the pause', { status: 503, json: false }, MINUTE, 2 * MINUTE],
  ['a fault of the network repeats the pause', { fault: true }, MINUTE, 2 * MINUTE],
  ['a web page of another status repeats the pause', { status: 404, json: false }, MINUTE, 2 * MINUTE],
  ['a probe that was given up leaves the pause as it was', {}, MINUTE, MINUTE],
])('%s', (_title, sign, pauseMs, untilMs) => {
  expect(probed(sign).now()).toMatchObject({ state: 'blocked', pauseMs, untilMs });
});

test('the pause doubles to a quarter of an hour and no further', () => {
  const block = createIpBlock();
  block.answered('a', page, false, 0);
  const pauses = Array.from({ length: 6 }, () => {
    block.send();
    block.answered('a', page, true, 0);
    const state = block.now();
    return state.state === 'blocked' ? state.untilMs / MINUTE : 0;
  });
  expect(pauses).toEqual([2, 4, 8, 15, 15, 15]);
});

test('I9: an entity whose refusals were its own counts again only after a success', () => {
  const block = probed(ok);
  block.answered('a', page, false, 2 * MINUTE);
  expect(block.now().state).toBe('open');
  block.answered('a', ok, false, 2 * MINUTE);
  block.answered('a', page, false, 2 * MINUTE);
  expect(block.now().state).toBe('blocked');
});

test('entities refused during a block are suspects too', () => {
  const block = createIpBlock();
  block.answered('a', page, false, 0);
  block.answered('b', forbidden, false, 1);
  const state = block.now();
  expect(state.state === 'open' ? [] : [...state.suspects].sort()).toEqual(['a', 'b']);
});

test('sightings are counted within a minute, and forgotten when they are taken', () => {
  const sightings = createSightings();
  expect([sightings.add('a', 0), sightings.add('b', MINUTE), sightings.add('b', MINUTE + 1)]).toEqual([1, 2, 1]);
  expect([...sightings.take()]).toEqual(['b']);
  expect(sightings.add('c', MINUTE + 1)).toBe(1);
});
