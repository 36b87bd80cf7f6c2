import fc from 'fast-check';

import {
  clone,
  deserialise,
  EntryFlag,
  flagsAt,
  hashAt,
  hashOfUuid,
  hasUuid,
  isLive,
  isWithin,
  lowerBound,
  newBlock,
  newUuidSpace,
  NO_DATE,
  serialise,
  setState,
  setUuid,
  shift,
  slice,
  tally,
  uuidAt,
  type Block,
} from '../../src/changes/block';
import type { LedgerBlock } from '../../src/model';

const { LEFT, PUBLISHED } = EntryFlag;
const CANONICAL = '01234567-89ab-cdef-0123-456789abcdef';
const space = newUuidSpace();

/** A block whose columns all follow from the id, so that a column left behind shows. */
function blockOf(ids: readonly number[], { from = 0, to = Infinity, room = 0 } = {}): Block {
  const block = newBlock({ from, to, generation: 1 }, ids.length + room);
  for (const [slot, id] of ids.entries()) {
    block.ids[slot] = id;
    block.fingerprints.set([id, ~id], 2 * slot);
    block.dates[slot] = id - 100;
    block.lines[slot] = id % 1000;
    block.definitions[slot] = id % 200;
    block.count++;
    tally(block, slot, 1);
    setUuid(block, slot, id % 2 === 0 ? `odd ${id}` : CANONICAL, space);
  }
  return block;
}

function contentsOf(block: Block) {
  return Array.from({ length: block.count }, (_, slot) => ({
    id: block.ids[slot],
    fingerprint: [...block.fingerprints.subarray(2 * slot, 2 * slot + 2)],
    date: block.dates[slot],
    lines: block.lines[slot],
    definition: block.definitions[slot],
    flags: flagsAt(block, slot),
    missing: block.missing[slot],
    uuid: uuidAt(block, slot),
  }));
}

const stored = (changes: Partial<LedgerBlock> = {}): LedgerBlock => ({ ...serialise(blockOf([5, 6, 9])), ...changes });

describe('a block', () => {
  test('is stored with its bounds and the steps between its ids', () => {
    expect(serialise(blockOf([5, 6, 9], { from: 4 }))).toMatchObject({ from: 4, to: null, ids: [1, 1, 3] });
    expect(serialise(blockOf([5], { from: 4, to: 7 }))).toMatchObject({ from: 4, to: 7, ids: [1] });
  });

  test('comes back from what is stored, whatever the ids, flags and sweeps', () => {
    const entry = fc.record({
      step: fc.integer({ min: 1, max: 2 ** 40 }),
      flags: fc.integer({ min: 0, max: 63 }),
      missing: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), fc.nat(), (entries, from) => {
        let id = from;
        const block = blockOf(
          entries.map(({ step }) => (id += step)),
          { from },
        );
        for (const [slot, { flags, missing }] of entries.entries()) setState(block, slot, flags, missing);
        const restored = deserialise(structuredCloneOf(serialise(block)));
        if (restored === undefined) throw new Error('expected a block');
        expect(contentsOf(restored)).toEqual(contentsOf(block));
        expect([restored.from, restored.to, restored.count]).toEqual([block.from, block.to, block.count]);
        expect([restored.present, restored.live]).toEqual([block.present, block.live]);
      }),
    );
  });

  test.each<[string, Partial<LedgerBlock>]>([
    ['a column is shorter', { lines: Buffer.alloc(5) }],
    ['a column is longer', { fingerprints: Buffer.alloc(25) }],
    ['an id is before the block', { ids: [-1, 1, 1] }],
    ['an id is after the block', { to: 9 }],
    ['two ids are equal', { ids: [5, 0, 1] }],
    ['an id is no integer', { ids: [5, 0.5, 1] }],
    ['an id is beyond the safe integers', { ids: [5, 1, Number.MAX_SAFE_INTEGER] }],
    ['the block begins at no integer and is empty', { ...emptyColumns(), from: 0.5 }],
  ])('is refused as damaged where %s', (_, changes) => {
    expect(deserialise(stored())).toBeDefined();
    expect(deserialise(stored(changes))).toBeUndefined();
  });

  test('is copied whole, and the copy is independent', () => {
    const block = blockOf([2, 3, 4]);
    const copy = clone(block, 7);
    expect(copy.generation).toBe(7);
    expect(contentsOf(copy)).toEqual(contentsOf(block));
    const before = contentsOf(block);
    setUuid(copy, 0, 'other', space);
    setState(copy, 1, LEFT, 0);
    expect(contentsOf(block)).toEqual(before);
  });

  test('is sliced by slots, with the UUIDs and the counts of those entries alone', () => {
    const block = blockOf([2, 3, 4, 6]);
    setState(block, 1, LEFT, 0);
    setState(block, 2, PUBLISHED, 8);
    const part = slice(block, { from: 3, to: 6, generation: 2 }, 1, 3, 5);
    expect(contentsOf(part)).toEqual(contentsOf(block).slice(1, 3));
    expect([part.present, part.live, part.capacity, [...part.oddUuids.keys()]]).toEqual([1, 0, 5, [4]]);
  });

  test('shifts every column alike', () => {
    const block = blockOf([2, 3, 4], { room: 1 });
    const before = contentsOf(block);
    shift(block, 1, 2);
    block.count++;
    expect(contentsOf(block).slice(2)).toEqual(before.slice(1));
    shift(block, 2, 1);
    block.count--;
    expect(contentsOf(block)).toEqual(before);
  });

  test('finds the slot of the first id that is not below', () => {
    const block = blockOf([10, 20, 30], { room: 5 });
    expect([0, 10, 11, 20, 30, 31].map((id) => lowerBound(block, id))).toEqual([0, 0, 1, 1, 2, 3]);
    expect(lowerBound(blockOf([]), 1)).toBe(0);
  });

  test('counts what is present and what is live through changes of state', () => {
    const block = blockOf([1, 2, 3]);
    const counts = () => [block.present, block.live, ...[0, 1, 2].map((slot) => isLive(block, slot))];
    expect(counts()).toEqual([3, 3, true, true, true]);
    setState(block, 0, 0, 4);
    setState(block, 1, LEFT, 0);
    expect(counts()).toEqual([2, 1, false, false, true]);
    setState(block, 0, LEFT, 4);
    setState(block, 1, 0, 0);
    expect(counts()).toEqual([2, 2, false, true, true]);
  });

  test.each([
    { from: null, to: null, within: [true, true] },
    { from: 10, to: 10, within: [true, false] },
    { from: 11, to: null, within: [false, false] },
    { from: null, to: 9, within: [false, false] },
    { from: null, to: 10, within: [true, false] },
  ])('has entries of day 10 and of no day within $from to $to: $within', ({ from, to, within }) => {
    const block = blockOf([1, 2]);
    block.dates.set([10, NO_DATE]);
    expect([isWithin(block, 0, from, to), isWithin(block, 1, from, to)]).toEqual(within);
  });
});

test.each([
  [CANONICAL, 0],
  ['ffffffff-ffff-ffff-ffff-ffffffffffff', 0],
  ['00000000-0000-0000-0000-000000000000', 1],
  ['01234567-89AB-cdef-0123-456789abcdef', 1],
  ['01234567x89ab-cdef-0123-456789abcdef', 1],
  ['', 1],
  [null, 0],
])('a UUID %p is kept byte for byte, aside where 16 bytes cannot give it back (%i aside)', (uuid, aside) => {
  const block = blockOf([2]);
  setUuid(block, 0, uuid, space);
  expect(uuidAt(block, 0)).toBe(uuid);
  expect(block.oddUuids.size).toBe(aside);
  expect(hasUuid(block, 0, uuid, space)).toBe(true);
  for (const other of [CANONICAL, 'odd', '', null]) expect(hasUuid(block, 0, other, space)).toBe(other === uuid);
});

function structuredCloneOf(block: LedgerBlock): LedgerBlock {
  const copy = (bytes: Buffer) => Buffer.from(bytes);
  const { fingerprints, definitions, uuids, dates, flags, missing, lines } = block;
  return {
    ...block,
    fingerprints: copy(fingerprints),
    definitions: copy(definitions),
    uuids: copy(uuids),
    dates: copy(dates),
    flags: copy(flags),
    missing: copy(missing),
    lines: copy(lines),
  };
}

function emptyColumns(): Partial<LedgerBlock> {
  return serialise(blockOf([]));
}

test('the hash of an entry is that of its UUID, whether the UUID is as usual or not; 0 = there is none', () => {
  const block = newBlock({ from: 0, to: Infinity, generation: 1 }, 1);
  block.ids[0] = 7;
  block.count = 1;
  for (const uuid of [CANONICAL, 'odd', '00000000-0000-0000-0000-000000000000', CANONICAL.toUpperCase()]) {
    setUuid(block, 0, uuid, space);
    expect(hashAt(block, 0)).toBe(hashOfUuid(uuid));
    expect(hashAt(block, 0)).toBeGreaterThan(0);
  }
  expect(hashOfUuid(CANONICAL)).not.toBe(hashOfUuid(CANONICAL.replace('f', 'e')));
  setUuid(block, 0, null, space);
  expect(hashAt(block, 0)).toBe(0);
});
