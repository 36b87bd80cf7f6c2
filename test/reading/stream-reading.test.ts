import { lastValueFrom } from 'rxjs';

import { asking, scopeOf, streamReading, type Reader, type StreamReading } from '../../src/reading/stream-reading';
import { createLastAnswers } from '../../src/reading/stream-trouble';
import { whenAborted } from '../../src/operators/when-aborted';
import { createShard } from '../../src/shard/shard';
import type { Slot } from '../../src/sources/budget';
import { createTurns } from '../../src/turns';
import { createMarks, createMemoryKafka, createMemoryRest, itemStream, memoryShard } from '../support/memory';
import { items } from '../support/scene';

const declaration = itemStream('items', { scoped: true });

/** The reading of one stream, its diary of requests, and the API that it asks. */
async function openReading(answers: 'at once' | 'never' = 'at once') {
  const diary: string[] = [];
  const requestOrder = createMarks();
  const session = await createShard(memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration }])).open();
  const { signal: stop } = new AbortController();
  const reader: Reader = {
    entity: 'alfa',
    nip: null,
    startDate: null,
    endDate: null,
    streams: [declaration],
    deletions: { maxShare: 0, confirm: null },
    rest: createMemoryRest({
      entity: 'alfa',
      rows: () => items(9).map((row) => ({ ...row, date: '2026-03-01' })),
      marks: requestOrder,
      before: () => (answers === 'never' ? new Promise(() => undefined) : undefined),
    }),
  };
  const shard: StreamReading['shard'] = {
    open: () => Promise.resolve(session),
    readers: [reader],
    rhythm: null,
    ksef: null,
    parkMs: () => 1,
    limit: 4,
    credits: 2,
    requestOrder,
    turn: createTurns(),
    twins: { check: () => undefined, identified: () => undefined },
    now: () => Date.parse('2026-03-31T12:00:00.000Z'),
    newId: () => 'hold',
    stop,
    sweeps: { begun: new Map(), reported: new Set(), decided: new Set() },
    pageSizes: new Map(),
    live: new Map(),
    stopping: whenAborted(stop),
  };
  const noted: typeof session = {
    ...session,
    stream: (entity, name) => ({
      ...session.stream(entity, name),
      requested: (mark) => {
        diary.push(`asked at ${mark}`);
        return () => void diary.push('answered');
      },
    }),
  };
  return {
    diary,
    session,
    reading: streamReading({ shard, session: noted, reader, answers: createLastAnswers() }, declaration),
  };
}

test('a stream is read under the names of its entity and its own', async () => {
  const { reading } = await openReading();
  expect(reading.place).toEqual({ entity: 'alfa', stream: 'items' });
});

test('the scope begins 90 days before the first run, which is today where nothing was remembered', async () => {
  const { reading, session } = await openReading();
  expect(scopeOf(reading).from).toBe('2025-12-31');
  await session.remember('alfa', { taxId: null, accountUuid: 'a', firstRun: '2026-03-01' });
  expect(scopeOf(reading).from).toBe('2025-12-01');
});

describe('a request', () => {
  const query = { from: '2026-01-01', to: null, order: 'asc' } as const;

  test('asks for a page of the query, and the session knows of it until it is answered', async () => {
    const { reading, diary } = await openReading();
    const answer = await lastValueFrom(asking(reading, query, null)(4, 4));
    expect(answer.rows).toMatchObject([{ id: 5 }, { id: 6 }, { id: 7 }, { id: 8 }]);
    expect(diary).toEqual(['asked at 1', 'answered']);
  });

  test('uses leave that was got before once', async () => {
    const { reading } = await openReading();
    const { rest } = reading.reader;
    const used: (Slot | undefined)[] = [];
    const list: typeof rest.list = (stream, path, params, offset, limit, how) => {
      used.push(how?.slot);
      return rest.list(stream, path, params, offset, limit, how);
    };
    const slot: Slot = { done: () => undefined };
    const ask = asking({ ...reading, reader: { ...reading.reader, rest: { ...rest, list } } }, query, null, slot);
    await lastValueFrom(ask(0, 4));
    await lastValueFrom(ask(4, 4));
    expect(used).toEqual([slot, undefined]);
  });

  test('that nobody waits for any more counts as answered', async () => {
    const { reading, diary } = await openReading('never');
    const subscription = asking(reading, query, null)(0, 4).subscribe();
    expect(diary).toEqual(['asked at 1']);
    subscription.unsubscribe();
    expect(diary).toEqual(['asked at 1', 'answered']);
  });
});
