import type { ServiceEvent } from '../../src/service/events';
import { observed } from '../../src/service/observe-writer';
import type { ShardOptions } from '../../src/shard/shard-options';
import type { Batch, Outcome } from '../../src/sinks/transaction';

const batch: Batch = {
  state: [
    { key: 'cursor', value: '1' },
    { key: 'gone', value: null },
  ],
  records: [{ topic: 'data', partition: 0, key: Buffer.from('k'), value: Buffer.alloc(500), headers: {} }],
};

function setUp(outcome: Outcome) {
  const events: ServiceEvent[] = [];
  let nowMs = 1_000;
  const closed: string[] = [];
  const options = {
    number: 3,
    openWriter: () =>
      Promise.resolve({
        commit: () => {
          nowMs += 40;
          return Promise.resolve(outcome);
        },
        close: () => Promise.resolve(void closed.push('closed')),
      }),
  } as Pick<ShardOptions, 'number' | 'openWriter'> as ShardOptions;
  const emit = (event: ServiceEvent): void => void events.push(event);
  return { shard: observed(options, { emit, options: { now: () => nowMs } }), events, closed };
}

test.each<Outcome>([
  { kind: 'committed', lastOffsets: new Map() },
  { kind: 'lost', error: new Error('no broker') as never },
])('a transaction that is $kind is told of once it has ended, with its time and size', async (outcome) => {
  const { shard, events, closed } = setUp(outcome);
  const writer = await shard.openWriter();
  expect(await writer.commit(batch)).toBe(outcome);
  expect(events).toEqual([
    { kind: 'commit', shard: 3, outcome: outcome.kind, ms: 40, records: 1, bytes: expect.any(Number) as number },
  ]);
  const [event] = events;
  expect(event?.kind === 'commit' && event.bytes).toBeGreaterThan(500);
  await writer.close();
  expect(closed).toEqual(['closed']);
});

test("a writer that cannot be opened is the shard's own affair", async () => {
  const { events } = setUp({ kind: 'committed', lastOffsets: new Map() });
  const refused = new Error('fenced');
  const options = { number: 3, openWriter: () => Promise.reject(refused) } as unknown as ShardOptions;
  const shard = observed(options, { emit: (event) => void events.push(event), options: { now: () => 0 } });
  await expect(shard.openWriter()).rejects.toBe(refused);
  expect(events).toEqual([]);
});
