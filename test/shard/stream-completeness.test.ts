import { walkOf } from '../../src/rules/cursor';
import { Memory } from '../../src/shard/memory';
import { changesOf } from '../../src/shard/page-changes';
import { completenessOfStream } from '../../src/shard/stream-completeness';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, pageOf, wholePage } from '../support/pages';

const NOW = Date.parse('2026-02-01T10:00:00Z');

/** A stream that a finished sweep read, and what it shows after a second one, asked for so much later. */
function afterTwoSweeps(shown: readonly number[], laterMs: number) {
  let nowMs = NOW;
  const declaration = itemStream('items');
  const options = memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration }], {
    now: () => nowMs,
    absentForMs: 60_000,
  });
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  const state = memory.streamOf('alfa', 'items');
  const sweep = (number: number, ids: readonly number[]) => {
    state.walks.set('sweep', walkOf({ ...cursorAtStart(), number, startedAt: new Date(nowMs).toISOString() }));
    const rows = ids.map((id) => ({ id, content: `row ${id}` }));
    const page = { ...(ids.length === 0 ? pageOf([]) : wholePage(rows)), end: true, askedMs: nowMs };
    const context = { memory, options, partial: false, oldestOpen: Infinity, wasRefused: () => false };
    changesOf(context, state, { entity: 'alfa', stream: 'items', scan: 'sweep', page });
  };
  sweep(1, [1, 2, 3]);
  sweep(2, shown);
  nowMs += laterMs;
  sweep(3, shown);
  return completenessOfStream(state);
}

test('I10: a row that two sweeps missed is pending, but not before a minute lies between what proved that', () => {
  expect(afterTwoSweeps([1, 3], 59_999)).toMatchObject({ complete: true, pending: [] });
  expect(afterTwoSweeps([1, 3], 60_000)).toMatchObject({ complete: false, pending: [2] });
});

test('I10: of a list that shows nothing at all every row is pending, however soon', () => {
  expect(afterTwoSweeps([], 1)).toMatchObject({ complete: false, pending: [1, 2, 3] });
});
