import { TransientError } from '../../src/errors';
import type { Row } from '../../src/model';
import { Cautions } from '../../src/shard/caution';
import { Commits } from '../../src/shard/commits';
import { Memory } from '../../src/shard/memory';
import { SessionEnded } from '../../src/shard/session-ended';
import type { PageToCommit } from '../../src/shard/page-changes';
import type { Batch, Outcome } from '../../src/sinks/transaction';
import { walkOf } from '../../src/rules/cursor';
import { createMemoryKafka, cursorIn, idOf, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, pageOf } from '../support/pages';
import { quiet } from '../support/scene';

const committed: Outcome = { kind: 'committed', lastOffsets: new Map() };
const lost = (): Outcome => ({ kind: 'lost', error: new TransientError('the connection was lost') });

/** The commits of one session over a writer whose transactions end when and how the test says. */
function start({ idleCommitMs = 60_000, cautions = new Cautions() } = {}) {
  const options = memoryShard(
    createMemoryKafka(),
    ['items', 'things'].map((name) => ({ entity: 'alfa', declaration: itemStream(name) })),
    { idleCommitMs },
  );
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  for (const stream of ['items', 'things']) memory.streamOf('alfa', stream).walks.set('sweep', walkOf(cursorAtStart()));
  const batches: Batch[] = [];
  const endings: ((outcome: Outcome) => void)[] = [];
  const writer = {
    commit: (batch: Batch) => {
      batches.push(batch);
      return new Promise<Outcome>((resolve) => endings.push(resolve));
    },
    close: () => Promise.resolve(),
  };
  const commits = new Commits({ options, memory, cautions, writer });
  return {
    commits,
    memory,
    batches,
    /** Ends the transaction that is on its way. */
    end: async (outcome: Outcome = committed) => {
      endings.shift()?.(outcome);
      await quiet();
    },
    ids: () => batches.map(({ records }) => records.map(idOf)),
  };
}

const rows = (...ids: number[]): Row[] => ids.map((id) => ({ id, content: `row ${id}` }));
const page = (ids: readonly number[], { stream = 'items', began = 1 } = {}): PageToCommit => ({
  entity: 'alfa',
  stream,
  scan: 'sweep',
  page: pageOf(rows(...ids), { began, ended: began + 1 }),
});

test('what comes while a transaction is on its way goes together into the next', async () => {
  const { commits, end, ids } = start();
  const results = [commits.add(page([1, 2])), commits.add(page([3])), commits.add(page([1], { stream: 'things' }))];
  expect(ids()).toEqual([[1, 2]]);
  await end();
  expect(ids()).toEqual([
    [1, 2],
    [3, 1],
  ]);
  await end();
  expect((await Promise.all(results)).map(({ counts }) => counts.created)).toEqual([2, 1, 1]);
});

test('a page resolves only when its transaction stands (I3)', async () => {
  const { commits, end } = start();
  let durable = false;
  void commits.add(page([1])).then(() => (durable = true));
  await quiet();
  expect(durable).toBe(false);
  await end();
  expect(durable).toBe(true);
});

test('a page that changed nothing resolves at once, and its cursor goes with the next transaction', async () => {
  const { commits, end, batches } = start();
  const first = commits.add(page([1]));
  await end();
  await first;
  const again = await commits.add(page([1], { began: 3 }));
  expect(again.counts).toMatchObject({ unchanged: 1 });
  expect(batches).toHaveLength(1);
  void commits.add(page([1], { stream: 'things' }));
  expect(batches[1] && cursorIn(batches[1], { entity: 'alfa', stream: 'items' })?.counts.rows).toBe(2);
});

test('cursors that only unchanged pages moved make a transaction of their own after a while', async () => {
  const { commits, end, batches } = start({ idleCommitMs: 1 });
  void commits.add(page([1]));
  await end();
  await commits.add(page([1], { began: 3 }));
  while (batches.length < 2) await quiet();
  expect(batches[1]).toMatchObject({ records: [] });
  commits.end(new Error('closed'));
});

test('a transaction that does not go through ends the session: what waits is rejected with that end, whose cause it is', async () => {
  const { commits, memory, end } = start();
  const items = memory.streamOf('alfa', 'items');
  const rejected = [
    commits.add(page([1])),
    commits.add(page([2])),
    commits.write({ entity: 'alfa', stream: 'items', hold: true }, null),
    commits.flush(),
  ].map((each) => expect(each).rejects.toThrow(SessionEnded));
  const failed = expect(commits.failed).rejects.toEqual(new TransientError('the connection was lost'));
  await end(lost());
  await Promise.all([...rejected, failed]);
  expect(commits.hasEnded).toBe(true);
  await expect(commits.add(page([3]))).rejects.toThrow('the connection was lost');
  await expect(commits.write({ entity: 'alfa', account: true }, {})).rejects.toThrow('the connection was lost');
  await expect(commits.remove(items, [])).rejects.toThrow('the connection was lost');
  await expect(commits.flush()).rejects.toThrow('the connection was lost');
  await expect(commits.allPagesCompared(items)).rejects.toMatchObject({
    cause: new TransientError('the connection was lost'),
  });
});

test('the first end counts, and what the transaction on its way becomes is of no interest any more', async () => {
  const { commits, batches, end } = start();
  const rejected = expect(commits.add(page([1]))).rejects.toThrow('closed');
  commits.end(new Error('closed'));
  commits.end(new Error('again'));
  await rejected;
  await end();
  await expect(commits.failed).rejects.toThrow('closed');
  expect(batches).toHaveLength(1);
});

test('a page that cannot be compared ends the session, and waits for nothing', async () => {
  const { commits, memory } = start();
  memory.streamOf('alfa', 'items').walks.clear();
  const failed = expect(commits.failed).rejects.toThrow('before its scan was begun');
  await expect(commits.add(page([1]))).rejects.toThrow('before its scan was begun');
  await failed;
  expect(commits.hasEnded).toBe(true);
});

test('a writer that throws is a bug, and ends the session', async () => {
  const { memory } = start();
  const options = memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration: itemStream('items') }]);
  const writer = { commit: () => Promise.reject(new RangeError('a bug')), close: () => Promise.resolve() };
  const commits = new Commits({ options, memory, cautions: new Cautions(), writer });
  await expect(commits.add(page([1]))).rejects.toMatchObject({ cause: new RangeError('a bug') });
});

test('a stream whose rows do not fit the schema any more is parked, after its dead letters are durable', async () => {
  const { commits, end, batches } = start();
  const bad = Array.from({ length: 5 }, (_, n) => ({ id: n + 1, content: `bad ${n}` }));
  const parked = expect(commits.add({ ...page([]), page: pageOf(bad) })).resolves.toMatchObject({
    counts: { deadLetters: 5 },
    parks: { reason: 'shape-changed' },
  });
  expect(batches[0]?.records).toHaveLength(5);
  await end();
  await parked;
  expect(commits.hasEnded).toBe(false);
});

test('rows that changed are named once their transaction stands, the newest of many, and only once', async () => {
  const { commits, memory, end } = start();
  const items = memory.streamOf('alfa', 'items');
  items.walks.set('sweep', walkOf({ ...cursorAtStart(), number: 2 }));
  const many = (first: number): PageToCommit => page(Array.from({ length: 20 }, (_, n) => first + n));
  void commits.add(many(1));
  expect(commits.takeCommitted(items).changed).toEqual([]);
  await end();
  expect(commits.takeCommitted(items).changed).toHaveLength(20);
  for (const first of [21, 41, 61]) void commits.add(many(first));
  await end();
  await end();
  const { changed } = commits.takeCommitted(items);
  expect(changed).toHaveLength(50);
  expect(changed.at(-1)).toEqual({ id: 80, op: 'c', scan: 'sweep' });
  expect(commits.takeCommitted(items).changed).toEqual([]);
});

test('a removal waits until every page of its stream was compared, and is dropped where one shows the row', async () => {
  const { commits, memory, end, ids } = start();
  const items = memory.streamOf('alfa', 'items');
  void commits.add(page([1, 2, 3]));
  await end();
  void commits.add({ ...page([]), page: pageOf(rows(2), { interval: { after: 0, upTo: 3 }, began: 3, ended: 4 }) });
  await end();
  void commits.add(page([3], { began: 5 }));
  const gone = { missing: 1, ended: 9, released: false };
  const removed = commits.remove(items, [
    { id: 1, ...gone },
    { id: 3, ...gone },
  ]);
  await quiet();
  while (ids().flat().length < 4) await end();
  await end();
  expect(await removed).toBe(1);
  expect(ids().flat()).toEqual([1, 2, 3, 1]);
});

test('a flush commits the cursors that wait, and writes down how far the transaction before it wrote', async () => {
  const { commits, end, batches } = start();
  void commits.add(page([1]));
  await end();
  await commits.add(page([1], { began: 3 }));
  const flushed = commits.flush();
  await end();
  await flushed;
  expect(batches).toHaveLength(2);
  await commits.flush();
  expect(batches).toHaveLength(2);
});

test('after a transaction that missed its deadline the next ones are half as large, and grow again with each that stands', async () => {
  const cautions = new Cautions();
  const many = (first: number): PageToCommit => page(Array.from({ length: 100 }, (_, n) => first + n));
  const sizes = async (outcomes: readonly Outcome[]): Promise<number[]> => {
    const { commits, batches, end } = start({ cautions });
    for (let first = 1; first < 3_000; first += 100) void commits.add(many(first)).catch(() => undefined);
    commits.failed.catch(() => undefined);
    for (const outcome of outcomes) await end(outcome);
    return batches.map(({ records }) => records.length);
  };
  const late: Outcome = { kind: 'lost', error: new TransientError('late'), late: true };
  expect(await sizes([committed, late])).toEqual([100, 1_000]);
  expect(await sizes([committed, late])).toEqual([100, 600]);
  expect(await sizes([committed, lost()])).toEqual([100, 300]);
  expect(await sizes([committed, lost()])).toEqual([100, 300]);
  for (let commit = 0; commit < 60; commit += 1) cautions.growAfterCommit();
  expect(await sizes([committed, lost()])).toEqual([100, 1_000]);
  for (let commit = 0; commit < 60; commit += 1) cautions.shrinkAfterDeadline();
  expect(await sizes([committed, lost()])).toEqual([100, 100]);
});
