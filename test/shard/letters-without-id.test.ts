import type { Row } from '../../src/model';
import { DEAD_LETTERS } from '../support/memory';
import { items, scene, type Setting } from '../support/scene';

/** One list whose first page shows these among its rows. */
function listWith(strays: readonly unknown[], setting: Omit<Setting, 'rows'> = {}) {
  const here = scene({
    rows: { alfa: { items: items(3) } },
    falsify: ({ rows, totalCount }, { offset, limit }) => {
      const shown = [...rows.slice(0, 1), ...strays, ...rows.slice(1)] as Row[];
      return limit > 4 && offset === 0 ? { rows: shown, totalCount: totalCount + strays.length } : { rows, totalCount };
    },
    ...setting,
  });
  const letters = () => here.kafka.records.filter(({ topic }) => topic === DEAD_LETTERS);
  return { ...here, letters };
}

const strays = [null, 'wiersz', [1], { id: '17' }, { content: 'no id' }];

test('a row without an id is a dead letter without a key, once, whatever it is, and the rows beside it are published', async () => {
  const here = listWith(strays);
  for (let run = 0; run < 2; run += 1) expect(await here.start({ limit: 100 }).ended).toBeNull();
  expect(here.letters().map(({ key, value }) => [key, value?.toString()])).toEqual(
    strays.map((row) => [null, JSON.stringify(row)]),
  );
  expect(here.letters().map(({ headers }) => [headers['op'], headers['error_path']])).toEqual(
    strays.map(() => ['r', 'id']),
  );
  expect(here.kafka.records.filter(({ topic }) => topic !== DEAD_LETTERS)).toHaveLength(3);
});

test('a row without an id that comes later is a created one', async () => {
  let isThere = false;
  const here = listWith([], {
    falsify: ({ rows, totalCount }, { offset }) =>
      isThere && offset === 0 ? { rows: [{ id: '4' }, ...rows], totalCount: totalCount + 1 } : { rows, totalCount },
  });
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  isThere = true;
  expect(await here.start({ limit: 100 }).ended).toBeNull();
  expect(here.letters().map(({ headers }) => headers['op'])).toEqual(['c']);
});
