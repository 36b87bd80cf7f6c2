import { createShard } from '../../src/shard/shard';
import type { Batch } from '../../src/sinks/transaction';
import { parseStateValue } from '../../src/state/state-topic';
import {
  cursorIn,
  DEAD_LETTERS,
  type Fate,
  idOf,
  itemStream,
  memoryShard,
  rowOf,
  stateOf,
  topicOf,
} from '../support/memory';
import { idsOn, items, sweepsEvery, quiet, scene, type Scene, upTo, when } from '../support/scene';

const never = (): Promise<never> => new Promise(() => undefined);

function lastCursor({ kafka }: Scene, stream: string) {
  const value = stateOf(kafka).findLast(({ key }) => 'scan' in key && key.stream === stream)?.value;
  return parseStateValue('scan', value ?? Buffer.from('null'));
}

describe('sweeps', () => {
  test('a run goes on with a half sweep and asks only for its rest', async () => {
    const here = scene({ rows: { alfa: { items: items(20) } } });
    const first = here.start();
    await when(() => first.of('page').length >= 2);
    first.kill();
    await quiet();
    const reached = lastCursor(here, 'items').position.offset;
    const before = here.asked.length;
    expect(reached).toBeGreaterThan(0);

    const second = here.start();
    expect(await second.ended).toBeNull();
    expect(here.asked[before]?.offset).toBe(reached);
    expect(second.told.at(-1)).toMatchObject({
      kind: 'swept',
      cursor: { number: 1, counts: { rows: 20, created: 20 } },
    });
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(20));
  });

  test('the sweep after a complete one has the next number, and publishes only what changed since', async () => {
    const rows = items(10);
    const here = scene({ rows: { alfa: { items: rows } } });
    expect(await here.start().ended).toBeNull();
    rows[4] = { id: 5, content: 'second' };

    const second = here.start();
    expect(await second.ended).toBeNull();
    expect(second.told.at(-1)).toMatchObject({
      kind: 'swept',
      cursor: { number: 2, counts: { rows: 10, updated: 1 } },
    });
    expect(idsOn(here, topicOf('items'))).toEqual([...upTo(10), 5]);
    expect(here.kafka.records.map(({ headers }) => headers['op'])).toEqual([...upTo(10).map(() => 'r'), 'u']);
  });

  test('a half sweep of another query is begun again under the same number', async () => {
    const dated = items(20).map((row) => ({ ...row, date: row.id % 2 === 0 ? '2026-02-01' : '2025-02-01' }));
    const here = scene({ rows: { alfa: { items: dated } }, streams: [itemStream('items', { scoped: true })] });
    const first = here.start({ startDate: '2026-01-01' });
    await when(() => first.of('page').length >= 2);
    first.kill();
    await quiet();
    const before = here.asked.length;

    const second = here.start({ startDate: '2025-01-01' });
    expect(await second.ended).toBeNull();
    expect(here.asked[before]).toMatchObject({ offset: 0, params: { 'q[date_gteq]': '2025-01-01' } });
    expect(second.told.at(-1)).toMatchObject({ kind: 'swept', cursor: { number: 1, counts: { rows: 20 } } });
    expect(idsOn(here, topicOf('items')).toSorted((a, b) => a - b)).toEqual(upTo(20));
  });

  test('a sweep whose last commit seemed lost but stands is complete, and not read a second time', async () => {
    const ends: Batch[] = [];
    const here = scene({
      rows: { alfa: { items: items(10) } },
      kafka: {
        fate: (batch) => {
          const finished = cursorIn(batch, { entity: 'alfa', stream: 'items' })?.finishedAt ?? null;
          if (finished === null) return 'committed';
          ends.push(batch);
          return 'lost-though-committed';
        },
      },
    });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(ends).toHaveLength(1);
    expect(run.told.filter(({ kind }) => kind === 'sweep')).toMatchObject([{ cursor: { number: 1 } }]);
    expect(here.asked.map(({ offset }) => offset)).toEqual([0, 3, 6, 9]);
  });

  test('sweeps follow each other until the pipeline is stopped, which no waiting delays', async () => {
    const here = scene({ rows: { alfa: { items: items(5) } } });
    const run = here.start({ rhythm: sweepsEvery(1) });
    await when(() => run.of('sweep').length >= 3);
    run.stop();
    expect(await run.ended).toBeNull();
    expect(idsOn(here, topicOf('items')).toSorted((a, b) => a - b)).toEqual(upTo(5));

    const [asked, written] = [here.asked.length, here.kafka.state.length];
    const slow = here.start({ rhythm: sweepsEvery(3_600_000) });
    await when(() => here.kafka.state.length > written);
    slow.stop();
    expect(await slow.ended).toBeNull();
    expect(here.asked.length).toBe(asked);
  });
});

describe('stopping', () => {
  test('a stop in mid-sweep ends the run with the cursor of its unchanged pages committed', async () => {
    const here = scene({ rows: { alfa: { items: items(40) } } });
    expect(await here.start().ended).toBeNull();
    const before = here.kafka.state.length;

    const second = here.start();
    await when(() => second.of('page').length >= 3);
    second.stop();
    expect(await second.ended).toBeNull();
    const pages = second.of('page').length;
    expect(pages).toBeLessThan(13);
    expect(lastCursor(here, 'items')).toMatchObject({ number: 2, finishedAt: null, position: { offset: 3 * pages } });
    // The session marker and one commit with the cursor.
    expect(here.kafka.state.length - before).toBeLessThanOrEqual(3);
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(40));
  });

  test('a cursor that only unchanged pages moved is committed after a while, without a record', async () => {
    const asked = { second: 0 };
    const here = scene({
      rows: { alfa: { items: items(40) } },
      before: () => {
        if (asked.second === 0) return undefined;
        asked.second += 1;
        return asked.second > 4 ? never() : undefined;
      },
    });
    expect(await here.start().ended).toBeNull();
    asked.second = 1;
    const second = here.start({ idleCommitMs: 5 });
    await when(() => lastCursor(here, 'items').number === 2 && lastCursor(here, 'items').position.offset === 9);
    second.kill();
    expect(here.kafka.records).toHaveLength(40);
  });

  test('I4: a shard that is given up while it is being opened is told so', () => {
    const signals: AbortSignal[] = [];
    const run = scene({ rows: { alfa: { items: items(1) } } }).start({
      open: (wanted) => {
        signals.push(wanted);
        return new Promise(() => undefined);
      },
    });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    run.kill();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test('a session that opens only after everybody left is closed', async () => {
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const here = scene({ rows: { alfa: { items: items(1) } } });
    let closed = false;
    const shard = createShard(memoryShard(here.kafka, [{ entity: 'alfa', declaration: itemStream('items') }]));
    const run = here.start({
      open: async () => {
        await opened;
        const session = await shard.open();
        return {
          ...session,
          close: async () => {
            await session.close();
            closed = true;
          },
        };
      },
    });
    run.kill();
    open();
    await when(() => closed);
    expect(here.asked).toEqual([]);
  });
});

test('an entity that is remembered while another fills the shard without a pause waits for its own transaction only (I9)', async () => {
  let asked = 0;
  let release: () => void = () => undefined;
  const late = new Promise<void>((resolve) => {
    release = resolve;
  });
  const here = scene({
    rows: { alfa: { items: items(400) }, beta: { items: items(3) } },
    // Beta's account is answered when alfa is in the middle of its rows.
    account: async () => {
      if (asked++ === 1) await late;
      return { taxId: null, accountUuid: `account ${asked}` };
    },
    before: (_, requests) => {
      if (requests === 10) release();
    },
  });
  const run = here.start();
  expect(await run.ended).toBeNull();
  expect(run.of('sweep')).toEqual(['beta items', 'alfa items']);
});

describe('commits that fail', () => {
  const oddRows = async ({ records }: Batch): Promise<Fate> => {
    if (!records.some((record) => record.topic === topicOf('items') && rowOf(record)['content'] === 'too odd')) {
      return 'committed';
    }
    // Further pages are read meanwhile.
    await quiet();
    return 'refused';
  };

  test('a row that the broker refuses is set aside alone, and its neighbours are published', async () => {
    const rows = items(40).map((row) => (row.id === 6 ? { ...row, content: 'too odd' } : row));
    const here = scene({ rows: { alfa: { items: rows, things: items(12) } }, kafka: { fate: oddRows } });
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(40).filter((id) => id !== 6));
    expect(idsOn(here, DEAD_LETTERS)).toEqual([6]);
    expect(idsOn(here, topicOf('things'))).toEqual(upTo(12));
    const last = run.told.filter(({ kind, stream }) => kind === 'sweep' && stream === 'items');
    expect(last).toMatchObject([{ cursor: { counts: { rows: 40, deadLetters: 1 } } }]);
  });

  test('a row that changed after the broker refused it alone is published, and is no dead letter', async () => {
    const rows = items(40).map((row) => (row.id === 6 ? { ...row, content: 'too odd' } : row));
    const fate = async (batch: Batch): Promise<Fate> => {
      const ending = await oddRows(batch);
      if (ending === 'refused' && batch.records.length === 1) rows[5] = { id: 6, content: 'mended' };
      return ending;
    };
    const here = scene({ rows: { alfa: { items: rows } }, kafka: { fate } });
    expect(await here.start().ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(40));
    expect(idsOn(here, DEAD_LETTERS)).toEqual([]);
  });

  test('a refused row is found although the pages after it change nothing', async () => {
    const rows = items(800);
    const here = scene({ rows: { alfa: { items: rows } }, kafka: { fate: oddRows } });
    expect(await here.start().ended).toBeNull();
    rows[2] = { id: 3, content: 'too odd' };

    const second = here.start();
    await when(() => second.of('sweep').length > 0);
    expect(await second.ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(800));
    expect(idsOn(here, DEAD_LETTERS)).toEqual([3]);
  });

  test('deletions that a lost commit took with it are published by the same run (I5)', async () => {
    const rows = { alfa: { items: items(5) } };
    let losses = 0;
    const fate = ({ records }: Batch): Fate =>
      records.some(({ value }) => value === null) && losses++ < 2 ? 'lost' : 'committed';
    const here = scene({ rows, kafka: { fate } });
    expect(await here.start().ended).toBeNull();
    rows.alfa.items.splice(2, 1);
    expect(await here.start().ended).toBeNull();
    const run = here.start();
    expect(await run.ended).toBeNull();
    expect(losses).toBe(3);
    expect(here.kafka.records.filter(({ value }) => value === null).map(idOf)).toEqual([3]);
    expect(run.of('sweep')).toEqual(['alfa items']);
  });

  test('what a writer throws is a bug: the pipeline ends with it', async () => {
    const here = scene({
      rows: { alfa: { items: items(3) } },
      kafka: {
        fate: ({ records }) => {
          if (records.length > 0) throw new RangeError('a bug');
          return 'committed';
        },
      },
    });
    expect(await here.start().ended).toEqual(new RangeError('a bug'));
  });
});

describe('restoring', () => {
  test('a shard whose first transaction never stood is taken for the new one that it is', async () => {
    let commits = 0;
    const here = scene({
      rows: { alfa: { items: items(3) } },
      kafka: { fate: () => ((commits += 1) === 1 ? 'lost' : 'committed') },
    });
    const first = here.start();
    await when(() => commits === 1);
    first.kill();
    expect(here.kafka.highWatermark()).toBeGreaterThan(0);

    expect(await here.start().ended).toBeNull();
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(3));
  });

  test('a restore that broke off is done again from its beginning', async () => {
    const breaking = { at: Infinity };
    const here = scene({
      rows: { alfa: { items: items(10) } },
      kafka: {
        breaksRead: () => {
          breaking.at -= 1;
          return breaking.at === 0;
        },
      },
    });
    expect(await here.start().ended).toBeNull();
    const { length } = here.kafka.state;
    for (let at = 1; at <= length; at++) {
      breaking.at = at;
      expect(await here.start().ended).toBeNull();
    }
    expect(idsOn(here, topicOf('items'))).toEqual(upTo(10));
  });
});
