import { lastValueFrom } from 'rxjs';

import { EntryFlag } from '../../src/changes/block';
import { FatalError, TransientError } from '../../src/errors';
import type { Row, ScanName, StreamDeclaration } from '../../src/model';
import { askDetail } from '../../src/reading/read-row';
import type { Rhythm } from '../../src/reading/stream-reading';
import { resync } from '../../src/upkeep/repair';
import { createMarks, createMemoryRest, idOf, itemStream, ledgerIn, memoryShard } from '../support/memory';
import { items, scene, type Scene, type Setting, when } from '../support/scene';

const OFTEN = 1;
const RARELY = 3_600_000;
/** The scan that finds a row no longer open, again and again. */
const openOften: Rhythm = {
  guarantees: () => ({ newest: RARELY, open: OFTEN, recent: RARELY, sweep: RARELY }),
  recentDays: 45,
};
const streams: StreamDeclaration[] = [itemStream('items', { opens: true, scoped: true })];
const published = ({ kafka }: Scene, scan: ScanName): number[] =>
  kafka.records.filter(({ headers }) => headers['scan'] === scan).map(idOf);

/** One list that is read, with all of its rows open and known to be. */
async function opened(limit: number, setting: Pick<Setting, 'before' | 'beforeDetail'> = {}) {
  const rows: Row[] = items(20).map((row) => ({ ...row, date: '2026-02-01' }));
  const here = scene({ rows: { alfa: { items: rows } }, streams, ...setting });
  expect(await here.start({ startDate: '2026-01-01' }).ended).toBeNull();
  const run = here.start({ rhythm: openOften, startDate: '2026-01-01', limit });
  const walks = (): number =>
    here.asked.filter(({ params, offset }) => 'q[closed_null]' in params && offset === 0).length;
  await when(() => walks() > 2);
  return { ...here, rows, run };
}

describe('a row that is read by itself', () => {
  test('is looked for in the list where its rank says, and by its address only where the list does not have it', async () => {
    const here = await opened(4);
    const { run } = here;
    const before = here.asked.length;
    here.rows[9] = { id: 10, content: 'paid', date: '2026-02-01', closed: '2026-02-02' };
    await when(() => published(here, 'spot').length > 0);
    run.stop();
    await run.ended;
    expect(published(here, 'spot')).toEqual([10]);
    const spot = here.asked
      .slice(before)
      .filter(({ params }) => !('q[closed_null]' in params) && params['order'] === 'id asc');
    expect(spot[0]?.offset).toBe(7);
    expect(here.askedAlone).toEqual([]);
  });

  test('is published once more and left where its detail shows it outside the scope', async () => {
    const here = await opened(100);
    const { run } = here;
    here.rows[9] = { id: 10, content: 'moved', date: '2020-02-01' };
    await when(() => published(here, 'spot').length > 0);
    run.stop();
    await run.ended;
    expect(published(here, 'spot')).toEqual([10]);
    expect(here.askedAlone.map(({ address }) => address)).toContain('10');
    const flags = ledgerIn(here.kafka, 'alfa', 'items').entry(10)?.flags ?? 0;
    expect(flags & EntryFlag.LEFT).not.toBe(0);
  });

  test.each([
    ['a stub', () => ({ id: 10, deleted: true })],
    ['410', () => gone()],
  ])('is left to the sweep where the list does not have it and its own address answers with %s', async (_, answer) => {
    const here = await opened(100, { beforeDetail: ({ address }) => (address === '10' ? answer() : undefined) });
    const { run } = here;
    here.rows.splice(9, 1);
    await when(() => here.askedAlone.length > 0);
    const walks = here.asked.length;
    await when(() => here.asked.length > walks + 20);
    run.stop();
    expect(await run.ended).toBeNull();
    expect([published(here, 'spot'), here.askedAlone.length, run.of('parked')]).toEqual([[], 1, []]);
  });
  test.each([
    ['a stub', () => ({ id: 10, deleted: true })],
    ['a stub of nulls', () => ({ id: 10, content: null })],
    ['410', () => gone()],
    ['another row', () => ({ id: 11, content: 'another' })],
  ])(
    'is left to the sweep where its page cannot be had and its own address answers with %s (I6)',
    async (_, answer) => {
      let isDown = false;
      const here = await opened(100, {
        before: ({ params }) => {
          if (isDown && params['order'] === 'id asc' && !('q[closed_null]' in params)) throw badGateway();
        },
        beforeDetail: ({ address }) => (address === '10' ? answer() : undefined),
      });
      const { run } = here;
      isDown = true;
      here.rows.splice(9, 1);
      await when(() => here.askedAlone.length > 0);
      const walks = here.asked.length;
      await when(() => here.asked.length > walks + 20);
      run.stop();
      expect(await run.ended).toBeNull();
      expect([published(here, 'spot'), run.of('parked')]).toEqual([[], []]);
    },
  );
});

describe('a row outside the scope that is to be published again', () => {
  const place = { entity: 'alfa', declaration: streams[0] ?? itemStream('items') };
  const flagsOf = (here: Scene): number => ledgerIn(here.kafka, 'alfa', 'items').entry(2)?.flags ?? 0;

  /** Rows of three days, of which a later start leaves the second out; all are to be published again. */
  async function marked(beforeDetail: Setting['beforeDetail'] = () => undefined) {
    const rows: Row[] = items(3).map((row) => ({ ...row, date: row.id === 2 ? '2025-12-31' : '2026-02-01' }));
    const here = scene({ rows: { alfa: { items: rows } }, streams, beforeDetail });
    for (const startDate of ['all', '2026-01-01']) expect(await here.start({ startDate }).ended).toBeNull();
    await resync(
      {
        entity: 'alfa',
        shard: memoryShard(here.kafka, [place]),
        end: here.kafka.highWatermark(),
        stop: new AbortController().signal,
        againMs: () => 0,
      },
      { streams: ['items'], ids: null, from: null, to: null },
    );
    const sweep = async (): Promise<readonly number[]> => {
      const before = here.kafka.records.length;
      expect(await here.start({ startDate: '2026-01-01' }).ended).toBeNull();
      return here.kafka.records.slice(before).map(idOf);
    };
    return { ...here, rows, sweep };
  }

  test('is read by its address after the next sweep, published once, and outside the scope still', async () => {
    const here = await marked();
    expect(await here.sweep()).toEqual([1, 3, 2]);
    expect(here.kafka.records.at(-1)?.headers).toMatchObject({ op: 'r', scan: 'spot' });
    expect(flagsOf(here) & (EntryFlag.LEFT | EntryFlag.REPUBLISH)).toBe(EntryFlag.LEFT);
    expect(await here.sweep()).toEqual([]);
    expect(here.askedAlone.map(({ address }) => address)).toEqual(['2']);
  });

  test('is not asked for again where the API does not have it any more', async () => {
    const here = await marked();
    here.rows.splice(1, 1);
    expect([await here.sweep(), await here.sweep()]).toEqual([[1, 3], []]);
    expect(here.askedAlone.map(({ address }) => address)).toEqual(['2']);
    expect(flagsOf(here) & (EntryFlag.LEFT | EntryFlag.REPUBLISH)).toBe(EntryFlag.LEFT);
  });

  test.each([
    ['410', () => gone()],
    ['a stub', () => ({ id: 2, deleted: true })],
  ])('is asked for after each sweep while its address answers with %s', async (_, answer) => {
    const answers = [answer, answer];
    const here = await marked(() => answers.shift()?.());
    expect([await here.sweep(), await here.sweep()]).toEqual([[1, 3], []]);
    expect(await here.sweep()).toEqual([2]);
  });
});

function badGateway(): TransientError {
  return new TransientError('expected 200, got 502', { status: 502 });
}

function gone(): never {
  throw new FatalError('expected 200 or 404, got 410', { status: 410, reason: 'unexpected-status', parks: 'stream' });
}

describe('asking for a row by its address', () => {
  const [stream] = streams;
  const ask = (answer: Row | null) => {
    if (stream === undefined) throw new Error('expected a stream, got none');
    const rest = createMemoryRest({
      entity: 'alfa',
      rows: () => [],
      marks: createMarks(),
      beforeDetail: () => answer,
    });
    return lastValueFrom(askDetail(rest, stream, { id: 7, address: '7' }));
  };

  test('gives the row, or that there is none', async () => {
    expect(await ask({ id: 7, content: 'here' })).toMatchObject({ status: 200, row: { id: 7 } });
    expect(await ask(null)).toMatchObject({ status: 404 });
  });

  test('parks the stream where the answer is another row', async () => {
    await expect(ask({ id: 8 })).rejects.toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
  });
});
