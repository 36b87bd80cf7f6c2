import { entityRecordOf, sweepRecordOf, type EntitiesCodec, type SweepsCodec } from '../../src/changes/reports';
import type { Cursor } from '../../src/model';
import { partitionOf } from '../../src/sinks/partition';
import { invoices } from '../../src/sources/streams/invoices';
import { json, originOf, read, topicOf } from '../support/origin';

describe('the record of a finished sweep', () => {
  const cursor: Cursor = {
    number: 3,
    query: { from: '1970-01-02', to: null, order: 'asc' },
    startedAt: '1970-01-01T00:00:00.500Z',
    finishedAt: '1970-01-01T00:00:00.900Z',
    position: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
    totalCount: 9,
    counts: { rows: 8, created: 1, firstRead: 1, updated: 2, republished: 6, deleted: 3, unchanged: 4, deadLetters: 5 },
    sums: { '1970-01 PLN': [8, 100, 0.5], ' ': [1] },
  };
  const completeness = {
    complete: false,
    deadLetters: [7, 8],
    pending: [9],
    unreadable: [],
    accepted: [9],
    hold: 'hold 1',
  };
  const living = { count: 4, sum: '00000000000000ff' };
  const sweeps = (maxMessageBytes?: number): SweepsCodec => ({
    encode: json,
    encodeKey: json,
    topic: topicOf('sweeps', maxMessageBytes),
    withKeysOf() {
      return this;
    },
  });

  test('says what was read, what that came to, and the sums that are exact', () => {
    const record = sweepRecordOf(originOf(), cursor, { sweeps: sweeps(), strays: 6, completeness, living });
    expect(read(record.key)).toEqual({ entity: 'alfa', stream: 'invoices' });
    expect(record.headers).toMatchObject({ id: 'alfa/invoices', op: 'c', scan: 'sweep' });
    const [first = '', second = ''] = invoices.sumFields;
    expect(read(record.value)).toMatchObject({
      number: 3,
      from: 1,
      to: null,
      started_at: 500,
      finished_at: 900,
      rows: 8,
      created: 1,
      updated: 2,
      deleted: 3,
      unchanged: 4,
      dead_letters: 5,
      strays: 6,
      total_count: 9,
      first_read: 1,
      republished: 6,
      complete: false,
      dead_letters_standing: 2,
      pending: 1,
      unreadable: 0,
      accepted: 1,
      hold: 'hold 1',
      living_count: 4,
      fingerprint_sum: '00000000000000ff',
      fingerprint_definition: 23,
      sums: [
        { month: '1970-01', currency: 'PLN', rows: 8, [first]: 100, [second]: null },
        { month: null, currency: null, rows: 1, [first]: 0 },
      ],
    });
    // The same as text, for tables that hold no array of records.
    const { sums, sums_json: text } = read(record.value) as Readonly<Record<string, unknown>>;
    expect(JSON.parse(String(text))).toEqual(sums);
  });

  test('goes without its sums where those do not fit the topic, and without any of a stream that has none', () => {
    const small = sweepRecordOf(originOf(), cursor, { sweeps: sweeps(600), strays: 0, completeness, living });
    expect(read(small.value)).toMatchObject({ sums: null, sums_json: null, rows: 8 });
    const without = originOf({ declaration: { ...invoices, sumFields: [] } });
    expect(
      read(sweepRecordOf(without, cursor, { sweeps: sweeps(), strays: 0, completeness, living }).value),
    ).toMatchObject({
      sums: null,
    });
  });
});

describe('the record of an entity', () => {
  const entities: EntitiesCodec = {
    encode: json,
    encodeKey: json,
    topic: topicOf('entities'),
    withKeysOf() {
      return this;
    },
  };

  test('says whose account it is, and since when that is known', () => {
    const shown = { taxId: '5252248481', name: 'Alfa sp. z o.o.' };
    const record = entityRecordOf(entities, 'alfa', { op: 'c', shown, observedAtMs: 1000 });
    expect(record).toMatchObject({ topic: 'entities', partition: partitionOf('alfa', 6) });
    expect(record.headers).toMatchObject({
      id: 'alfa',
      entity: 'alfa',
      op: 'c',
      observed_at: '1970-01-01T00:00:01.000Z',
    });
    expect([read(record.key), read(record.value)]).toEqual([
      { entity: 'alfa' },
      { entity: 'alfa', observed_at: 1000, tax_id: '5252248481', name: 'Alfa sp. z o.o.' },
    ]);
  });

  test('is a tombstone where the entity is removed', () => {
    expect(entityRecordOf(entities, 'alfa', { op: 'd', shown: null, observedAtMs: 1000 }).value).toBeNull();
  });
});
