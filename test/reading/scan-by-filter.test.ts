import { setImmediate as turn } from 'node:timers/promises';

import { FatalError, TransientError } from '../../src/errors';
import type { Row, ScanName } from '../../src/model';
import type { Rhythm } from '../../src/reading/stream-reading';
import { isoDay } from '../../src/rules/scope';
import type { Rest } from '../../src/sources/rest';
import { idOf, itemStream, type ListAnswer, type ListRequest, rowOf } from '../support/memory';
import { quiet, scene, type Scene, type Setting, when } from '../support/scene';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const guarantees = { newest: HOUR, open: HOUR, recent: HOUR, sweep: HOUR };
const rhythm: Rhythm = { guarantees: () => guarantees, recentDays: 45, provesFilters: true };
const day = (ago: number): string => isoDay(Date.now() - ago * DAY);
const PAID = 'q[closed_gteq]';
const CHANGED = 'q[updated_at_gteq]';

/** Rows of which the first half were paid, a day after the other, and the others were not. */
function books(count: number): Row[] {
  return Array.from({ length: count }, (_, at) => ({
    id: at + 1,
    content: `first ${at + 1}`,
    closed: at < count / 2 ? day(40 - at) : null,
    updated_at: day(50),
  }));
}

/** What asks for requests: a scan or a proof; each has as many as it wants while it is let. */
type Asker = ScanName | 'proof';

/** One list that was read once; then a run whose requests the test lets through by what asks for them. */
async function reading(setting: Omit<Setting, 'rows'> & { readonly rows?: Row[] } = {}) {
  const { rows = books(24), falsify = (answer: ListAnswer) => answer, ...more } = setting;
  const granted = new Set<Asker>();
  let isEnded = false;
  const leave: Rest['leave'] = (grant, turnOf) => {
    let isOut = false;
    const ask = async (): Promise<void> => {
      const asker = (): Asker => turnOf?.()?.scan ?? 'sweep';
      while (!isOut && !isEnded && !granted.has(asker())) await turn();
      if (isOut || isEnded) return;
      // One proof at a time.
      if (asker() === 'proof') granted.delete('proof');
      grant({ done: () => undefined });
    };
    void ask();
    return () => {
      isOut = true;
    };
  };
  const here = scene({
    rows: { alfa: { items: rows } },
    streams: [itemStream('items', { opens: true })],
    leave,
    // No row shows when it was changed.
    falsify: (answer, request) =>
      falsify({ ...answer, rows: answer.rows.map((row) => without(row as Row, 'updated_at')) }, request),
    ...more,
  });
  for (const scan of ['newest', 'open', 'sweep'] as const) granted.add(scan);
  const run = here.start({ rhythm, limit: 100 });
  await when(() => run.of('swept').length > 0);
  const only = (...askers: readonly Asker[]): void => {
    granted.clear();
    for (const asker of askers) granted.add(asker);
  };
  only();
  return {
    here,
    run,
    rows,
    only,
    /** Has the filters proven once; returns their verdicts. */
    proved: async (): Promise<Readonly<Record<string, string>>> => {
      const before = run.of('filters').length;
      only('proof');
      await when(() => run.of('filters').length > before);
      only();
      return verdicts(run.told);
    },
    /** Has the whole list read once more, from its beginning. */
    swept: async (): Promise<void> => {
      const before = run.of('swept').length;
      only('sweep');
      // One may have been under way.
      await when(() => run.of('swept').length > before + 1);
      only();
    },
    pay: (id: number): void => {
      rows[id - 1] = { id, content: `paid ${id}`, closed: day(0), updated_at: day(0) };
    },
    edit: (id: number, content: string): void => {
      rows[id - 1] = { ...rows[id - 1], id, content, updated_at: day(0) };
    },
    /** Waits until the newest record of a row says that; returns the scan that found it. */
    shown: async (id: number, content: string): Promise<string | undefined> => {
      const found = () =>
        here.kafka.records.findLast((record) => idOf(record) === id && rowOf(record)['content'] === content);
      await when(() => found() !== undefined);
      return found()?.headers['scan'];
    },
    ended: async (): Promise<void> => {
      isEnded = true;
      run.stop();
      expect(await run.ended).toBeNull();
    },
  };
}

function verdicts(told: Parameters<typeof standingsOf>[0]): Readonly<Record<string, string>> {
  return Object.fromEntries(standingsOf(told).map(({ candidate: { kind }, verdict }) => [kind, verdict]));
}

function standingsOf(told: readonly { readonly kind: string }[]) {
  const last = told.findLast(({ kind }) => kind === 'filters');
  return (
    (last as Extract<Awaited<ReturnType<typeof reading>>['run']['told'][number], { kind: 'filters' }> | undefined)
      ?.standings ?? []
  );
}

function without(row: Row, field: string): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== field)) as Row;
}

const asks =
  (filter: string) =>
  ({ params }: ListRequest): boolean =>
    filter in params;
const warnings = (told: readonly { readonly kind: string; readonly message?: string }[]): string[] =>
  told.flatMap(({ kind, message = '' }) => (kind === 'warning' ? [message] : []));
const times = ({ kafka }: Scene, id: number): number => kafka.records.filter((record) => idOf(record) === id).length;

describe('with a filter of payments that has proven itself', () => {
  test('a payment of any age is found by the scan paid, in one request', async () => {
    const { here, run, only, proved, pay, shown, ended } = await reading();
    expect(await proved()).toMatchObject({ paid: 'works', changed: 'unknown' });
    pay(20);
    only('paid');
    expect(await shown(20, 'paid 20')).toBe('paid');
    const asked = here.asked.filter(asks(PAID)).length;
    await when(() => here.asked.filter(asks(PAID)).length > asked + 3);
    await ended();
    const last = here.asked.findLast(asks(PAID));
    expect(last?.params).toMatchObject({ [PAID]: day(1), order: 'id asc' });
    expect([times(here, 20), warnings(run.told)]).toEqual([2, []]);
    expect(here.kafka.state.filter(({ key }) => key.includes('"scan":"paid"'))).toEqual([]);
  });

  test('no scan by it is made before a proof, nor before the first sweep is over', async () => {
    const { here, only, ended } = await reading();
    expect(here.asked.filter(asks(PAID))).toEqual([]);
    only('paid', 'changed', 'newest');
    await quiet();
    expect(here.asked.filter(asks(PAID))).toEqual([]);
    await ended();
  });

  test('a payment that it leaves out is found by another scan, and retires it, with a notice', async () => {
    let isHeeded = true;
    const { here, run, only, proved, pay, shown, ended } = await reading({
      falsify: (answer, request) => (asks(PAID)(request) && !isHeeded ? { rows: [], totalCount: 0 } : answer),
    });
    await proved();
    isHeeded = false;
    pay(20);
    only('paid', 'open', 'spot');
    expect(await shown(20, 'paid 20')).toBe('spot');
    await when(() => verdicts(run.told)['paid'] === 'retired');
    expect(warnings(run.told)).toEqual([
      `the scan paid is not made any more, as its filter is not to be relied on: row 20 was read changed by another scan, and paid, which asked later for all since ${day(1)}, did not show it`,
    ]);
    const asked = here.asked.length;
    pay(21);
    expect(await shown(21, 'paid 21')).toBe('spot');
    // A filter that was caught works again a day later at the earliest.
    isHeeded = true;
    expect(await proved()).toMatchObject({ paid: 'retired' });
    await ended();
    expect(here.asked.slice(asked).filter(({ params }) => params[PAID] === day(1))).toEqual([]);
    expect([times(here, 20), times(here, 21)]).toEqual([2, 2]);
  });

  test.each<[string, (answer: ListAnswer, all: readonly Row[]) => ListAnswer, RegExp]>([
    [
      'is ignored',
      (_, all) => ({ rows: all, totalCount: all.length }),
      /paid was answered with 21 rows that it had not asked for/,
    ],
    [
      'answers out of order',
      (answer) => ({ ...answer, rows: answer.rows.toReversed() }),
      /the list that paid asks for cannot be read \(out-of-order\)/,
    ],
  ])('where it %s from some time on, it is retired, and the stream is read on', async (_, lie, why) => {
    let isHeeded = true;
    const rows = books(24);
    const { here, run, only, proved, pay, shown, ended } = await reading({
      rows,
      falsify: (answer, request) => {
        const all = rows.map((row) => without(row, 'updated_at'));
        return asks(PAID)(request) && !isHeeded ? lie(answer, all) : answer;
      },
    });
    await proved();
    for (const id of [14, 20]) pay(id);
    only('paid');
    expect(await shown(20, 'paid 20')).toBe('paid');
    isHeeded = false;
    pay(13);
    only('paid', 'open', 'spot', 'newest');
    await when(() => verdicts(run.told)['paid'] === 'retired');
    pay(21);
    await shown(21, 'paid 21');
    expect(warnings(run.told)).toEqual([expect.stringMatching(why)]);
    expect([run.of('parked'), times(here, 21)]).toEqual([[], 2]);
    await ended();
  });

  test.each([
    ['refused', new FatalError('400', { reason: 'unexpected-status', parks: 'stream', status: 400 }), 'retired'],
    ['down', new TransientError('no answer'), 'works'],
  ])('where it is %s, nothing is parked', async (_, error, verdict) => {
    let isDown = false;
    const { here, run, only, proved, pay, shown, ended } = await reading({
      before: (request) => {
        if (isDown && asks(PAID)(request)) throw error;
      },
    });
    await proved();
    isDown = true;
    const asked = here.asked.filter(asks(PAID)).length;
    only('paid', 'open', 'spot');
    await when(() => here.asked.filter(asks(PAID)).length > asked);
    pay(20);
    expect(await shown(20, 'paid 20')).toBe('spot');
    expect([run.of('parked'), verdicts(run.told)['paid']]).toEqual([[], verdict]);
    // It is not asked again and again.
    await quiet();
    expect(here.asked.filter(asks(PAID)).length).toBe(asked + 1);
    await ended();
  });
});

test('a filter that is ignored is not used, and what it was to find comes by the other scans', async () => {
  const { here, run, only, proved, pay, shown, ended } = await reading({
    heeds: (filter) => filter !== PAID && filter !== CHANGED,
  });
  expect(await proved()).toMatchObject({ paid: 'ignored', changed: 'ignored' });
  const asked = here.asked.length;
  pay(20);
  only('paid', 'changed', 'open', 'spot');
  expect(await shown(20, 'paid 20')).toBe('spot');
  expect(here.asked.slice(asked).filter((request) => asks(PAID)(request) || asks(CHANGED)(request))).toEqual([]);
  expect(warnings(run.told)).toEqual([]);
  await ended();
});

test('an edit that the sweep finds proves the filter of edits, and the scan changed finds the next', async () => {
  const { here, run, only, proved, swept, edit, shown, ended } = await reading();
  expect(await proved()).toMatchObject({ changed: 'unknown' });
  edit(3, 'edited once');
  await swept();
  expect(await shown(3, 'edited once')).toBe('sweep');
  expect(await proved()).toMatchObject({ changed: 'works' });
  edit(4, 'edited too');
  only('changed');
  expect(await shown(4, 'edited too')).toBe('changed');
  await ended();
  expect([times(here, 3), times(here, 4), warnings(run.told)]).toEqual([2, 2, []]);
});

test.each<[string, (rows: readonly Row[], all: readonly Row[]) => readonly Row[]]>([
  ['a day off', (rows) => rows.filter(({ closed }) => closed !== day(0))],
  ['right in number and wrong in rows', (rows, all) => all.slice(0, rows.length)],
  ['empty', () => []],
  ['every second row', (rows) => rows.filter(({ id }) => id % 2 === 0)],
  ['everything', (_, all) => all],
])(
  'where both filters have proven themselves and then give %s, nothing is lost, doubled or declared dead',
  async (_, lie) => {
    let isHeeded = true;
    const rows = books(60);
    const { here, only, proved, swept, pay, edit, shown, ended } = await reading({
      rows,
      falsify: (answer, request) => {
        if (isHeeded || !(asks(PAID)(request) || asks(CHANGED)(request))) return answer;
        const lied = lie(
          answer.rows as readonly Row[],
          rows.map((row) => without(row, 'updated_at')),
        );
        return { rows: lied.slice(request.offset, request.offset + request.limit), totalCount: lied.length };
      },
    });
    edit(3, 'edited once');
    await swept();
    expect(await proved()).toMatchObject({ paid: 'works', changed: 'works' });
    isHeeded = false;
    only('newest', 'open', 'sweep', 'paid', 'changed', 'spot', 'search');
    for (const id of [40, 41, 42]) pay(id);
    for (const id of [5, 6, 7]) edit(id, `edited ${id}`);
    for (const id of [40, 41, 42]) await shown(id, `paid ${id}`);
    for (const id of [5, 6, 7]) await shown(id, `edited ${id}`);
    await quiet();
    await ended();
    expect([5, 6, 7, 40, 41, 42].map((id) => times(here, id))).toEqual([2, 2, 2, 2, 2, 2]);
    expect(here.kafka.records.filter(({ value }) => value === null)).toEqual([]);
  },
);
