import { EntryFlag, newBlock, type Block } from '../../src/changes/block';
import type { LastPublished } from '../../src/changes/compare';
import { livingIn } from '../../src/changes/living';

const { CARRIED, DEAD_LETTERED, LEFT, PUBLISHED } = EntryFlag;

interface Slot {
  readonly high?: number;
  readonly low?: number;
  readonly flags?: number;
  readonly definition?: number;
}

const blockOf = (slots: readonly Slot[]): Block => {
  const block = newBlock({ from: 0, to: Infinity, generation: 0 }, slots.length);
  for (const [slot, { high = 0, low = 0, flags = PUBLISHED | CARRIED, definition = 1 }] of slots.entries()) {
    block.ids[slot] = slot + 1;
    block.fingerprints.set([high, low], 2 * slot);
    block.flags[slot] = flags;
    block.definitions[slot] = definition;
  }
  block.count = slots.length;
  return block;
};
const none = (): undefined => undefined;

test('adds up what is on the topic modulo 2^64, in all blocks, rows that left the scope or are missing among them', () => {
  const slots: Slot[] = Array.from({ length: 2_000 }, (_, at) => ({
    high: 0xffffffff - at,
    low: 0xfffffff0 + (at % 16),
    flags: PUBLISHED | CARRIED | (at % 2 === 0 ? LEFT : 0),
  }));
  const expected = slots.reduce((sum, { high = 0, low = 0 }) => sum + (BigInt(high) << 32n) + BigInt(low), 0n);
  const blocks = [blockOf(slots.slice(0, 700)), blockOf([]), blockOf(slots.slice(700))];
  expect(livingIn(blocks, 1, none)).toEqual({
    count: 2_000,
    sum: BigInt.asUintN(64, expected).toString(16).padStart(16, '0'),
  });
});

test('leaves out what has no record, such as a row that was a dead letter from the first', () => {
  const blocks = [blockOf([{ low: 5 }, { low: 7, flags: DEAD_LETTERED }])];
  expect(livingIn(blocks, 1, none)).toEqual({ count: 1, sum: '0000000000000005' });
  expect(livingIn([], 1, none)).toEqual({ count: 0, sum: '0000000000000000' });
});

test.each<[string, Slot]>([
  ['carries no fingerprint', { flags: PUBLISHED }],
  ['is under another definition', { definition: 0 }],
])('counts and cannot add up where a record %s', (_title, slot) => {
  expect(livingIn([blockOf([{ low: 5 }, slot])], 1, none)).toEqual({ count: 2, sum: null });
});

test.each<[string, LastPublished | undefined, string | null]>([
  ['that is known', { fingerprint: '00000001ffffffff', definition: 1 }, '0000000200000000'],
  ['of another definition', { fingerprint: '00000001ffffffff', definition: 0 }, null],
  ['that is not known', undefined, null],
])('of a dead letter counts the record before, %s', (_title, last, sum) => {
  const blocks = [blockOf([{ low: 1 }, { low: 9, flags: PUBLISHED | CARRIED | DEAD_LETTERED }])];
  expect(livingIn(blocks, 1, (id) => (id === 2 ? last : undefined))).toEqual({ count: 2, sum });
});
