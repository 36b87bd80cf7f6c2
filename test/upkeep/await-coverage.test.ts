import { evidenceOf } from '../../src/upkeep/await-coverage';

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
