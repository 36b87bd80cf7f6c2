import { createCodecs } from '../../src/service/codecs';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { singleObject } from '../../src/sinks/framing';
import {
  goneStatusOf,
  statusOfRecord,
  statusRecordOf,
  streamOfKey,
  type StreamStatus,
} from '../../src/status/stream-status';
import { START_MS } from '../support/service-events';
import { memoryTopics } from '../support/service';

const { status: codec } = createCodecs({ projections: [], volatileFields: [] }, memoryTopics, singleObject);
const decode = createSingleObjectDecoder();

const full: StreamStatus = {
  entity: 'alfa',
  stream: 'invoices',
  state: 'parked',
  reason: 'unauthorized',
  also: ['stale', 'misfits'],
  sinceMs: START_MS,
  untilMs: START_MS + 60_000,
  sweep: { beganMs: START_MS - 9_000, endedMs: START_MS - 1_000, rows: 7, complete: true },
  completeMs: START_MS - 1_000,
  staleAfterMs: 1_800_000,
  firstSweep: null,
  newestMs: START_MS - 500,
  filters: null,
  toldMs: START_MS,
  owner: 'host-1',
  version: '0.2.0',
  entitySet: 'e1',
};
const bare: StreamStatus = {
  ...full,
  ...{ state: 'first-sweep', reason: null, also: [], untilMs: null, sweep: null, completeMs: null },
  ...{ staleAfterMs: null, newestMs: null, firstSweep: { rows: 3, total: null }, entitySet: null },
};

test.each([
  ['with everything', full],
  ['with nothing that may be absent', bare],
  ['with a first sweep whose length is known', { ...bare, firstSweep: { rows: 3, total: 900 } }],
])('a status %s is in its record, and read back from there', (_what, status) => {
  const { topic, partition, key, value, headers } = statusRecordOf(codec, status);
  expect([topic, partition, headers['entity'], headers['stream']]).toEqual(['memory.status', 0, 'alfa', 'invoices']);
  expect(streamOfKey(decode(key ?? Buffer.alloc(0)))).toEqual({ entity: 'alfa', stream: 'invoices' });
  expect(statusOfRecord(decode(value ?? Buffer.alloc(0)))).toEqual(status);
});

test('a record says what a person is to do', () => {
  const { value } = statusRecordOf(codec, full);
  expect(decode(value ?? Buffer.alloc(0))).toMatchObject({
    to_do: expect.stringContaining('API key') as string,
    also: 'stale,misfits',
    stale_after: 1_800,
  });
});

test('reasons that only a newer program knows are left out, and a state that only a newer one knows is not understood', () => {
  const record = decode(statusRecordOf(codec, full).value ?? Buffer.alloc(0)) as Record<string, unknown>;
  const newer = { ...record, reason: 'on-fire', also: 'stale,flooded' };
  expect(statusOfRecord(newer)).toMatchObject({ state: 'parked', reason: null, also: ['stale'] });
  expect(statusOfRecord({ ...record, state: 'asleep' })).toBeNull();
  expect([statusOfRecord(null), statusOfRecord('x'), statusOfRecord({})]).toEqual([null, null, null]);
});

test.each([[null], ['alfa'], [{ entity: 'alfa' }], [{ entity: 1, stream: 'clients' }]])(
  '%j is the key of no stream',
  (key) => {
    expect(streamOfKey(key)).toBeNull();
  },
);

test('the tombstone of a status goes where its record is', () => {
  const [gone, record] = [goneStatusOf(codec, full, START_MS), statusRecordOf(codec, full)];
  expect([gone.topic, gone.partition, gone.key, gone.value]).toEqual([
    record.topic,
    record.partition,
    record.key,
    null,
  ]);
  expect(gone.headers).toMatchObject({ entity: 'alfa', stream: 'invoices', op: 'd' });
});
