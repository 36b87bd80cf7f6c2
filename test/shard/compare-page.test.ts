import { RecordError } from '../../src/errors';
import { NO_DATE } from '../../src/changes/block';
import type { Comparison, Publish } from '../../src/changes/compare';
import { createLedger } from '../../src/changes/ledger';
import type { Row } from '../../src/model';
import { comparePage } from '../../src/shard/compare-page';

const pageOf = (rows: readonly Row[], changes: Partial<Comparison> = {}): Comparison => ({
  page: {
    rows,
    strays: [],
    outsideQuery: 0,
    interval: { after: null, upTo: null },
    totalCount: rows.length,
    began: 10,
    ended: 11,
    next: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
    end: false,
  },
  scan: 'sweep',
  proves: 'all',
  isOpen: ({ paid }) => paid === false,
  sweep: 1,
  beforeFirstFinishedSweep: false,
  definition: 1,
  fingerprint: ({ content }, out) => {
    out[0] = Number(content);
    out[1] = 0;
  },
  fingerprintOf: () => undefined,
  uuidOf: () => null,
  dateOf: ({ day }) => (typeof day === 'number' ? day : NO_DATE),
  linesOf: null,
  oldestOpen: Infinity,
  ...changes,
});
const bad = new RecordError('expected a good row, got a bad one', { path: 'content' });
const encode = ({ row, op, part }: Publish): string => {
  if (row['bad'] === true) throw bad;
  return `${part} ${row.id} ${op}`;
};
const newLedger = () => createLedger({ entity: 'alfa', stream: 'invoices' });

test('a page comes to the records, dead letters and counts of its rows, each counted once', () => {
  const ledger = newLedger();
  const first = [1, 2, 3, 4].map((id) => ({ id, content: 1 }));
  expect(comparePage(ledger, pageOf(first), encode)).toMatchObject({ created: 4, touched: true });
  const second = [
    { id: 1, content: 1 },
    { id: 2, content: 2 },
    { id: 3, content: 1, day: 5 },
    { id: 5, content: 3, bad: true },
    { id: 6, content: 1 },
  ];
  expect(comparePage(ledger, pageOf(second), encode)).toEqual({
    records: ['row 2 u', 'row 6 c'],
    deadLetters: [{ row: second[3], error: bad, fingerprint: '0000000300000000', op: 'c', before: null }],
    changed: [
      { id: 2, op: 'u', scan: 'sweep' },
      { id: 6, op: 'c', scan: 'sweep' },
    ],
    created: 1,
    firstRead: 0,
    republished: 0,
    updated: 1,
    unchanged: 2,
    edited: [{ id: 2, wasOpen: false, isOpen: false, date: NO_DATE }],
    missing: 1,
    absent: 1,
    stale: [],
    noLongerOpen: [],
    touched: true,
  });
});

test('of the rows that a page published 20 are named, and none that are read for the first time', () => {
  const rows = Array.from({ length: 50 }, (_, n) => ({ id: n + 1, content: 1 }));
  const first = comparePage(newLedger(), pageOf(rows, { beforeFirstFinishedSweep: true }), encode);
  expect(first).toMatchObject({ firstRead: 50, changed: [] });
  const later = comparePage(newLedger(), pageOf(rows, { scan: 'newest' }), encode);
  expect(later.created).toBe(50);
  expect(later.changed).toEqual(rows.slice(0, 20).map(({ id }) => ({ id, op: 'c', scan: 'newest' })));
});

test('a page that shows what is known is not touched', () => {
  const ledger = newLedger();
  const rows = [{ id: 1, content: 1 }];
  comparePage(ledger, pageOf(rows), encode);
  expect(comparePage(ledger, pageOf(rows), encode)).toMatchObject({ unchanged: 1, records: [], touched: false });
});

test('a row whose lines alone are refused is unchanged and a dead letter', () => {
  const ledger = newLedger();
  comparePage(ledger, pageOf([{ id: 1, content: 1 }]), encode);
  const refused = pageOf([{ id: 1, content: 1, bad: true }], { linesOf: () => 1 });
  expect(comparePage(ledger, refused, encode)).toMatchObject({ unchanged: 1, deadLetters: [{ error: bad }] });
});

test('an error that is no RecordError passes through', () => {
  const bug = new TypeError('bug');
  const failing = () => {
    throw bug;
  };
  expect(() => comparePage(newLedger(), pageOf([{ id: 1, content: 1 }]), failing)).toThrow(bug);
});
