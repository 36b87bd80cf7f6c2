import { KafkaJSConnectionError, type Kafka } from 'kafkajs';

import { CoverageWatch } from '../../src/rules/coverage';
import { awaitCoverage, evidenceOf } from '../../src/upkeep/await-coverage';

const record = {
  entity: 'alfa',
  stream: 'invoices',
  number: 4,
  rows: 9,
  started_at: '2026-11-30T09:00:00.000Z',
  finished_at: '2026-11-30T09:01:00.000Z',
  observed_at: '2026-11-30T09:00:59.000Z',
  complete: true,
};

test('the record of a finished sweep is evidence of when it began and whether it is complete', () => {
  expect(evidenceOf(record)).toEqual({
    entity: 'alfa',
    stream: 'invoices',
    number: 4,
    startedAtMs: Date.parse(record.started_at),
    finishedAtMs: Date.parse(record.finished_at),
    complete: true,
    lacks: '',
  });
});

test('what a sweep lacks is said by kind; a record of before there was the field is not taken for complete', () => {
  const lacking = { ...record, complete: false, hold: 'h1', dead_letters_standing: 2, pending: 0, unreadable: 1 };
  expect(evidenceOf(lacking)).toMatchObject({
    complete: false,
    lacks: 'deletions wait for a person (hold h1), 2 dead letters standing, 1 unreadable',
  });
  expect(evidenceOf({ ...record, complete: null })).toMatchObject({
    complete: false,
    lacks: 'its record does not say that it is complete',
  });
});

test.each([null, 'text', {}, { ...record, entity: undefined }, { ...record, started_at: null }])(
  '%j is evidence of nothing',
  (value) => expect(evidenceOf(value)).toBeNull(),
);

test('an outage of Kafka is told and waited for, until the wait itself ends', async () => {
  const stop = new AbortController();
  const down = new KafkaJSConnectionError('connect ECONNREFUSED 127.0.0.1:1', { broker: '127.0.0.1:1' });
  const admin = { connect: () => Promise.reject(down), disconnect: () => Promise.resolve() };
  const topics = {
    kafka: { admin: () => admin } as unknown as Kafka,
    serviceId: 's',
    prefix: 'p',
    stop: stop.signal,
    deadlineMs: 1_000,
    decode: () => null,
  };
  const told: string[] = [];
  const watch = new CoverageWatch({ entity: 'alfa', streams: ['clients'], instantMs: 0 });
  const coverage = await awaitCoverage(
    topics,
    watch,
    (message) => {
      told.push(message);
      if (told.length === 3) stop.abort();
    },
    1,
  );
  expect(coverage).toEqual({ kind: 'waiting', streams: [{ stream: 'clients', kind: 'none' }] });
  expect(told).toHaveLength(3);
  expect(told[0]).toContain('looking at p.sweeps');
});
