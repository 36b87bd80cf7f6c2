import { FatalError, TransientError } from '../../src/errors';
import type { Row, StreamDeclaration } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import type { Rhythm } from '../../src/reading/stream-reading';
import type { OutgoingRecord } from '../../src/sinks/transaction';
import { type DetailAnswer, type Fate, holdIn, idOf, itemStream, ledgerIn, rowOf } from '../support/memory';
import { items, scene, type Scene, type Setting, upTo, when } from '../support/scene';

const place = { entity: 'alfa', stream: 'items' };
const HOUR = 60 * 60 * 1000;
const often = 1;
const always: Rhythm = {
  guarantees: () => ({ newest: often, open: often, recent: often, sweep: often }),
  recentDays: 45,
};

/** One list whose rows the test may change between two sweeps. */
function list(count: number, setting: Omit<Setting, 'rows'> = {}) {
  const rows = items(count);
  return { ...scene({ rows: { alfa: { items: rows } }, ...setting }), rows };
}

type List = ReturnType<typeof list>;

function drop(rows: Row[], ...ids: readonly number[]): void {
  for (const id of ids) {
    rows.splice(
      rows.findIndex((row) => row.id === id),
      1,
    );
  }
}

/** Runs of one sweep each, the options for all of them. */
async function sweeps(here: Scene, count: number, options: Parameters<Scene['start']>[0] = {}) {
  const runs = [];
  for (let sweep = 0; sweep < count; sweep++) {
    const run = here.start(options);
    expect(await run.ended).toBeNull();
    runs.push(run);
  }
  return runs.flatMap(({ told }) => told);
}

const tombstones = ({ kafka }: Scene): number[] => kafka.records.filter(({ value }) => value === null).map(idOf);
const opsOf = ({ kafka }: Scene, id: number): unknown[] =>
  kafka.records.filter((record) => idOf(record) === id).map(({ headers }) => headers['op']);
const missing = ({ kafka }: Scene): number[] => ledgerIn(kafka, 'alfa', 'items').missingSince(Infinity);
const last = ({ kafka }: Scene): OutgoingRecord | undefined => kafka.records.at(-1);

/** Rows deleted, by what was told of that kind. */
const deleted = (told: readonly Progress[], kind: 'page' | 'sweep'): number[] =>
  told
    .flatMap((each) => {
      if (each.kind !== kind) return [];
      return each.kind === 'sweep' ? [each.cursor.counts.deleted] : 'counts' in each ? [each.counts.deleted] : [];
    })
    .filter((count) => count > 0);
const warnings = (told: readonly Progress[]): string[] =>
  told.flatMap((each) => (each.kind === 'warning' ? [each.message] : []));
const control =
  'asking for missing rows one by one: expected a row that is known to be there to be answered with 200, got';

/** Synced, then without these. */
async function after(count: number, gone: readonly number[], setting: Omit<Setting, 'rows'> = {}): Promise<List> {
  const here = list(count, setting);
  await sweeps(here, 1, { limit: 100 });
  drop(here.rows, ...gone);
  return here;
}

describe('a tombstone (I5)', () => {
  test('is published of a row that two sweeps missed and that is answered with 404, once', async () => {
    const here = await after(20, [7]);
    await sweeps(here, 1);
    expect([tombstones(here), missing(here), here.askedAlone]).toEqual([[], [7], []]);
    const told = await sweeps(here, 1);
    expect(tombstones(here)).toEqual([7]);
    expect(last(here)?.headers).toMatchObject({ entity: 'alfa', stream: 'items', op: 'd', scan: 'sweep' });
    expect(deleted(told, 'page')).toEqual([1]);
    expect(told.flatMap((each) => (each.kind === 'page' ? (each.changed ?? []) : []))).toEqual([
      { id: 7, op: 'd', scan: 'sweep' },
    ]);
    await sweeps(here, 2);
    expect(tombstones(here)).toEqual([7]);
    expect(ledgerIn(here.kafka, 'alfa', 'items').has(7)).toBe(false);
  });

  test('counts in the sweep that begins after it', async () => {
    const here = await after(20, [7]);
    await sweeps(here, 2);
    const told = await sweeps(here, 1);
    expect(deleted(told, 'sweep')).toEqual([1]);
  });

  test('is asked for only between two answers that show a row which is known to be there', async () => {
    const here = await after(20, [7, 8]);
    await sweeps(here, 2);
    const addresses = here.askedAlone.map(({ address }) => address);
    expect(addresses).toHaveLength(4);
    expect(addresses.slice(1, 3)).toEqual(['7', '8']);
    for (const control of [addresses[0], addresses[3]])
      expect(here.rows.map(({ id }) => String(id))).toContain(control);
  });

  test('is not published where the API answers 404 for everything', async () => {
    const here = await after(20, [7], { beforeDetail: () => null });
    const told = await sweeps(here, 4);
    expect([tombstones(here), missing(here)]).toEqual([[], [7]]);
    expect(warnings(told)).toEqual([1, 2, 3].map(() => `${control} 404; nothing is deleted`));
  });

  test('is not published where the API begins to answer 404 for everything after the first control', async () => {
    const here = await after(20, [7], { beforeDetail: (_, asked) => (asked > 1 ? null : undefined) });
    await sweeps(here, 2);
    expect([tombstones(here), missing(here)]).toEqual([[], [7]]);
  });

  test.each([1, 2, 3])(
    'is published although %i of the rows that are known to be there answer 404 alone (I5)',
    async (blind) => {
      const gone = new Set<string>();
      const here = await after(20, [7], {
        beforeDetail: ({ address }) => {
          if (address === '7') return undefined;
          if (gone.size < blind) gone.add(address);
          return gone.has(address) ? null : undefined;
        },
      });
      const told = await sweeps(here, 2);
      expect([tombstones(here), warnings(told)]).toEqual([[7], []]);
    },
  );

  test.each([
    ['410', () => refused(410)],
    ['403', () => refused(403)],
    ['500 for ever', () => down()],
    ['another row', () => ({ id: 999, content: 'of another row' })],
  ])(
    'is published although %s is the answer to some of the rows that are known to be there, which parks nothing (I5, I9)',
    async (_, answer) => {
      const broken = new Set<string>();
      const here = await after(20, [7], {
        beforeDetail: ({ address }) => {
          if (address === '7') return undefined;
          if (broken.size < 3) broken.add(address);
          return broken.has(address) ? answer() : undefined;
        },
      });
      const told = await sweeps(here, 2);
      expect([tombstones(here), warnings(told)]).toEqual([[7], []]);
      expect(told.filter(({ kind }) => kind === 'parked')).toEqual([]);
    },
  );

  test('is not published where every row known to be there is refused, which is told and parks nothing (I9)', async () => {
    const here = await after(20, [7], { beforeDetail: () => refused(403) });
    const told = await sweeps(here, 2);
    expect([tombstones(here), missing(here)]).toEqual([[], [7]]);
    expect(warnings(told)).toEqual([`${control} 403; nothing is deleted`]);
    expect(told.filter(({ kind }) => kind === 'parked')).toEqual([]);
  });

  test('is not published where no row is left to compare with', async () => {
    const here = await after(3, [1, 2, 3]);
    const told = await sweeps(here, 4);
    expect([tombstones(here), here.askedAlone]).toEqual([[], []]);
    expect(warnings(told)).toEqual(
      [1, 2, 3].map(() => `${control} none that is known to be there; nothing is deleted`),
    );
  });

  test('is not published of a row without the uuid that would address it', async () => {
    const stream = itemStream('items', { address: 'uuid' });
    const here = list(9, { streams: [stream] });
    for (const [index, row] of here.rows.entries())
      if (row.id !== 7) here.rows[index] = { ...row, uuid: `uuid ${row.id}` };
    await sweeps(here, 1);
    drop(here.rows, 6, 7);
    await sweeps(here, 4);
    expect([tombstones(here), missing(here)]).toEqual([[6], [7]]);
  });

  test.each([
    ['a fault of the server', () => down()],
    ['a refusal', () => refused()],
    ['another row', () => ({ id: 999, content: 'of another row' })],
  ])('is not published where the answer is %s', async (_, answer) => {
    const here = await after(20, [7], { beforeDetail: ({ address }) => (address === '7' ? answer() : undefined) });
    await sweeps(here, 3);
    expect([tombstones(here), missing(here)]).toEqual([[], [7]]);
  });

  test('is not published where the key has come to belong to another account', async () => {
    const account = { taxId: '1111111111', accountUuid: 'a' };
    let asked = 0;
    const here = await after(20, [7], {
      account: () => ((asked += 1) > 3 ? { taxId: '2222222222', accountUuid: 'b' } : account),
    });
    const told = await sweeps(here, 2);
    expect(asked).toBe(4);
    expect(told).toContainEqual(expect.objectContaining({ kind: 'given-up', reason: 'identity-mismatch' }));
    expect([tombstones(here), here.askedAlone]).toEqual([[], []]);
  });

  test('is not published of a row that came back between the two sweeps', async () => {
    const here = await after(20, [7]);
    await sweeps(here, 1);
    here.rows.splice(6, 0, { id: 7, content: 'first 7' });
    await sweeps(here, 1);
    drop(here.rows, 7);
    await sweeps(here, 1);
    expect([tombstones(here), here.askedAlone, missing(here)]).toEqual([[], [], [7]]);
  });

  test('is dropped where a page shows the row between its answer and the commit', async () => {
    let back = false;
    const here = await after(20, [20], {
      beforeDetail: async (_, asked) => {
        // The control after the answer that said 404: until it is given, `newest` sees the row again.
        if (asked < 3 || back) return undefined;
        here.rows.push({ id: 20, content: 'again' });
        back = true;
        await when(() => rowOf(last(here) ?? never())['content'] === 'again');
        return undefined;
      },
    });
    await sweeps(here, 1);
    const run = here.start({ rhythm: always });
    await when(() => back && here.askedAlone.length >= 3 && run.of('sweep').length >= 2);
    run.stop();
    expect(await run.ended).toBeNull();
    expect(tombstones(here)).toEqual([]);
    expect(missing(here)).toEqual([]);
  });

  test('is replaced by nothing older where the row is read by itself while a list shows it newer (I3)', async () => {
    const here = await after(20, [20], {
      beforeDetail: async ({ address }) => {
        if (address !== '20') return undefined;
        here.rows.push({ id: 20, content: 'newer' });
        await when(() => opsOf(here, 20).length >= 2);
        return { id: 20, content: 'older' };
      },
    });
    await sweeps(here, 1);
    const run = here.start({ rhythm: always });
    await when(() => opsOf(here, 20).length >= 2 && run.of('sweep').length >= 3);
    run.stop();
    expect(await run.ended).toBeNull();
    expect(here.kafka.records.filter((record) => idOf(record) === 20).map(rowOf)).toMatchObject([
      { content: 'first 20' },
      { content: 'newer' },
    ]);
  });

  test('is followed by op c when the row comes back', async () => {
    const here = await after(20, [7]);
    await sweeps(here, 2);
    here.rows.splice(6, 0, { id: 7, content: 'first 7' });
    await sweeps(here, 1);
    expect(opsOf(here, 7)).toEqual(['r', 'd', 'c']);
  });

  test.each([['lost'], ['lost-though-committed'], ['fenced']] as const)(
    'whose commit ends as %s is published once',
    async (fate) => {
      let failed = false;
      const here = await after(20, [7], {
        kafka: {
          fate: ({ records }): Fate => {
            if (failed || !records.some(({ value }) => value === null)) return 'committed';
            failed = true;
            return fate;
          },
        },
      });
      await sweeps(here, 4);
      expect([failed, tombstones(here), missing(here)]).toEqual([true, [7], []]);
    },
  );

  test('that a crash came before is published after the next sweep', async () => {
    const here = await after(20, [7], {
      beforeDetail: (_, asked) => (asked === 2 ? new Promise(() => undefined) : undefined),
    });
    await sweeps(here, 1);
    const run = here.start();
    await when(() => here.askedAlone.length === 2);
    run.kill();
    await sweeps(here, 1);
    expect(tombstones(here)).toEqual([7]);
  });
});

describe('a missing row that is there when it is asked for', () => {
  const streams: StreamDeclaration[] = [itemStream('items', { scoped: true })];
  const dated = async (setting: Omit<Setting, 'rows'> = {}): Promise<List> => {
    const here = list(12, { streams, ...setting });
    for (const [index, row] of here.rows.entries()) here.rows[index] = { ...row, date: '2026-03-01' };
    await sweeps(here, 1, { startDate: '2026-01-01' });
    return here;
  };

  test('is published once as u outside the scope and left, until a list shows it again', async () => {
    const here = await dated();
    here.rows[6] = { id: 7, content: 'moved', date: '2025-03-01' };
    await sweeps(here, 5, { startDate: '2026-01-01' });
    expect(opsOf(here, 7)).toEqual(['r', 'u']);
    expect(rowOf(last(here) ?? never())).toMatchObject({ id: 7, content: 'moved', date: '2025-03-01' });
    expect(here.askedAlone.filter(({ address }) => address === '7')).toHaveLength(1);
    expect(missing(here)).toEqual([]);

    here.rows[6] = { id: 7, content: 'back', date: '2026-03-01' };
    await sweeps(here, 1, { startDate: '2026-01-01' });
    expect(opsOf(here, 7)).toEqual(['r', 'u', 'u']);
  });

  test('is marked missing no longer inside the scope, and not published where it did not change', async () => {
    const seven = { id: 7, content: 'first 7', date: '2026-03-01' };
    const here = await dated({ beforeDetail: ({ address }) => (address === '7' ? seven : undefined) });
    drop(here.rows, 7);
    await sweeps(here, 2, { startDate: '2026-01-01' });
    expect(here.askedAlone.map(({ address }) => address)).toContain('7');
    expect([missing(here), opsOf(here, 7)]).toEqual([[], ['r']]);
  });

  test('is not deleted where start_date is later: it is left, without a question and without a record', async () => {
    const here = await dated();
    for (const id of [1, 2, 3]) here.rows[id - 1] = { id, content: `first ${id}`, date: '2026-02-01' };
    await sweeps(here, 1, { startDate: '2026-01-01' });
    const { length } = here.kafka.records;
    await sweeps(here, 4, { startDate: '2026-02-15' });
    expect([here.kafka.records.length, here.askedAlone, missing(here)]).toEqual([length, [], []]);
    expect(ledgerIn(here.kafka, 'alfa', 'items').size).toBe(9);

    // And earlier again, by which older rows come too.
    here.rows.push({ id: 13, content: 'older', date: '2025-12-01' });
    await sweeps(here, 3, { startDate: '2025-11-01' });
    expect(ledgerIn(here.kafka, 'alfa', 'items').size).toBe(13);
    expect(here.kafka.records.slice(length).map((record) => [idOf(record), record.headers['op']])).toEqual([[13, 'c']]);
  });
});

describe('the brake', () => {
  const eleven = upTo(11);

  test('lets ten rows of a short list go, and one in a hundred of a long one', async () => {
    const here = await after(500, upTo(10), {});
    await sweeps(here, 2, { deletions: { maxShare: 0.01, confirm: null } });
    expect(tombstones(here)).toEqual(upTo(10));
  });

  test('holds everything at eleven of 500 rows, and changes go on', async () => {
    const here = await after(500, eleven);
    const deletions = { maxShare: 0.01, confirm: null };
    await sweeps(here, 1, { deletions });
    here.rows[100] = { id: 112, content: 'second 112' };
    const told = await sweeps(here, 1, { deletions, newId: () => 'hold 1' });
    expect([tombstones(here), missing(here)]).toEqual([[], eleven]);
    expect(opsOf(here, 112)).toEqual(['r', 'u']);
    expect(holdIn(here.kafka, place)?.id).toBe('hold 1');
    expect(holdIn(here.kafka, place)?.reason).toContain('"confirm": "hold 1"');
    expect(told).toContainEqual(expect.objectContaining({ kind: 'held', hold: holdIn(here.kafka, place) }));
  });

  test('stays pulled over restarts, and nothing is asked for meanwhile', async () => {
    const here = await after(50, eleven);
    await sweeps(here, 2, { newId: () => 'hold 1' });
    const asked = here.askedAlone.length;
    const told = await sweeps(here, 2, { newId: () => 'hold 2', deletions: { maxShare: 0, confirm: 'hold 2' } });
    expect(told.filter(({ kind }) => kind === 'held')).toMatchObject([
      { hold: { id: 'hold 1' } },
      { hold: { id: 'hold 1' } },
    ]);
    expect([tombstones(here), here.askedAlone.length]).toEqual([[], asked]);
  });

  test('is released by the id of the hold alone, once', async () => {
    const here = await after(50, eleven);
    await sweeps(here, 2, { newId: () => 'hold 1' });
    await sweeps(here, 1, { deletions: { maxShare: 0, confirm: 'hold 1' } });
    expect([tombstones(here), holdIn(here.kafka, place)]).toEqual([eleven, null]);

    drop(here.rows, ...upTo(30).slice(11));
    await sweeps(here, 3, { deletions: { maxShare: 0, confirm: 'hold 1' }, newId: () => 'hold 2' });
    expect([tombstones(here), holdIn(here.kafka, place)?.id]).toEqual([eleven, 'hold 2']);
  });

  test('lets go only what was missing when it was pulled; more than the allowance beside it is held anew', async () => {
    const here = await after(60, eleven);
    await sweeps(here, 2, { newId: () => 'hold 1' });
    drop(here.rows, ...upTo(30).slice(11));
    await sweeps(here, 1);
    await sweeps(here, 1, { deletions: { maxShare: 0, confirm: 'hold 1' }, newId: () => 'hold 2' });
    expect([tombstones(here), missing(here), holdIn(here.kafka, place)?.id]).toEqual([
      eleven,
      upTo(30).slice(11),
      'hold 2',
    ]);
  });

  test('stays pulled where a released row cannot be shown to be gone', async () => {
    let blind = false;
    const here = await after(50, eleven, { beforeDetail: () => (blind ? null : undefined) });
    await sweeps(here, 2, { newId: () => 'hold 1' });
    blind = true;
    await sweeps(here, 1, { deletions: { maxShare: 0, confirm: 'hold 1' } });
    expect([tombstones(here), holdIn(here.kafka, place)?.id]).toEqual([[], 'hold 1']);
  });

  test('counts what several sweeps delete within a day, but not what was released', async () => {
    let nowMs = Date.now();
    const now = (): number => nowMs;
    const here = await after(60, eleven);
    await sweeps(here, 2, { now, newId: () => 'hold 1' });
    await sweeps(here, 1, { now, deletions: { maxShare: 0, confirm: 'hold 1' } });
    drop(here.rows, ...upTo(18).slice(11));
    await sweeps(here, 2, { now });
    expect(tombstones(here)).toEqual(upTo(18));

    drop(here.rows, 19, 20, 21, 22);
    await sweeps(here, 2, { now, newId: () => 'hold 2' });
    expect([tombstones(here), holdIn(here.kafka, place)?.id]).toEqual([upTo(18), 'hold 2']);
    await sweeps(here, 1, { now, deletions: { maxShare: 0, confirm: 'hold 2' } });
    expect(tombstones(here)).toEqual(upTo(22));

    nowMs += 25 * HOUR;
    drop(here.rows, ...upTo(32).slice(22));
    await sweeps(here, 2, { now });
    expect(tombstones(here)).toEqual(upTo(32));
  });

  test('is not pulled by a row that is there after all, also where the day allows no more', async () => {
    let row: Row | null = null;
    const here = await after(2000, upTo(20), {
      beforeDetail: ({ address }) => (address === '21' ? row : undefined),
    });
    const options = { limit: 100, deletions: { maxShare: 0.01, confirm: null } };
    await sweeps(here, 2, options);
    expect(tombstones(here)).toEqual(upTo(20));
    row = here.rows.shift() ?? null;
    await sweeps(here, 2, options);
    expect(here.askedAlone.map(({ address }) => address)).toContain('21');
    expect([holdIn(here.kafka, place), missing(here)]).toEqual([null, []]);
  });

  test('holds where ten thousand rows are deleted at once', async () => {
    const here = await after(10_300, upTo(10_000));
    await sweeps(here, 2, { limit: 100, newId: () => 'hold 1', deletions: { maxShare: 0.01, confirm: null } });
    expect([tombstones(here), holdIn(here.kafka, place)?.id]).toEqual([[], 'hold 1']);
    // The control, and those up to the first that is too many.
    expect(here.askedAlone).toHaveLength(1 + 104);
  });
});

const never = (): never => {
  throw new Error('expected a record, got none');
};
const down = (): never => {
  throw new TransientError('expected 200 or 404, got 500');
};
const refused = (status = 403): never => {
  throw new FatalError(`expected 200 or 404, got ${status}`, { status, reason: 'unexpected-status', parks: 'stream' });
};

describe('a missing row whose own address gives no clear answer', () => {
  const answers: [string, () => DetailAnswer][] = [
    ['410', () => refused(410)],
    ['403', () => refused(403)],
    ['500 for ever', () => down()],
    ['another row', () => ({ id: 999, content: 'of another row' })],
    ['a stub', () => ({ id: 7, deleted: true })],
    ['a stub of nulls', () => ({ id: 7, content: null })],
  ];

  test.each(answers)(
    'stays pending and is told, while the others are deleted and the stream is not parked: %s (I9)',
    async (_, answer) => {
      const here = await after(20, [7, 8, 9], {
        beforeDetail: ({ address }) => (address === '7' ? answer() : undefined),
      });
      const told = await sweeps(here, 3);
      expect([tombstones(here), missing(here)]).toEqual([[8, 9], [7]]);
      expect(told.filter(({ kind }) => kind === 'parked' || kind === 'given-up')).toEqual([]);
      expect(told.filter(({ kind }) => kind === 'pending')).toEqual([
        expect.objectContaining({ id: 7, since: 2 }),
        expect.objectContaining({ id: 7, since: 2 }),
      ]);
      expect(opsOf(here, 7)).toEqual(['r']);
    },
  );

  test('stays pending although the first known row that is asked for instead has the same fault (I9)', async () => {
    let broken: string | undefined;
    const here = await after(20, [7, 8], {
      beforeDetail: ({ address }) => {
        if (address !== '8') broken ??= address;
        return address === '7' || address === broken ? down() : undefined;
      },
    });
    const told = await sweeps(here, 2);
    expect(broken).not.toBe('7');
    expect([tombstones(here), missing(here)]).toEqual([[8], [7]]);
    expect(told.filter(({ kind }) => kind === 'parked')).toEqual([]);
  });

  test('holds up the whole entity where no known row of the stream is answered either', async () => {
    const here = await after(20, [7, 8], { beforeDetail: (_, asked) => (asked > 1 ? down() : undefined) });
    const told = await sweeps(here, 2);
    expect([tombstones(here), missing(here)]).toEqual([[], [7, 8]]);
    expect(told.filter(({ kind }) => kind === 'parked')).toHaveLength(1);
  });
});
