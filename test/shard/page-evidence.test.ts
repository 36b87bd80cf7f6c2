import { EntryFlag } from '../../src/changes/block';
import { walkOf } from '../../src/rules/cursor';
import { Memory } from '../../src/shard/memory';
import { countOf, listProvedBy, noteAbsent, sweepUnderWay } from '../../src/shard/page-evidence';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, pageOf } from '../support/pages';

const NOW = Date.parse('2026-02-01T10:00:00Z');

function start() {
  const declaration = itemStream('items', { scoped: true, opens: true });
  const options = memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration }], {
    now: () => NOW,
    absentForMs: 60_000,
  });
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  return memory.streamOf('alfa', 'items');
}

test.each([
  ['sweep', undefined, 'all'],
  ['open', undefined, 'open'],
  ['search', 'open', 'open'],
  ['search', 'all', 'all'],
  ['newest', undefined, null],
  ['recent', undefined, null],
  ['spot', undefined, null],
] as const)('a page of %s (%s) proves absences of %s', (scan, searched, expected) => {
  expect(listProvedBy(scan, searched)).toBe(expected);
});

test('between two sweeps what is missing counts as missed by the next', () => {
  const state = start();
  expect(sweepUnderWay(state)).toBe(1);
  state.walks.set('sweep', walkOf({ ...cursorAtStart(), number: 4 }));
  expect(sweepUnderWay(state)).toBe(4);
  state.walks.set('sweep', walkOf({ ...cursorAtStart(), number: 4, finishedAt: '2026-02-01T09:00:00Z' }));
  expect(sweepUnderWay(state)).toBe(5);
});

test('a page whose place in its list is not known, or that shows what was not asked for, is not counted, nor one of a first sweep', () => {
  const state = start();
  state.walks.set('sweep', walkOf({ ...cursorAtStart(), number: 2 }));
  const page = { ...pageOf([{ id: 3 }, { id: 5 }]), totalCount: 9, place: { offset: 2, rows: 2, first: 3, last: 5 } };
  const toCommit = { scan: 'sweep' } as const;
  expect(countOf(state, { ...toCommit, page })).toMatchObject({ from: 2, to: 4, below: 2 });
  const { place, ...placeless } = page;
  expect(place.offset).toBe(2);
  expect(countOf(state, { ...toCommit, page: placeless })).toBeNull();
  expect(countOf(state, { ...toCommit, page: { ...page, outsideQuery: 1 } })).toBeNull();
  expect(countOf(state, { ...toCommit, scan: 'recent', page })).toBeNull();
  state.walks.set('sweep', walkOf(cursorAtStart()));
  expect(countOf(state, { ...toCommit, page })).toBeNull();
});

test('I5: what the sweep before proved absent counts from its end, and what this one did from the start of the session', () => {
  const finished = '2026-02-01T09:30:00.000Z';
  const state = start();
  state.walks.set('sweep', walkOf({ ...cursorAtStart(), number: 4, finishedAt: finished }));
  const note = noteAbsent(state, NOW, NOW + 1);
  note(7, 4);
  expect(state.absences.isConfirmed(7)).toBe(true);
  note(8, 5);
  expect(state.absences.isConfirmed(8)).toBe(false);
  expect(state.absences.confirmableAtMs(8)).toBe(NOW + 60_000);
  note(9, 0);
  expect(state.absences.confirmableAtMs(9)).toBe(NOW + 1 + 60_000);
  expect(EntryFlag.OPEN).toBe(1);
});
