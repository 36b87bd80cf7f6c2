import { factsOf, inOrder, isStatusReason, statusReasons } from '../../src/status/reasons';

test.each(statusReasons)('%s says in one sentence what a person is to do', (reason) => {
  expect(factsOf(reason).do).toMatch(/^[A-Z][^.]{8,}(?:\.[a-z][^.]*)*(?:\.md)?[^.]*\.$/);
});

test('only what loses nothing leaves the data healthy', () => {
  expect(statusReasons.filter((reason) => !factsOf(reason).isUnhealthy)).toEqual([
    'drift',
    'not-available',
    'filter-ignored',
    'misfits',
  ]);
});

test('reasons stand in the order of the table, each once', () => {
  expect(inOrder(['stale', 'misfits', 'unauthorized', 'stale'])).toEqual(['unauthorized', 'stale', 'misfits']);
  expect(inOrder([])).toEqual([]);
});

test('a word that is no reason is told from one, also a name that every object has', () => {
  expect(['held', 'toString', '', null, 7].map(isStatusReason)).toEqual([true, false, false, false, false]);
});
