import { createIpBlock, createSightings, type BlockSign } from '../../src/sources/ip-block';

const MINUTE = 60_000;
const ok: BlockSign = { status: 200, json: true, list: true };
const forbidden: BlockSign = { status: 403, json: true, list: true };
const page: BlockSign = { status: 403, json: false, list: true };

/** A block that pages for 403 on two lists of `a` began. */
function blockedAt(atMs: number) {
  const block = createIpBlock();
  block.answered('a', { ...page, place: 'clients' }, false, atMs);
  block.answered('a', { ...page, place: 'invoices' }, false, atMs);
  return block;
}

/** A block that began at 0, and what a probe of `b` after a minute was answered with. */
function probed(sign: BlockSign) {
  const block = blockedAt(0);
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

test.each<[string, [string, BlockSign, number][]]>([
  [
    'two entities',
    [
      ['a', page, 0],
      ['b', page, 5],
    ],
  ],
  [
    'two lists of one entity',
    [
      ['a', { ...page, place: 'clients' }, 0],
      ['a', { ...page, place: 'invoices' }, 5],
    ],
  ],
  [
    'a list and the account of one entity',
    [
      ['a', { ...page, place: 'invoices' }, 0],
      ['a', { ...page, place: 'account', list: false }, 5],
    ],
  ],
])('403s that are not JSON of %s block for a minute', (_, refusals) => {
  const block = createIpBlock();
  for (const [entity, sign, atMs] of refusals) block.answered(entity, sign, false, atMs);
  expect(block.now()).toMatchObject({ state: 'blocked', untilMs: MINUTE + 5 });
});

test('I9: a 403 that is not JSON of one list of one entity blocks nobody, however often it comes', () => {
  const block = createIpBlock();
  for (let atMs = 0; atMs < 10 * MINUTE; atMs += 1_000)
    block.answered('a', { ...page, place: 'invoices' }, false, atMs);
  expect(block.now().state).toBe('open');
});

test.each([
  ['in JSON', forbidden],
  ['as a page', page],
])('I9: 403s %s of two entities block nobody where anybody got a 200 between them', (_, sign) => {
  const block = createIpBlock();
  for (let atMs = 0; atMs < 10 * MINUTE; atMs += 10_000) {
    block.answered('a', { ...sign, place: 'corrections' }, false, atMs);
    block.answered('c', { ...ok, place: 'invoices' }, false, atMs);
    block.answered('b', { ...sign, place: 'corrections' }, false, atMs);
    block.answered('c', { ...ok, place: 'invoices' }, false, atMs);
  }
  expect(block.now().state).toBe('open');
});

test('I9: what was refused while others were served blocks nobody again although the account of its entity answers 200', () => {
  const block = createIpBlock();
  const refused = { ...forbidden, place: 'corrections' };
  const account: BlockSign = { status: 200, json: true, list: false, place: 'account' };
  for (const entity of ['a', 'b']) {
    block.answered(entity, refused, false, 0);
    block.answered(entity, account, false, 1);
  }
  block.answered('a', refused, false, 2);
  block.answered('b', refused, false, 3);
  expect(block.now().state).toBe('open');
  // Once the very list was had, its refusals count again.
  for (const entity of ['a', 'b']) block.answered(entity, { ...ok, place: 'corrections' }, false, 4);
  block.answered('a', refused, false, 5);
  block.answered('b', refused, false, 6);
  expect(block.now().state).toBe('blocked');
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
  const block = blockedAt(0);
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
  const block = blockedAt(0);
  const pauses = Array.from({ length: 6 }, () => {
    block.send();
    block.answered('a', page, true, 0);
    const state = block.now();
    return state.state === 'blocked' ? state.untilMs / MINUTE : 0;
  });
  expect(pauses).toEqual([2, 4, 8, 15, 15, 15]);
});

test('I9: what a block began with counts again only after that very list was had', () => {
  const block = probed(ok);
  const refuse = (place: string): void => block.answered('a', { ...page, place }, false, 2 * MINUTE);
  for (const place of ['clients', 'invoices']) refuse(place);
  expect(block.now().state).toBe('open');
  for (const place of ['clients', 'invoices']) block.answered('a', { ...ok, place }, false, 2 * MINUTE);
  for (const place of ['clients', 'invoices']) refuse(place);
  expect(block.now().state).toBe('blocked');
});

test('entities refused during a block are suspects too', () => {
  const block = blockedAt(0);
  block.answered('b', forbidden, false, 1);
  const state = block.now();
  expect(state.state === 'open' ? [] : [...state.suspects].sort()).toEqual(['a', 'b']);
});

test('sightings are counted within a minute', () => {
  const sightings = createSightings();
  expect([sightings.add('a', 0), sightings.add('b', MINUTE), sightings.add('b', MINUTE + 1)]).toEqual([1, 2, 1]);
});
