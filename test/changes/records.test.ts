import { createHash } from 'node:crypto';

import { RecordError } from '../../src/errors';
import {
  deadLetterOf,
  lineRecordsOf,
  recordsOf,
  tombstonesOf,
  type LinesCodec,
  type Publication,
} from '../../src/changes/records';
import { partitionOf } from '../../src/sinks/partition';
import { json, originOf, read, topicOf } from '../support/origin';

const lines = (topic = topicOf('lines')): LinesCodec => ({
  name: 'invoice-lines',
  field: 'services',
  count: ({ services }) => (Array.isArray(services) ? services.length : 0),
  of: ({ services }) => services as Readonly<Record<string, unknown>>[],
  encode: json,
  encodeKey: json,
  topic,
});

const publication = (services: readonly object[] = [], changes: Partial<Publication> = {}): Publication => ({
  row: { id: 7, services },
  op: 'u',
  fingerprint: '0000000000000007',
  linesBefore: 0,
  ...changes,
});

describe('the records of a row', () => {
  test('are one where lines are not published, keyed and placed by entity and id, its headers saying where it comes from', () => {
    expect(recordsOf(originOf(), publication())).toEqual([
      {
        topic: 'invoices',
        partition: partitionOf('alfa/7', 6),
        key: json({ entity: 'alfa', id: 7 }),
        value: json({
          id: 7,
          services: [],
          observed_at: 1000,
          fingerprint: '0000000000000007',
          fingerprint_definition: 23,
        }),
        headers: {
          id: 'alfa/7',
          entity: 'alfa',
          stream: 'invoices',
          op: 'u',
          scan: 'open',
          observed_at: '1970-01-01T00:00:01.000Z',
          fingerprint: '0000000000000007',
        },
      },
    ]);
  });

  test('end with those of its lines: known ones keep the op, new ones are c, those that are gone are tombstones', () => {
    const origin = originOf({ lines: lines() });
    const shown = (records: ReturnType<typeof recordsOf>) =>
      records.map(({ topic, value, headers }) => [topic, value === null ? null : 'value', headers['op']]);
    expect(shown(recordsOf(origin, publication([{ a: 1 }, { a: 2 }], { linesBefore: 1 })))).toEqual([
      ['invoices', 'value', 'u'],
      ['lines', 'value', 'u'],
      ['lines', 'value', 'c'],
    ]);
    expect(shown(lineRecordsOf(origin, lines(), publication([{ a: 1 }], { op: 'r', linesBefore: 3 })))).toEqual([
      ['lines', 'value', 'r'],
      ['lines', null, 'd'],
      ['lines', null, 'd'],
    ]);
  });

  test('number lines from 1 and place them with their invoice', () => {
    const [, first, second] = recordsOf(originOf({ lines: lines() }), publication([{ a: 1 }], { linesBefore: 2 }));
    expect(read(first?.key)).toEqual({ entity: 'alfa', invoice_id: 7, line_no: 1 });
    expect(read(first?.value)).toEqual({
      a: 1,
      entity: 'alfa',
      invoice_id: 7,
      line_no: 1,
      observed_at: 1000,
      fingerprint: '0000000000000007',
      fingerprint_definition: 23,
    });
    expect(read(second?.key)).toEqual({ entity: 'alfa', invoice_id: 7, line_no: 2 });
    expect([first?.partition, second?.partition]).toEqual([partitionOf('alfa/7', 6), partitionOf('alfa/7', 6)]);
  });

  test('are refused where one is larger than its topic takes', () => {
    const row = recordsOf.bind(null, originOf({ topic: topicOf('invoices', 200) }), publication());
    const line = recordsOf.bind(null, originOf({ lines: lines(topicOf('lines', 200)) }), publication([{}]));
    expect(row).toThrow(RecordError);
    expect(row).toThrow(/^publishing invoices 7 of alfa: expected at most 200 bytes \(max.message.bytes of invoices\)/);
    expect(line).toThrow(/^publishing invoice-lines 7, line 1 of alfa: expected at most 200 bytes/);
  });

  test('are refused where a row has more lines than the ledger can count', () => {
    const many = new Array<object>(65_536).fill({});
    expect(() => lineRecordsOf(originOf(), lines(), publication(many))).toThrow(/at most 65535 lines, got 65536/);
  });
});

test('a deleted row is a tombstone, followed by those of its lines where their topic exists', () => {
  const gone = { id: 7, fingerprint: 'f', lines: 2 };
  const tombstone = { topic: 'invoices', key: json({ entity: 'alfa', id: 7 }), value: null, headers: { op: 'd' } };
  expect(tombstonesOf(originOf(), gone)).toMatchObject([tombstone]);
  expect(tombstonesOf(originOf({ formerLines: lines() }), gone)).toMatchObject([
    tombstone,
    { topic: 'lines', value: null },
    { topic: 'lines', value: null },
  ]);
});

describe('a dead letter', () => {
  const error = new RecordError('normalise number: expected a text, got an object', { path: 'number', entity: 'alfa' });
  const letters = topicOf('dead-letters', 5_000);

  test('is the row, raw, keyed and placed as its record would be, with the cause', () => {
    const letter = deadLetterOf(
      originOf(),
      { id: 7, number: {} },
      { id: 7, error, fingerprint: 'f', op: 'u' },
      letters,
    );
    expect(letter).toMatchObject({ topic: 'dead-letters', partition: partitionOf('alfa/7', 6) });
    expect([read(letter.key), read(letter.value)]).toEqual([
      { entity: 'alfa', id: 7 },
      { id: 7, number: {} },
    ]);
    expect(letter.headers).toMatchObject({ op: 'u', error: error.message, error_path: 'number' });
    expect(letter.headers).not.toHaveProperty('cut_from_bytes');
  });

  test('of a row without id has no key', () => {
    const letter = deadLetterOf(originOf(), 'text', { id: null, error, fingerprint: 'f', op: 'c' }, letters);
    expect([letter.key, letter.partition]).toEqual([null, partitionOf('alfa/f', 6)]);
  });

  test('that is too large is cut, and says its whole size and hash', () => {
    const row = { id: 7, number: 'x'.repeat(2_000) };
    const whole = json(row);
    const { value, headers } = deadLetterOf(originOf(), row, { id: 7, error, fingerprint: 'f', op: 'u' }, letters);
    expect(value).toEqual(whole.subarray(0, 5_000 - 4_096));
    expect(headers).toMatchObject({
      cut_from_bytes: String(whole.length),
      sha256: createHash('sha256').update(whole).digest('hex'),
    });
  });
});

test('every record says in its header `id` what it is about, tombstones and dead letters too, but for a row without id', () => {
  const ids = (records: readonly { readonly headers: Readonly<Record<string, string>> }[]) =>
    records.map(({ headers }) => headers['id']);
  const withLines = originOf({ lines: lines(), formerLines: lines() });
  expect(ids(recordsOf(withLines, publication([{ a: 1 }], { linesBefore: 2 })))).toEqual([
    'alfa/7',
    'alfa/7/1',
    'alfa/7/2',
  ]);
  expect(ids(tombstonesOf(withLines, { id: 9, fingerprint: 'f', lines: 1 }))).toEqual(['alfa/9', 'alfa/9/1']);
  const error = new RecordError('no', { path: '' });
  const letterOf = (id: number | null) =>
    deadLetterOf(originOf(), {}, { id, error, fingerprint: 'f', op: 'r' }, topicOf('letters'));
  expect(ids([letterOf(7), letterOf(null)])).toEqual(['alfa/7', undefined]);
});
