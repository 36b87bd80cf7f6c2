import fc from 'fast-check';

import { createDecoder } from '../../src/changes/decode';
import {
  changedByDayMs,
  concernsKsef,
  isFollowedByDay,
  ksefRowOf,
  nextReadMs,
  READ_AFTER_MS,
  shownOfKsef,
  standingOf,
  type Followed,
} from '../../src/rules/ksef';
import { loadSchema } from '../../src/sinks/avro';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NUMBER = '5252344078-20260403-0A1B2C3D4E5F-6A';

const detail = (data: unknown, more = {}) => ({ id: 7, uuid: 'u-7', number: '1/04/2026', ksef_data: data, ...more });
const cleared = {
  request_uuid: 'r-1',
  invoice_uuid: 'u-7',
  invoice_kind: 'vat',
  ksef_number: NUMBER,
  status: 'success',
  status_description: 'Faktura została przetworzona.',
  timestamps: { request_created_at: '2026-04-03 16:00:00 +0200', request_finished_at: '2026-04-03 16:01:30 +0200' },
};

test('a detail is published as a record with every value of its data of KSeF', () => {
  const row = ksefRowOf('invoices', detail(cleared), 'detail');
  const { record, misfits } = createDecoder(loadSchema('ksef'))(row, 'alfa', 5);
  expect(misfits).toEqual([]);
  expect(record).toEqual({
    entity: 'alfa',
    stream: 'invoices',
    id: 7,
    observed_at: 5,
    uuid: 'u-7',
    number: '1/04/2026',
    ksef_number: NUMBER,
    status: 'success',
    status_description: 'Faktura została przetworzona.',
    request_uuid: 'r-1',
    requested_at: Date.parse('2026-04-03T14:00:00Z'),
    finished_at: Date.parse('2026-04-03T14:01:30Z'),
    invoice_uuid: 'u-7',
    invoice_kind: 'vat',
    read_from: 'detail',
    extra: null,
    fingerprint: null,
    fingerprint_definition: null,
  });
});

test.each([
  ['no data', null],
  ['nothing at all', undefined],
  ['an empty object', {}],
])('a detail with %s says nothing of KSeF, and is open', (_name, data) => {
  const row = ksefRowOf('invoices', detail(data), 'detail');
  const { record } = createDecoder(loadSchema('ksef'))(row, 'alfa', 5);
  expect(record).toMatchObject({ uuid: 'u-7', ksef_number: null, status: null, requested_at: null, extra: null });
  expect(standingOf(row)).toBe('open');
});

test('what the data of KSeF holds besides, or is instead, is kept', () => {
  const decode = createDecoder(loadSchema('ksef'));
  const extraOf = (data: unknown): unknown => {
    const { extra } = decode(ksefRowOf('invoices', detail(data), 'detail'), 'alfa', 5).record;
    return typeof extra === 'string' ? JSON.parse(extra) : extra;
  };
  expect(extraOf({ ...cleared, mode: 'offline24', id: 3, timestamps: { sent_at: 'x' } })).toEqual({
    'ksef_data.id': 3,
    'ksef_data.mode': 'offline24',
    'ksef_data.timestamps.sent_at': 'x',
  });
  expect(extraOf('wysłano')).toEqual({ ksef_data: 'wysłano' });
  expect(extraOf({ timestamps: ['a'] })).toEqual({ 'ksef_data.timestamps': ['a'] });
});

test.each(['5252344078-20260403-0A1B2C-3D4E5F-6A', 'whatever inFakt calls a number'])(
  'the number %s is taken byte for byte',
  (number) => {
    expect(ksefRowOf('invoices', detail({ ...cleared, ksef_number: number }), 'detail')['ksef_number']).toBe(number);
  },
);

test('a number that the document itself shows stands in for one that its data of KSeF lacks', () => {
  for (const data of [null, { ...cleared, ksef_number: null }, { ...cleared, ksef_number: '' }])
    expect(ksefRowOf('invoices', detail(data, { ksef_number: NUMBER }), 'detail')['ksef_number']).toBe(NUMBER);
});

test.each([
  [{ ksef_number: NUMBER, status: 'success' }, 'cleared'],
  [{ ksef_number: NUMBER, status: 'error' }, 'cleared'],
  [{ ksef_number: NUMBER, status: 'a status of next year' }, 'cleared'],
  [{ ksef_number: NUMBER, status: null }, 'cleared'],
  // Refused as a duplicate and taken after all: CIRFMF/ksef-api#786.
  [{ ksef_number: null, status: 'error' }, 'open'],
  [{ ksef_number: '', status: 'rejected' }, 'open'],
  // The number of a sending that was taken for the document's: CIRFMF/ksef-api#410.
  [{ ksef_number: '20260301-EE-3177A16000-AF8B57869F-0D', status: 'pending' }, 'open'],
  [{ ksef_number: '20260301-EE-3177A16000-AF8B57869F-0D', status: 'sent' }, 'open'],
  [{ ksef_number: null, status: 'success' }, 'open'],
  [{ ksef_number: null, status: 'a status of next year' }, 'open'],
])('a document with %j is %s', (fields, standing) => {
  expect(standingOf({ id: 1, ...fields })).toBe(standing);
});

test.each([
  ['whole', { ksef_data: cleared }],
  ['whole', { uuid: 'u-7', ksef_number: NUMBER, ksef_data: cleared }],
  ['whole', { ksef_number: null, ksef_data: { status: 'pending' } }],
  ['whole', { ksef_number: NUMBER, ksef_data: { status: 'success' } }],
  ['number', { ksef_number: NUMBER }],
  ['number', { ksef_number: NUMBER, ksef_data: null }],
  ['number', { ksef_number: NUMBER, ksef_data: { status: null } }],
  ['nothing', { ksef_number: null, ksef_data: null }],
  ['nothing', { ksef_data: {} }],
  ['absent', {}],
  ['absent', { ksef_number: null }],
  ['absent', { ksef_number: '' }],
  ['odd', { ksef_number: 'another', ksef_data: cleared }],
  ['odd', { uuid: 'u-8', ksef_data: cleared }],
  ['odd', { ksef_data: 'success' }],
])('what a list shows of KSeF is %s in %j', (shown, fields) => {
  expect(shownOfKsef({ id: 7, ...fields })).toBe(shown);
});

test('a state is the same wherever it was read, and says where', () => {
  expect(ksefRowOf('invoices', detail(cleared), 'list')).toEqual({
    ...ksefRowOf('invoices', detail(cleared), 'detail'),
    read_from: 'list',
  });
});

test('a document whose day alone is known is followed for thirty days', () => {
  const now = Date.parse('2026-04-03T12:00:00Z');
  const days = ['2026-03-05', '2026-03-04', '2026-03-03', '2026-04-03'];
  expect(days.map((day) => isFollowedByDay(day, now))).toEqual([true, true, false, true]);
});

const FROM = '2026-02-01';

test.each([
  [{ kind: 'vat', invoice_date: '2026-02-01' }, true],
  [{ kind: 'vat', invoice_date: '2026-01-31' }, false],
  [{ kind: 'correction', invoice_date: '2026-11-30' }, true],
  [{ kind: 'a kind of next year', invoice_date: '2027-01-01' }, true],
  [{ kind: 'proforma', invoice_date: '2026-11-30' }, false],
  [{ kind: 'vat', invoice_date: null }, false],
])('of %j it is %s that KSeF concerns the document', (fields, concerns) => {
  expect(concernsKsef({ id: 1, ...fields }, FROM)).toBe(concerns);
});

test('other documents are asked for where another first day is set', () => {
  const row = { id: 1, kind: 'vat', invoice_date: '2026-03-31' };
  expect([concernsKsef(row, '2026-04-01'), concernsKsef(row, '2024-01-01')]).toEqual([false, true]);
});

/** When a document is read that stays as it is, after its change. */
function readsOf(followed: Followed): number[] {
  const reads: number[] = [];
  for (let at = nextReadMs(followed); at !== null; at = nextReadMs({ ...followed, readMs: at })) reads.push(at);
  return reads;
}

test('a document is read one, two, five and fifteen minutes and an hour after it changed, then ever less often for thirty days', () => {
  const reads = readsOf({ changedMs: 1_000, readMs: null }).map((at) => at - 1_000);
  expect(reads.slice(0, 6)).toEqual([MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR]);
  const waits = reads.map((at, index) => at - (reads[index - 1] ?? 0));
  expect(waits.slice(5)).toEqual(waits.slice(5).toSorted((one, two) => one - two));
  expect(reads.length).toBeLessThan(35);
  expect(reads.at(-1)).toBeGreaterThan(30 * DAY);
  expect(reads.at(-2)).toBeLessThan(30 * DAY);
});

test('a read that came late leaves out what lies before it, and the next one lies ahead', () => {
  expect(nextReadMs({ changedMs: 0, readMs: 6 * MINUTE })).toBe(15 * MINUTE);
  fc.assert(
    fc.property(fc.nat(40 * DAY), (readMs) => {
      const next = nextReadMs({ changedMs: 0, readMs });
      if (readMs >= 30 * DAY) expect(next).toBeNull();
      else expect(next).toBeGreaterThan(readMs);
    }),
  );
});

test('other waits can be set', () => {
  expect(nextReadMs({ changedMs: 0, readMs: null }, [5, 9])).toBe(5);
  expect(nextReadMs({ changedMs: 0, readMs: 5 }, [5, 9])).toBe(9);
  expect(nextReadMs({ changedMs: 0, readMs: 9 }, [5, 9])).toBe(18);
  expect(READ_AFTER_MS).toHaveLength(5);
});

test('a document whose day alone is known may have changed until the end of that day, and not after now', () => {
  const now = Date.parse('2026-04-03T12:00:00Z');
  expect(changedByDayMs('2026-04-01', now)).toBe(Date.parse('2026-04-02'));
  expect(changedByDayMs('2026-04-03', now)).toBe(now);
  expect(changedByDayMs('2026-12-24', now)).toBe(now);
  expect(changedByDayMs('3 kwietnia', now)).toBe(now);
});

// CIRFMF/ksef-api#67: what KSeF itself gives is a number, and not always one of those documented.
test('a status that is a number is kept as text', () => {
  const { record, misfits } = createDecoder(loadSchema('ksef'))(
    ksefRowOf('invoices', detail({ ...cleared, status: 440 }), 'detail'),
    'alfa',
    5,
  );
  expect({ status: record['status'], misfits }).toEqual({ status: '440', misfits: [] });
});
