import type { Cursor, Query } from '../../src/model';
import { nextWalk } from '../../src/rules/cursor';
import { candidatesOf, type CandidateKind, type FilterProof, type FilterVerdict } from '../../src/rules/filter-proof';
import { FilterWatch } from '../../src/rules/filter-watch';
import { isWanted } from '../../src/rules/stream-schedule';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-31T10:00:00Z');
const stream = { scopeField: 'date', openField: 'closed' };
const query: Query = { from: '2026-01-01', to: null, order: 'asc' };
const sweep: Cursor = { ...nextWalk(null, query, START - HOUR), finishedAt: new Date(START).toISOString() };
const row = { id: 7, date: '2026-02-02', closed: '2026-03-31' };
const isThere = () => true;

function proof(kind: CandidateKind, verdict: FilterVerdict): FilterProof {
  const candidate = candidatesOf({ ...stream, detailOnlyFields: [] }).find((each) => each.kind === kind);
  if (candidate === undefined) throw new Error(`expected a candidate ${kind}`);
  return { candidate, verdict, why: `${kind} ${verdict}`, wasAnswered: true };
}

/** A watch whose filters work, of a list that was swept. */
function working(): FilterWatch {
  const watch = new FilterWatch(stream);
  watch.swept(sweep);
  watch.proved([proof('paid', 'works'), proof('changed', 'works')], START);
  return watch;
}

const found = (watch: FilterWatch, more: Partial<Parameters<FilterWatch['found']>[0]> = {}): void =>
  watch.found({ scan: 'sweep', edited: [row], created: [], ended: 10, query, nowMs: START, ...more });
const walk = (began: number, shown: readonly number[] = []) =>
  ({ scan: 'paid', query: { ...query, paidSince: '2026-03-30' }, began, shown: new Set(shown) }) as const;

describe('a proof', () => {
  test('is wanted soon after it is due, the more the longer it waits, and is late after an hour', () => {
    const watch = new FilterWatch(stream);
    watch.want(START);
    watch.want(START + DAY);
    expect(isWanted(watch.worth(START + MINUTE))).toBe(false);
    expect(watch.worth(START + MINUTE).inMs).toBeLessThan(11 * SECOND);
    expect(isWanted(watch.worth(START + 71 * SECOND))).toBe(true);
    expect(watch.worth(START + 5 * MINUTE).index).toBe(9);
    expect(watch.worth(START + HOUR).late).toBe(1);
  });

  test('is not wanted again before the next day, but for a surprise', () => {
    const watch = working();
    expect(watch.worth(START + 23 * HOUR)).toMatchObject({ index: 0, late: 0 });
    expect(isWanted(watch.worth(START + DAY + 2 * MINUTE))).toBe(true);
    watch.retire('paid', 'it shows nothing', START + MINUTE);
    expect(isWanted(watch.worth(START + HOUR + 2 * MINUTE))).toBe(true);
  });

  test('goes by changes that others than the filter of edits found, the newest fifty, of rows that are there', () => {
    const watch = working();
    found(watch, { scan: 'changed' });
    expect(watch.changes(isThere)).toEqual([]);
    found(watch, { created: [9] });
    const since = '2026-03-31';
    expect(watch.changes(isThere)).toEqual([
      { id: 9, since, isNew: true },
      { id: 7, since, isNew: false },
    ]);
    expect(watch.changes((id) => id !== 7)).toEqual([{ id: 9, since, isNew: true }]);
    for (let id = 100; id < 200; id++) found(watch, { edited: [{ ...row, id }] });
    expect(watch.changes(isThere).map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, at) => 150 + at));
  });

  test('goes by no change of a row that no sweep of the same query has looked at before', () => {
    const watch = new FilterWatch(stream);
    found(watch);
    watch.swept(sweep);
    found(watch, { query: { ...query, from: null } });
    expect(watch.changes(isThere)).toEqual([]);
  });
});

describe('a whole walk', () => {
  test('that began after a change was seen and did not show it retires the filter', () => {
    const watch = working();
    found(watch);
    expect(watch.walked(walk(11), START, isThere)).toMatch(/^row 7 was read changed by another scan/);
    expect([watch.mayScan('paid'), watch.mayScan('changed')]).toEqual([false, true]);
    expect(watch.standings.map(({ verdict }) => verdict)).toEqual(['retired', 'works']);
  });

  test.each<[string, number, readonly number[], boolean]>([
    ['showed it', 11, [7], true],
    ['began before', 10, [], true],
    ['did not show a row that is gone', 11, [], false],
  ])('that %s says nothing', (_, began, shown, there) => {
    const watch = working();
    found(watch);
    expect(watch.walked(walk(began, shown), START, () => there)).toBeNull();
    expect(watch.mayScan('paid')).toBe(true);
  });

  test('is held against a change once', () => {
    const watch = working();
    found(watch);
    expect(watch.walked(walk(10), START, isThere)).toBeNull();
    expect(watch.walked(walk(12, [7]), START, isThere)).toBeNull();
    expect(watch.walked(walk(14), START, isThere)).toBeNull();
  });

  test('lets the next one ask since the day before it began', () => {
    const watch = working();
    expect(watch.sinceDay('paid', START + 9 * DAY)).toBe('2026-03-30');
    watch.walked(walk(1), START + 2 * DAY, isThere);
    expect(watch.sinceDay('paid', START + 9 * DAY)).toBe('2026-04-01');
    expect(watch.sinceDay('changed', START + 9 * DAY)).toBe('2026-03-30');
  });

  test.each([-12, -7, 0, 2, 14])(
    'lets no change fall between two walks where the clock of the API is %d h ahead of UTC',
    (hours) => {
      for (let beganMs = START; beganMs < START + DAY; beganMs += DAY / 24) {
        const watch = working();
        watch.walked(walk(1), beganMs, isThere);
        const dayOfChange = new Date(beganMs + hours * (DAY / 24)).toISOString().slice(0, 10);
        expect(watch.sinceDay('changed', beganMs + DAY) <= dayOfChange).toBe(true);
      }
    },
  );
});

test('a scan without an answer rests for a minute, and after the third in a row its filter is proven again', () => {
  const watch = working();
  expect(watch.restMs('paid')).toBe(0);
  for (let walks = 0; walks < 2; walks++) watch.unanswered('paid', START);
  expect(watch.restMs('paid')).toBe(MINUTE);
  expect(isWanted(watch.worth(START + 2 * HOUR))).toBe(false);
  watch.unanswered('paid', START);
  expect(isWanted(watch.worth(START + 2 * HOUR))).toBe(true);
  watch.walked(walk(1), START, isThere);
  expect(watch.restMs('paid')).toBe(0);
});
