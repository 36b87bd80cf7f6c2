import { FatalError } from '../../src/errors';
import type { Counts, Row } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import type { Rhythm } from '../../src/reading/stream-reading';
import { addCounts, addMisfits, NO_COUNTS } from '../../src/rules/cursor';
import { cursorOfScan, DEAD_LETTERS, ledgerIn } from '../support/memory';
import { items, scene, type Scene, type Setting, when } from '../support/scene';

const OFTEN = 1;
const always: Rhythm = {
  guarantees: () => ({ newest: OFTEN, open: OFTEN, recent: OFTEN, sweep: OFTEN }),
  recentDays: 45,
};

/** One list of one company. */
function list(rows: Row[], setting: Omit<Setting, 'rows'> = {}) {
  return { ...scene({ rows: { alfa: { items: rows } }, ...setting }), rows };
}

/** One run of one sweep. */
async function once(here: Scene, options: Parameters<Scene['start']>[0] = {}) {
  const run = here.start({ limit: 100, ...options });
  expect(await run.ended).toBeNull();
  return run.told;
}

const lastSwept = (told: readonly Progress[]) => told.findLast((each) => each.kind === 'swept')?.completeness;
const countsIn = (told: readonly Progress[]): Counts =>
  told.reduce((sum, each) => (each.kind === 'page' ? addCounts(sum, each.counts) : sum), NO_COUNTS);
const records = ({ kafka }: Scene, topic: string) => kafka.records.filter((record) => record.topic === topic);
const sweepRecords = ({ kafka }: Scene): unknown[] =>
  kafka.sweeps.map(({ value }) => JSON.parse(value?.toString() ?? 'null') as unknown);
const bad = (id: number): Row => ({ id, content: `bad ${id}` });

describe('dead letters', () => {
  test('make no sweep complete while they stand, in this run and the next, until the row is right (I10)', async () => {
    const here = list([...items(20), bad(21), bad(22)]);
    const first = await once(here);
    expect(lastSwept(first)).toMatchObject({ complete: false, reasons: ['dead-letters'], deadLetters: [21, 22] });
    expect(first.filter(({ kind }) => kind === 'dead-letter')).toEqual([
      expect.objectContaining({ id: 21, path: 'content', reason: expect.stringContaining('expected good') as string }),
      expect.objectContaining({ id: 22, path: 'content' }),
    ]);
    const second = await once(here);
    expect(countsIn(second)).toMatchObject({ deadLetters: 0, unchanged: 22 });
    expect(lastSwept(second)).toMatchObject({ complete: false, deadLetters: [21, 22] });
    here.rows.splice(20, 2, { id: 21, content: 'good' }, { id: 22, content: 'good' });
    expect(lastSwept(await once(here))).toMatchObject({ complete: true, deadLetters: [] });
    expect(sweepRecords(here)).toMatchObject([
      { complete: false, dead_letters_standing: 2, dead_letters: 2 },
      { complete: false, dead_letters_standing: 2, dead_letters: 0 },
      { complete: true, dead_letters_standing: 0 },
    ]);
  });

  test('of every row are counted although their page parks the stream, and the sweep is not complete (I10)', async () => {
    const here = list(Array.from({ length: 6 }, (_, index) => bad(index + 1)));
    const told = await once(here);
    expect(told.find((each) => each.kind === 'parked')).toMatchObject({ reason: 'shape-changed' });
    expect(countsIn(told)).toMatchObject({ rows: 6, deadLetters: 6 });
    expect(lastSwept(told)).toMatchObject({ complete: false, reasons: ['dead-letters'] });
    expect(records(here, DEAD_LETTERS)).toHaveLength(6);
  });

  test('a page that is committed while its stream is parked for another page is counted (I10)', async () => {
    const rows = [...Array.from({ length: 6 }, (_, index) => bad(index + 1)), ...items(30).slice(6)];
    const here = list(rows);
    const told = await once(here, { limit: 10 });
    const published = here.kafka.records.length;
    const { created, deadLetters } = countsIn(told);
    expect([created + deadLetters, deadLetters]).toEqual([published, 6]);
  });

  test('that a person accepted leave the sweep complete, and stay listed', async () => {
    const here = list([...items(20), bad(21)]);
    const told = await once(here, { accepted: [21] });
    expect(lastSwept(told)).toMatchObject({ complete: true, reasons: [], deadLetters: [21], accepted: [21] });
  });
});

describe('rows that nobody can read', () => {
  /** A list any page of which fails that would show one of these rows. */
  function unreadable(...ids: number[]) {
    const bad = new Set(ids);
    const here = list(items(30), {
      before: ({ offset, limit, params }) => {
        const shown = params['order'] === 'id desc' ? here.rows.toReversed() : here.rows;
        if (shown.slice(offset, offset + limit).some(({ id }) => bad.has(id)))
          throw new FatalError('a broken body', { reason: 'malformed-answer', parks: 'stream', status: 200 });
      },
    });
    return { ...here, bad };
  }

  test('make no sweep complete, this one, the next and the record of each, until they can be read (I10)', async () => {
    const here = unreadable(17, 18);
    const gap = { after: 16, upTo: 18, rows: 2 };
    for (let sweeps = 0; sweeps < 2; sweeps++)
      expect(lastSwept(await once(here))).toMatchObject({
        complete: false,
        reasons: ['unreadable'],
        unreadable: [gap],
        deadLetters: [],
      });
    here.bad.clear();
    expect(lastSwept(await once(here))).toMatchObject({ complete: true, reasons: [], unreadable: [] });
    expect(sweepRecords(here)).toMatchObject([
      { complete: false, unreadable: 2, dead_letters: 2 },
      { complete: false, unreadable: 2, dead_letters: 0 },
      { complete: true, unreadable: 0 },
    ]);
  });

  test('that a person accepted by the ids which they lie between leave the sweep complete, and stay listed', async () => {
    const here = unreadable(17);
    const told = await once(here, { accepted: [17] });
    expect(lastSwept(told)).toMatchObject({ complete: true, accepted: [17], unreadable: [{ after: 16, upTo: 17 }] });
    expect(sweepRecords(here)).toMatchObject([{ complete: true, unreadable: 1, accepted: 1 }]);
  });
});

describe('missing rows', () => {
  test('that are held make every sweep incomplete while the hold stands, and changes go on (I10)', async () => {
    const here = list(items(151));
    await once(here);
    here.rows.splice(0, 60);
    await once(here);
    const held = await once(here, { newId: () => 'hold 1' });
    expect(lastSwept(held)).toMatchObject({ complete: false, reasons: ['held'], hold: 'hold 1' });
    here.rows[0] = { id: 61, content: 'edited' };
    const again = await once(here);
    expect(countsIn(again).updated).toBe(1);
    expect(lastSwept(again)).toMatchObject({ complete: false, reasons: ['held'] });
    expect(sweepRecords(here).at(-1)).toMatchObject({ complete: false, hold: 'hold 1' });
  });

  test('of a list that shows none of its rows any more make the sweep incomplete at once (I10)', async () => {
    const here = list(items(5));
    await once(here);
    here.rows.splice(0);
    expect(lastSwept(await once(here))).toMatchObject({ complete: false, reasons: ['pending'] });
    expect(lastSwept(await once(here))).toMatchObject({ complete: false, pending: [1, 2, 3, 4, 5] });
  });

  test('that are neither there nor deleted are named, until a person accepts them; one that is deleted is not (I10)', async () => {
    const here = list(items(20), {
      beforeDetail: ({ address }) => (address === '7' ? gone() : undefined),
    });
    await once(here);
    here.rows.splice(6, 2);
    expect(lastSwept(await once(here))).toMatchObject({ complete: true });
    const told = await once(here);
    expect(lastSwept(told)).toMatchObject({ complete: false, reasons: ['pending'], pending: [7] });
    expect(lastSwept(await once(here, { accepted: [7] }))).toMatchObject({
      complete: true,
      pending: [7],
      accepted: [7],
    });
    expect(ledgerIn(here.kafka, 'alfa', 'items').has(8)).toBe(false);
  });
});

describe('the counts of a sweep', () => {
  test('are of what all scans published since the sweep before, first readings apart (I10)', async () => {
    const here = list(items(20));
    const run = here.start({ rhythm: always, limit: 100 });
    await when(() => run.of('swept').length > 0);
    here.rows.push({ id: 21, content: 'new' });
    const before = run.of('swept').length;
    await when(() => records(here, 'memory.items').length > 20 && run.of('swept').length > before + 1);
    run.stop();
    await run.ended;
    const all = run.told.flatMap((each) => (each.kind === 'swept' ? [each.cursor.counts] : []));
    expect(all[0]).toMatchObject({ created: 20, firstRead: 20 });
    const sum = all.slice(1).reduce(addCounts, NO_COUNTS);
    expect(sum).toMatchObject({ created: 1, firstRead: 0, updated: 0 });
  });
});

describe("values that are not of their field's kind", () => {
  test("are counted by field in each run that publishes them and in the sweep's cursor, and cost no completeness", async () => {
    const here = list([...items(20), { id: 21, content: 'odd secret' }, { id: 22, content: 'odd' }]);
    const inRun = (told: readonly Progress[]) =>
      told.reduce((sum, each) => (each.kind === 'page' ? addMisfits(sum, each.misfits ?? {}) : sum), {});
    const remembered = () =>
      cursorOfScan(here.kafka, { entity: 'alfa', stream: 'items', scan: 'sweep' })?.misfits ?? null;
    const first = await once(here);
    expect([inRun(first), remembered()]).toEqual([{ content: 2 }, { content: 2 }]);
    expect(lastSwept(first)).toMatchObject({ complete: true });
    expect(first.filter(({ kind }) => kind === 'warning')).toHaveLength(1);
    expect([inRun(await once(here)), remembered()]).toEqual([{}, { content: 2 }]);
    here.rows.push({ id: 23, content: 'odd too' });
    const third = await once(here);
    expect([inRun(third), remembered()]).toEqual([{ content: 1 }, { content: 3 }]);
    expect(JSON.stringify(first)).not.toContain('secret');
  });
});

// https://github.com/airbytehq/airbyte/issues/17293: the summary of a run showed its last attempt, which moved nothing.
test('a run whose first attempt committed rows and whose last moved none counts those rows (I10)', async () => {
  const here = list(items(30), {
    before: ({ offset }) => {
      if (offset > 10) throw new FatalError('no list', { reason: 'malformed-answer', parks: 'stream' });
    },
  });
  const told = await once(here, { limit: 10 });
  expect(told.filter(({ kind }) => kind === 'given-up')).toHaveLength(1);
  expect(countsIn(told).created).toBe(here.kafka.records.length);
  expect(here.kafka.records.length).toBeGreaterThan(0);
  expect(lastSwept(told)).toBeUndefined();
});

// https://github.com/imapsync/imapsync/issues/377: a message too large for the other side was in no count.
test('a row that the broker refuses is counted, stands as a dead letter and leaves the sweep incomplete (I10)', async () => {
  const here = list(
    items(9).map((row) => (row.id === 5 ? { ...row, content: 'spoilt' } : row)),
    {
      kafka: {
        fate: ({ records: sent }) =>
          sent.some(({ topic, value }) => topic !== DEAD_LETTERS && value?.includes('spoilt') === true)
            ? 'refused'
            : 'committed',
      },
    },
  );
  const told = await once(here);
  expect(countsIn(told)).toMatchObject({ rows: 9, created: 8, deadLetters: 1 });
  expect(lastSwept(told)).toMatchObject({ complete: false, reasons: ['dead-letters'], deadLetters: [5] });
});

function gone(): never {
  throw new FatalError('expected 200 or 404, got 410', { status: 410, reason: 'unexpected-status', parks: 'stream' });
}
