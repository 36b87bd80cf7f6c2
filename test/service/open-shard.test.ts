import type { RequestAttempt } from '../../src/sources/rest';
import { createCodecs } from '../../src/service/codecs';
import { readerOf, shardOptions } from '../../src/service/open-shard';
import { singleObject } from '../../src/sinks/framing';
import { clients } from '../../src/sources/streams/clients';
import { createMemoryRest } from '../support/memory';
import { impatient } from '../support/once';
import { entityOf, memoryTopics } from '../support/service';

const codecs = createCodecs({ projections: [], volatileFields: [] }, memoryTopics, singleObject);
const partition = (number: number) => ({
  openWriter: () => Promise.reject(new Error(`no writer of shard ${number}`)),
  read: () => Promise.resolve(),
  verifyLayout: () => Promise.resolve(),
});

test('a shard has each configured stream of each of its entities, all of one stream by the same codec', () => {
  const setting = {
    options: { patience: impatient, now: () => 0 },
    serviceId: 'memory',
    topics: memoryTopics,
    codecs,
    partition,
  };
  const { streams, number, idleCommitMs, stateTopic } = shardOptions(setting, 3, [
    { id: 'alfa', streams: ['clients', 'invoices'] },
    { id: 'beta', streams: ['clients'] },
  ]);
  expect({ number, idleCommitMs, stateTopic }).toEqual({ number: 3, idleCommitMs: 100, stateTopic: 'memory.state' });
  expect(streams.map(({ entity, codec }) => `${entity} ${codec.declaration.name}`)).toEqual([
    'alfa clients',
    'alfa invoices',
    'beta clients',
  ]);
  expect(streams[0]?.codec).toBe(streams[2]?.codec);
});

test('an entity is read by its own way to the API, and only the streams that it is configured with', () => {
  const rest = createMemoryRest({ entity: 'alfa', rows: () => [], marks: { next: () => 0 } });
  const attempt = { entity: 'alfa', stream: 'clients', attempt: 1, after: null, waitedMs: 7 } as const;
  const allowance = { used: 3, limit: 290 };
  const of = jest.fn((_entity: unknown, onAttempt?: (attempt: RequestAttempt) => void) => {
    onAttempt?.({ ...attempt, status: 200 });
    return rest;
  });
  const events: unknown[] = [];
  const entity = { ...entityOf('alfa'), streams: ['clients'], nip: '1111111111' };
  const reader = readerOf(
    { api: { of, setShare: () => undefined, allowance: () => allowance }, emit: (event) => events.push(event) },
    entity,
  );
  expect(reader).toMatchObject({ entity: 'alfa', nip: '1111111111', streams: [clients], rest });
  expect(of.mock.calls[0]?.[0]).toBe(entity);
  expect(events).toEqual([{ kind: 'request', ...attempt, status: 200, allowance }]);
});
