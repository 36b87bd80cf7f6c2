import { ConfigError, RecordError } from '../../src/errors';
import { EntryFlag, NO_DATE } from '../../src/changes/block';
import { createLedger, type Ledger } from '../../src/changes/ledger';
import type { Interval, LedgerBlock, Op, Page, Row, ScanName } from '../../src/model';
import { diff, type DiffOptions } from '../support/diff';

const { OPEN, LEFT, DEAD_LETTERED, REPUBLISH, PUBLISHED, LINES_DUE, CARRIED } = EntryFlag;
const ALL: Interval = { after: null, upTo: null };

interface Published {
  readonly id: number;
  readonly op: Op;
  readonly content: unknown;
}

/** The fingerprint of `content` under a definition; the row's other fields count in none. */
function fingerprintUnder(definition: number) {
  return (row: Row, out: Uint32Array) => {
    out[0] = Number(row['content']);
    out[1] = definition;
  };
}

function options(changes: Partial<DiffOptions<Published>> = {}): DiffOptions<Published> {
  const { scan = 'sweep' } = changes;
  return {
    scan,
    proves: scan === 'sweep' ? 'all' : scan === 'open' ? 'open' : null,
    isOpen: () => scan === 'open',
    sweep: 1,
    beforeFirstFinishedSweep: false,
    definition: 1,
    fingerprint: fingerprintUnder(changes.definition ?? 1),
    fingerprintOf: () => undefined,
    uuidOf: (row) => (typeof row['uuid'] === 'string' ? row['uuid'] : null),
    dateOf: (row) => (typeof row['date'] === 'number' ? row['date'] : NO_DATE),
    lines: null,
    publish: (row, op) => {
      if (row['bad'] === true) throw new RecordError('expected a number, got a string', { path: 'content' });
      return { id: row.id, op, content: row['content'] };
    },
    oldestOpen: Infinity,
    ...changes,
  };
}

function page(rows: readonly Row[], changes: Partial<Page> = {}): Page {
  return {
    rows,
    strays: [],
    outsideQuery: 0,
    interval: ALL,
    totalCount: rows.length,
    began: 1000,
    ended: 1001,
    next: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
    end: false,
    ...changes,
  };
}

const rowsOf = (ids: readonly number[], content = 1): Row[] => ids.map((id) => ({ id, content }));
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, n) => first + n);
const newLedger = (blockEntries = 4): Ledger => createLedger({ entity: 'acme', stream: 'invoices', blockEntries });

function ledgerWith(rows: readonly Row[], blockEntries?: number): Ledger {
  const ledger = newLedger(blockEntries);
  diff(ledger, page(rows), options());
  commit(ledger);
  return ledger;
}

function blocksOf(rows: readonly Row[], blockEntries?: number): LedgerBlock[] {
  const ledger = newLedger(blockEntries);
  diff(ledger, page(rows), options());
  return commit(ledger);
}

function commit(ledger: Ledger): LedgerBlock[] {
  const blocks = ledger.take();
  ledger.settle();
  return blocks;
}

function reload(blocks: readonly LedgerBlock[], blockEntries?: number): Ledger {
  const ledger = newLedger(blockEntries);
  for (const block of blocks) ledger.load(block);
  ledger.loaded();
  return ledger;
}

const idsOf = ({ from, ids }: LedgerBlock): number[] => {
  let id = from;
  return ids.map((step) => (id += step));
};
const boundsOf = (blocks: readonly LedgerBlock[]) => blocks.map(({ from, to }) => [from, to]);
const flagsOf = (ledger: Ledger, id: number) => ledger.entry(id)?.flags;
const missingOf = (ledger: Ledger, id: number) => ledger.entry(id)?.missing;

describe('a row compared with the ledger', () => {
  test('is created when its id is unknown', () => {
    const ledger = newLedger();
    const changes = diff(ledger, page([{ id: 7, content: 0xab, date: 20000 }]), options());
    expect(changes).toEqual({
      edited: [],
      absent: 0,
      noLongerOpen: [],
      changed: [{ id: 7, op: 'c', scan: 'sweep' }],
      records: [{ id: 7, op: 'c', content: 0xab }],
      deadLetters: [],
      created: 1,
      firstRead: 0,
      updated: 0,
      republished: 0,
      unchanged: 0,
      missing: 0,
      stale: [],
      touched: true,
    });
    expect(ledger.entry(7)).toEqual({
      id: 7,
      fingerprint: '000000ab00000001',
      definition: 1,
      uuid: null,
      date: 20000,
      flags: PUBLISHED | CARRIED,
      missing: 0,
      lines: 0,
    });
  });

  test('is read, not created, before the first sweep is finished', () => {
    const changes = diff(newLedger(), page(rowsOf([7])), options({ beforeFirstFinishedSweep: true }));
    expect(changes.records).toMatchObject([{ id: 7, op: 'r' }]);
    expect(changes.created).toBe(1);
  });

  test('is updated when its fingerprint differs, even before the first sweep is finished', () => {
    const ledger = ledgerWith(rowsOf([7]));
    const changes = diff(ledger, page(rowsOf([7], 2)), options({ beforeFirstFinishedSweep: true }));
    expect(changes).toMatchObject({ records: [{ id: 7, op: 'u', content: 2 }], created: 0, updated: 1, touched: true });
  });

  test('is unchanged, and changes nothing, when its fingerprint is equal', () => {
    const ledger = ledgerWith(rowsOf([7]));
    const changes = diff(ledger, page(rowsOf([7])), options());
    expect(changes).toMatchObject({ records: [], unchanged: 1, touched: false });
    expect(ledger.take()).toEqual([]);
  });

  test('is published again as r where that was asked for, once', () => {
    const ledger = ledgerWith(rowsOf([7, 8]));
    ledger.setFlags(7, REPUBLISH, 0);
    ledger.setFlags(8, REPUBLISH, 0);
    const again = [
      { id: 7, content: 1 },
      { id: 8, content: 2 },
    ];
    const changes = diff(ledger, page(again), options());
    expect(changes.records).toMatchObject([
      { id: 7, op: 'r' },
      { id: 8, op: 'r' },
    ]);
    expect(changes).toMatchObject({ created: 0, updated: 1, republished: 1, unchanged: 0, touched: true });
    expect(flagsOf(ledger, 7)).toBe(PUBLISHED | CARRIED);
    expect(diff(ledger, page(again), options())).toMatchObject({ records: [], unchanged: 2, touched: false });
  });

  test('is open as any page shows the row, and no longer once it was read by itself', () => {
    const ledger = newLedger();
    const isOpen = ({ content }: Row) => Number(content) % 2 === 0;
    const flagsAfter = (scan: ScanName, content: number) => {
      diff(ledger, page(rowsOf([7], content)), options({ scan, proves: null, isOpen }));
      return (flagsOf(ledger, 7) ?? 0) & OPEN;
    };
    expect([flagsAfter('newest', 2), flagsAfter('sweep', 2), flagsAfter('sweep', 3)]).toEqual([OPEN, OPEN, 0]);
    expect([flagsAfter('open', 4), flagsAfter('spot', 4), flagsAfter('search', 4)]).toEqual([OPEN, 0, OPEN]);
  });

  test('tells how many lines were published before, keeps that while lines are not asked for, and publishes them again then', () => {
    const published: [number, number][] = [];
    const lines = {
      count: () => 3,
      publish: (row: Row, _fingerprint: string, before: number): Published => {
        published.push([row.id, before]);
        return { id: row.id, op: 'r', content: 'lines' };
      },
    };
    const ledger = ledgerWith(rowsOf([7]));
    expect(diff(ledger, page(rowsOf([7])), options({ lines })).records).toEqual([{ id: 7, op: 'r', content: 'lines' }]);
    expect(diff(ledger, page(rowsOf([7])), options({ lines })).touched).toBe(false);
    diff(ledger, page(rowsOf([7], 2)), options());
    expect(ledger.entry(7)).toMatchObject({ lines: 3, flags: PUBLISHED | CARRIED | LINES_DUE });
    diff(ledger, page(rowsOf([7], 2)), options({ lines }));
    expect(published).toEqual([
      [7, 0],
      [7, 3],
    ]);
    expect(ledger.entry(7)).toMatchObject({ lines: 3, flags: PUBLISHED | CARRIED });
  });

  test('a row whose lines alone cannot be published is a dead letter once', () => {
    const lines = {
      count: () => 3,
      publish: () => {
        throw new RecordError('expected smaller lines, got larger ones', { path: '' });
      },
    };
    const ledger = ledgerWith(rowsOf([7]));
    expect(diff(ledger, page(rowsOf([7])), options({ lines })).deadLetters).toHaveLength(1);
    // The row is tried again with its lines, which still do not fit.
    expect(diff(ledger, page(rowsOf([7])), options({ lines, publish: lines.publish }))).toMatchObject({
      deadLetters: [],
      touched: false,
    });
  });

  test('brings its entry up to date when only its uuid or date changed', () => {
    const uuid = '01234567-89ab-cdef-0123-456789abcdef';
    const ledger = ledgerWith([{ id: 7, content: 1, date: 3 }]);
    expect(diff(ledger, page([{ id: 7, content: 1, date: 4 }]), options())).toMatchObject({
      records: [],
      touched: true,
    });
    expect(diff(ledger, page([{ id: 7, content: 1, date: 4, uuid }]), options())).toMatchObject({ touched: true });
    expect(ledger.entry(7)).toMatchObject({ date: 4, uuid });
    expect(diff(ledger, page([{ id: 7, content: 1, date: 4, uuid }]), options())).toMatchObject({ touched: false });
    expect(diff(ledger, page([{ id: 7, content: 1, date: 4 }]), options())).toMatchObject({ touched: true });
    expect(ledger.entry(7)?.uuid).toBeNull();
  });

  test('counts once when the page shows its id twice, and the last wins', () => {
    const twice = [
      { id: 7, content: 1 },
      { id: 8, content: 1 },
      { id: 8, content: 2 },
      { id: 9, content: 1 },
    ];
    const [seven, first, second, nine] = twice;
    const ascending = diff(newLedger(), page(twice), options());
    const descending = diff(
      newLedger(),
      page([nine, first, second, seven].filter((row) => row !== undefined)),
      options({ scan: 'newest' }),
    );
    for (const changes of [ascending, descending]) {
      expect(changes.records.map(({ id, content }) => [id, content])).toEqual([
        [7, 1],
        [8, 2],
        [9, 1],
      ]);
    }
  });

  test('is published in ascending order of ids whichever way the walk goes', () => {
    const changes = diff(newLedger(), page(rowsOf([9, 5, 2])), options({ scan: 'newest' }));
    expect(changes.records.map(({ id }) => id)).toEqual([2, 5, 9]);
  });
});

describe('an entry of an older definition', () => {
  const computable = options({ definition: 2, fingerprintOf: (definition) => fingerprintUnder(definition) });

  test('takes the new fingerprint silently when it is equal under its own', () => {
    const ledger = ledgerWith(rowsOf([7]));
    expect(diff(ledger, page(rowsOf([7])), computable)).toMatchObject({ records: [], unchanged: 1, touched: true });
    expect(ledger.entry(7)).toMatchObject({ definition: 2, fingerprint: '0000000100000002' });
    expect(diff(ledger, page(rowsOf([7])), computable)).toMatchObject({ touched: false });
  });

  test('is updated when it differs under its own', () => {
    const ledger = ledgerWith(rowsOf([7]));
    expect(diff(ledger, page(rowsOf([7], 2)), computable)).toMatchObject({ records: [{ id: 7, op: 'u' }], updated: 1 });
    expect(ledger.entry(7)?.definition).toBe(2);
  });

  test('is published as an update when that definition can no longer be computed', () => {
    const ledger = ledgerWith(rowsOf([7]));
    const changes = diff(ledger, page(rowsOf([7])), options({ definition: 2 }));
    expect(changes).toMatchObject({ records: [{ id: 7, op: 'u' }], updated: 1 });
    expect(ledger.entry(7)?.definition).toBe(2);
  });
});

describe('a row that cannot become a record', () => {
  const bad = { id: 7, content: 1, bad: true };

  test('is dead-lettered once', () => {
    const ledger = newLedger();
    const changes = diff(ledger, page([bad]), options());
    expect(changes).toMatchObject({ records: [], created: 0, touched: true });
    expect(changes.deadLetters).toMatchObject([{ row: bad, fingerprint: '0000000100000001' }]);
    expect(changes.deadLetters[0]?.error).toBeInstanceOf(RecordError);
    expect(flagsOf(ledger, 7)).toBe(DEAD_LETTERED);
    expect(diff(ledger, page([bad]), options())).toMatchObject({ deadLetters: [], unchanged: 1, touched: false });
  });

  test('is created when it decodes for the first time', () => {
    const ledger = newLedger();
    diff(ledger, page([bad]), options());
    const changes = diff(ledger, page(rowsOf([7], 2)), options());
    expect(changes).toMatchObject({ records: [{ id: 7, op: 'c' }], created: 1, updated: 0 });
    expect(flagsOf(ledger, 7)).toBe(PUBLISHED | CARRIED);
  });

  test('is read when it decodes for the first time before the first sweep is finished', () => {
    const ledger = newLedger();
    diff(ledger, page([bad]), options());
    expect(diff(ledger, page(rowsOf([7], 2)), options({ beforeFirstFinishedSweep: true })).records).toMatchObject([
      { op: 'r' },
    ]);
  });

  test('is updated when it decodes again after it was published', () => {
    const ledger = ledgerWith(rowsOf([7], 5));
    diff(ledger, page([bad]), options());
    expect(flagsOf(ledger, 7)).toBe(DEAD_LETTERED | PUBLISHED | CARRIED);
    expect(diff(ledger, page(rowsOf([7], 2)), options())).toMatchObject({ records: [{ op: 'u' }], updated: 1 });
    expect(flagsOf(ledger, 7)).toBe(PUBLISHED | CARRIED);
  });

  test('is tried again under a new definition, which may be able to read it', () => {
    const ledger = newLedger();
    diff(ledger, page([bad]), options());
    const readable = options({
      definition: 2,
      fingerprintOf: () => fingerprintUnder(1),
      lines: null,
      publish: (row, op) => ({ id: row.id, op, content: row['content'] }),
    });
    expect(diff(ledger, page([bad]), readable)).toMatchObject({ records: [{ id: 7, op: 'c' }], created: 1 });
  });

  test('is dead-lettered again when it is to be published again', () => {
    const ledger = newLedger();
    diff(ledger, page([bad]), options());
    ledger.setFlags(7, REPUBLISH, 0);
    expect(diff(ledger, page([bad]), options()).deadLetters).toHaveLength(1);
    expect(flagsOf(ledger, 7)).toBe(DEAD_LETTERED);
  });

  test('does not hide any other error', () => {
    const bug = new TypeError('bug');
    const publish = () => {
      throw bug;
    };
    expect(() => diff(newLedger(), page(rowsOf([7])), options({ publish }))).toThrow(bug);
  });
});

describe('a row that open shows', () => {
  test('has noLongerOpen once a page of open proves it absent, until it was read by itself', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    expect(diff(ledger, page(rowsOf([1, 2, 3])), options({ scan: 'open' }))).toMatchObject({
      noLongerOpen: [],
      touched: true,
    });
    expect(diff(ledger, page(rowsOf([1, 2, 3])), options({ scan: 'open' }))).toMatchObject({
      noLongerOpen: [],
      touched: false,
    });
    expect(diff(ledger, page(rowsOf([1, 3])), options({ scan: 'open' })).noLongerOpen).toEqual([2]);
    expect(
      diff(ledger, page(rowsOf([1]), { interval: { after: null, upTo: 1 } }), options({ scan: 'open' })).noLongerOpen,
    ).toEqual([]);
    diff(ledger, page(rowsOf([2], 2), { interval: { after: 1, upTo: 2 } }), options({ scan: 'spot' }));
    expect(flagsOf(ledger, 2)).toBe(PUBLISHED | CARRIED);
    expect(diff(ledger, page(rowsOf([1, 3])), options({ scan: 'open' })).noLongerOpen).toEqual([]);
  });

  test('is open no longer when it is not found by itself, and not missing for that', () => {
    const ledger = ledgerWith(rowsOf([1, 2]));
    diff(ledger, page(rowsOf([1, 2])), options({ scan: 'open' }));
    expect(diff(ledger, page([], { interval: { after: 1, upTo: 2 } }), options({ scan: 'spot' })).touched).toBe(true);
    expect(ledger.entry(2)).toMatchObject({ flags: PUBLISHED | CARRIED, missing: 0 });
  });

  test('has not noLongerOpen where it has left the scope, or was published newer than the page was asked for', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    diff(ledger, page(rowsOf([1, 2, 3])), options({ scan: 'open' }));
    ledger.setFlags(1, LEFT, 0);
    diff(
      ledger,
      page(rowsOf([2], 2), { interval: { after: 1, upTo: 2 }, began: 20, ended: 21 }),
      options({ scan: 'newest', oldestOpen: 10 }),
    );
    const older = page([], { began: 10, ended: 30 });
    expect(diff(ledger, older, options({ scan: 'open', oldestOpen: 10 })).noLongerOpen).toEqual([3]);
    expect(diff(ledger, older, options({ scan: 'recent' })).noLongerOpen).toEqual([]);
  });

  test('is of no account when it is not found by itself and was never open, or never known', () => {
    const ledger = ledgerWith(rowsOf([1, 2]));
    const spot = (id: number) => page([], { interval: { after: id - 1, upTo: id } });
    expect(diff(ledger, spot(2), options({ scan: 'spot' })).touched).toBe(false);
    expect(diff(ledger, spot(7), options({ scan: 'spot' })).touched).toBe(false);
    expect(diff(ledger, page([]), options({ scan: 'spot' })).touched).toBe(false);
  });
});

test('counts and finds the entries that are neither left nor missing', () => {
  const ledger = ledgerWith(rowsOf(range(1, 9)));
  diff(ledger, page(rowsOf([1, 2, 4, 5, 6, 7, 8, 9])), options());
  ledger.setFlags(5, LEFT, 0);
  expect(ledger.live).toBe(7);
  expect([0, 1, 2, 3, 6, 7, -1].map((rank) => ledger.atRank(rank))).toEqual([1, 2, 4, 6, 9, undefined, undefined]);
  ledger.remove(1, 2000);
  expect([ledger.live, ledger.atRank(0), ledger.atRank(5), ledger.atRank(6)]).toEqual([6, 2, 9, undefined]);
});

describe('an entry that the page proves absent', () => {
  test('is marked missing by the sweep, inside the interval only, its end included', () => {
    const ledger = ledgerWith(rowsOf(range(1, 12)));
    const changes = diff(ledger, page(rowsOf([5, 8]), { interval: { after: 3, upTo: 9 } }), options({ sweep: 6 }));
    expect(changes).toMatchObject({ records: [], unchanged: 2, missing: 4, touched: true });
    expect(ledger.missingSince(6)).toEqual([4, 6, 7, 9]);
    expect(missingOf(ledger, 4)).toBe(6);
  });

  test.each([
    { interval: { after: null, upTo: 3 }, missing: [1, 2, 3] },
    { interval: { after: 9, upTo: null }, missing: [10, 11, 12] },
    { interval: ALL, missing: range(1, 12) },
    { interval: { after: 12, upTo: null }, missing: [] },
    { interval: { after: 5, upTo: 5 }, missing: [] },
  ])('is marked by an empty page that proves $interval', ({ interval, missing }) => {
    const ledger = ledgerWith(rowsOf(range(1, 12)));
    expect(diff(ledger, page([], { interval }), options())).toMatchObject({
      missing: missing.length,
      touched: missing.length > 0,
    });
    expect(ledger.missingSince(1)).toEqual(missing);
  });

  test('keeps the number of the sweep that first missed it', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    diff(ledger, page(rowsOf([1, 3])), options({ sweep: 4 }));
    expect(diff(ledger, page(rowsOf([1])), options({ sweep: 5 }))).toMatchObject({ missing: 1 });
    expect(missingOf(ledger, 2)).toBe(4);
    expect(ledger.missingSince(3)).toEqual([]);
    expect(ledger.missingSince(4)).toEqual([2]);
    expect(ledger.missingSince(5)).toEqual([2, 3]);
  });

  test.each(['newest', 'open', 'recent'] as const)('is not marked by the %s scan', (scan) => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    expect(diff(ledger, page(rowsOf([1, 3])), options({ scan }))).toMatchObject({ missing: 0 });
    expect(ledger.entry(2)?.missing).toBe(0);
  });

  test('is not marked by a descending page', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    expect(diff(ledger, page(rowsOf([3, 1])), options())).toMatchObject({ missing: 0, touched: false });
  });

  test('is not marked when it has left the scope', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    ledger.setFlags(2, LEFT, 0);
    expect(diff(ledger, page(rowsOf([1, 3])), options())).toMatchObject({ missing: 0, touched: false });
  });

  test('returns without a record when it is seen again with the same content', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    diff(ledger, page(rowsOf([1, 3])), options());
    commit(ledger);
    const changes = diff(ledger, page(rowsOf([2])), options({ scan: 'open' }));
    expect(changes).toMatchObject({ records: [], unchanged: 1, touched: true });
    expect(ledger.missingSince(1)).toEqual([]);
  });

  test('returns with an update when it is seen again with other content', () => {
    const ledger = ledgerWith(rowsOf([1, 2, 3]));
    diff(ledger, page(rowsOf([1, 3])), options());
    const changes = diff(ledger, page(rowsOf([1, 2, 3], 2)), options());
    expect(changes).toMatchObject({ updated: 3, missing: 0 });
  });

  test('comes back as created once it was removed', () => {
    const ledger = ledgerWith([{ id: 1, content: 1, uuid: 'odd' }]);
    expect(ledger.remove(1, 900)).toBe(true);
    expect(ledger.remove(1, 900)).toBe(false);
    expect(ledger.has(1)).toBe(false);
    expect(diff(ledger, page(rowsOf([1])), options()).records).toMatchObject([{ id: 1, op: 'c' }]);
    expect(ledger.entry(1)?.uuid).toBeNull();
  });
});

describe('an entry that has left the scope', () => {
  test('returns without a record when it is seen with the same content', () => {
    const ledger = ledgerWith(rowsOf([1, 2]));
    ledger.setFlags(2, LEFT, 0);
    expect(ledger.size).toBe(1);
    expect(diff(ledger, page(rowsOf([1, 2])), options())).toMatchObject({ records: [], touched: true });
    expect(ledger.size).toBe(2);
    expect(flagsOf(ledger, 2)).toBe(PUBLISHED | CARRIED);
  });

  test('is no longer missing', () => {
    const ledger = ledgerWith(rowsOf([1, 2]));
    diff(ledger, page(rowsOf([1])), options());
    expect(ledger.setFlags(2, LEFT, 0)).toBe(true);
    expect(ledger.setFlags(2, LEFT, 0)).toBe(false);
    expect(ledger.setFlags(3, LEFT, 0)).toBe(false);
    expect(missingOf(ledger, 2)).toBe(0);
  });

  test.each([
    { from: null, to: null, left: new Array<number>() },
    { from: 10, to: null, left: [1, 4] },
    { from: null, to: 10, left: [3, 4] },
    { from: 11, to: 11, left: [1, 2, 4] },
  ])('is what a scope from $from to $to puts outside', ({ from, to, left }) => {
    const rows = [
      { id: 1, content: 1, date: 9 },
      { id: 2, content: 1, date: 10 },
      { id: 3, content: 1, date: 11 },
      { id: 4, content: 1 },
    ];
    const ledger = ledgerWith(rows, 2);
    diff(ledger, page([], { interval: { after: 0, upTo: 1 } }), options());
    expect(ledger.rescope(from, to)).toBe(left.length);
    expect([1, 2, 3, 4].filter((id) => ((flagsOf(ledger, id) ?? 0) & LEFT) !== 0)).toEqual(left);
    expect(missingOf(ledger, 1)).toBe(left.includes(1) ? 0 : 1);
    expect(ledger.rescope(from, to)).toBe(0);
  });

  test('does not return by a scope that is wide again', () => {
    const ledger = ledgerWith([{ id: 1, content: 1, date: 9 }]);
    ledger.rescope(10, null);
    expect(ledger.rescope(1, null)).toBe(0);
    expect(ledger.size).toBe(0);
  });
});

describe('I3: a row whose request began before the last publication was read', () => {
  const newer = { began: 5, ended: 20 };
  const older = { began: 19, ended: 21 };
  const open = (oldestOpen: number, changes: Partial<DiffOptions<Published>> = {}) =>
    options({ oldestOpen, ...changes });

  test('is read again, not published, when it differs', () => {
    const ledger = ledgerWith(rowsOf([7], 1));
    diff(ledger, page(rowsOf([7], 2), newer), open(5));
    const changes = diff(ledger, page(rowsOf([7], 1), older), open(19));
    expect(changes).toMatchObject({ records: [], updated: 0, unchanged: 0, stale: [7] });
    expect(ledger.entry(7)?.fingerprint).toMatch(/^00000002/);
  });

  test('is unchanged and changes nothing when it is equal', () => {
    const ledger = ledgerWith(rowsOf([7], 1));
    diff(ledger, page(rowsOf([7], 2), newer), open(5));
    ledger.setFlags(7, LEFT, 0);
    commit(ledger);
    const changes = diff(ledger, page(rowsOf([7], 2), older), open(19));
    expect(changes).toMatchObject({ records: [], unchanged: 1, stale: [], touched: false });
  });

  test('is published when it began after that read had ended', () => {
    const ledger = ledgerWith(rowsOf([7], 1));
    diff(ledger, page(rowsOf([7], 2), newer), open(5));
    const changes = diff(ledger, page(rowsOf([7], 1), { began: 20, ended: 21 }), open(20));
    expect(changes).toMatchObject({ records: [{ id: 7, op: 'u' }], stale: [] });
  });

  test('does not bring back what was removed', () => {
    const ledger = ledgerWith(rowsOf([7]));
    ledger.remove(7, 20);
    expect(diff(ledger, page(rowsOf([7]), older), open(19))).toMatchObject({ records: [], stale: [7], touched: false });
    expect(ledger.has(7)).toBe(false);
  });

  test('does not replace what was dead-lettered', () => {
    const ledger = ledgerWith(rowsOf([7]));
    diff(ledger, page([{ id: 7, content: 2, bad: true }], newer), open(5));
    expect(diff(ledger, page(rowsOf([7], 3), older), open(19))).toMatchObject({ records: [], stale: [7] });
  });

  test('does not prove absence either', () => {
    const ledger = ledgerWith(rowsOf([6, 8]));
    diff(ledger, page(rowsOf([7]), newer), open(5, { scan: 'newest' }));
    diff(ledger, page([], older), open(19));
    expect(ledger.missingSince(1)).toEqual([6, 8]);
  });

  test('is not marked missing by the page that shows it', () => {
    const ledger = ledgerWith(rowsOf([7]));
    diff(ledger, page(rowsOf([7], 2), newer), open(5));
    expect(diff(ledger, page(rowsOf([7], 1), older), open(19))).toMatchObject({
      stale: [7],
      missing: 0,
      touched: false,
    });
  });

  test('is still known while an older request stays open, whatever was diffed meanwhile', () => {
    const ledger = newLedger();
    for (const mark of range(20, 60)) {
      diff(ledger, page(rowsOf([mark], 2), { began: mark, ended: mark + 1 }), open(19, { scan: 'newest' }));
    }
    const changes = diff(ledger, page(rowsOf(range(20, 60), 1), older), open(19, { scan: 'open' }));
    expect(changes.stale).toEqual(range(20, 60));
  });

  test('is still known when the request is not counted among the open ones', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([7], 2), newer), open(19));
    expect(diff(ledger, page(rowsOf([7], 1), older), open(Infinity)).stale).toEqual([7]);
  });

  test('is forgotten by a rollback, which leaves no request open', () => {
    const ledger = ledgerWith(rowsOf([7]));
    diff(ledger, page(rowsOf([7], 2), newer), open(5));
    ledger.rollback();
    expect(diff(ledger, page(rowsOf([7], 3), older), open(19)).records).toMatchObject([{ op: 'u', content: 3 }]);
  });
});

describe('UUIDs', () => {
  test.each([
    '01234567-89ab-cdef-0123-456789abcdef',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '00000000-0000-0000-0000-000000000000',
    '01234567-89AB-CDEF-0123-456789ABCDEF',
    '0123456789abcdef0123456789abcdef',
    '01234567x89ab-cdef-0123-456789abcdef',
    '01234567-89ab-cdef-0123-456789abcdeg',
    '',
    'zażółć',
  ])('are given back byte for byte: "%s"', (uuid) => {
    const ledger = newLedger();
    const rows = [1, 2, 3, 4, 5, 6].map((id) => ({ id, content: 1, uuid: id % 2 === 0 ? uuid : null }));
    diff(ledger, page(rows), options());
    const restored = reload(commit(ledger));
    for (const { id, uuid } of rows) expect(restored.entry(id)?.uuid).toBe(uuid);
    expect(diff(restored, page(rows), options())).toMatchObject({ unchanged: 6, touched: false });
  });

  test('lead back to their entries, in whatever block, byte for byte', () => {
    const canonical = (id: number): string => `01234567-89ab-cdef-0123-${String(id).padStart(12, '0')}`;
    const ledger = newLedger();
    const uuidOf = (id: number): string | null => (id % 3 === 0 ? null : id % 3 === 1 ? canonical(id) : `Odd ${id}`);
    diff(ledger, page(range(1, 20).map((id) => ({ id, content: 1, uuid: uuidOf(id) }))), options());
    const restored = reload(commit(ledger));
    for (const known of [ledger, restored])
      for (const id of range(1, 20).filter((one) => uuidOf(one) !== null))
        expect(known.idOf(uuidOf(id) ?? '')).toBe(id);
    for (const nobody of [canonical(2), canonical(7).toUpperCase().replace('89AB', '89aB'), 'odd 5', 'Odd 99', ''])
      expect([nobody, restored.idOf(nobody)]).toEqual([nobody, null]);
  });

  test('of two entries lead to the later one, and of an entry that is gone or has another one nowhere', () => {
    const ledger = newLedger();
    diff(
      ledger,
      page(range(1, 12).map((id) => ({ id, content: 1, uuid: id < 12 ? `odd ${id}` : 'odd 2' }))),
      options(),
    );
    expect(ledger.idOf('odd 2')).toBe(12);
    ledger.remove(12, 900);
    expect(ledger.idOf('odd 2')).toBe(2);
    diff(ledger, page([{ id: 3, content: 1, uuid: 'another' }], { interval: { after: 2, upTo: 3 } }), options());
    expect([ledger.idOf('odd 3'), ledger.idOf('another')]).toEqual([null, 3]);
  });

  test('that become canonical, and back, leave nothing behind', () => {
    const ledger = ledgerWith([{ id: 1, content: 1, uuid: 'odd' }]);
    const canonical = '01234567-89ab-cdef-0123-456789abcdef';
    diff(ledger, page([{ id: 1, content: 1, uuid: canonical }]), options());
    expect(ledger.entry(1)?.uuid).toBe(canonical);
    expect(ledger.take()[0]?.oddUuids).toEqual([]);
    diff(ledger, page([{ id: 1, content: 1, uuid: 'odd' }]), options());
    expect(ledger.entry(1)?.uuid).toBe('odd');
  });

  test('are stored with the block of their entry only, and no longer than it', () => {
    const ledger = newLedger();
    diff(ledger, page(range(1, 6).map((id) => ({ id, content: 1, uuid: `odd ${id}` }))), options());
    ledger.remove(2, 900);
    const stored = ledger.take().map(({ oddUuids }) => oddUuids.map(({ id }) => id));
    expect(stored).toEqual([
      [1, 3, 4],
      [5, 6],
    ]);
  });
});

describe('blocks', () => {
  test('start as one that has no end', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([3, 5])), options());
    const [block, ...others] = ledger.take();
    expect(others).toEqual([]);
    expect(block).toMatchObject({ from: 0, to: null, ids: [3, 2], oddUuids: [] });
    expect(block?.fingerprints).toEqual(Buffer.from('01000000010000000100000001000000', 'hex'));
    expect(block?.dates.readInt32LE(0)).toBe(NO_DATE);
    expect(block?.flags).toEqual(Buffer.from([PUBLISHED | CARRIED, PUBLISHED | CARRIED]));
  });

  test('stay full behind an ascending back-fill', () => {
    const ledger = newLedger(512);
    for (let first = 1; first < 5000; first += 100) {
      diff(ledger, page(rowsOf(range(first, first + 99)), { interval: { after: 0, upTo: 0 } }), options());
    }
    const sizes = commit(ledger).map(({ ids }) => ids.length);
    expect(sizes).toEqual([512, 512, 512, 512, 512, 512, 512, 512, 512, 392]);
  });

  test('stay full behind an ascending back-fill below ids that are already known', () => {
    const ledger = newLedger(512);
    diff(ledger, page(rowsOf(range(9901, 10000))), options());
    for (let first = 1; first < 9900; first += 100) {
      diff(ledger, page(rowsOf(range(first, first + 99)), { interval: { after: 0, upTo: 0 } }), options());
    }
    expect(commit(ledger).length).toBeLessThanOrEqual(21);
  });

  test('split in halves elsewhere', () => {
    const ledger = ledgerWith(rowsOf([10, 20, 30, 40]));
    diff(ledger, page(rowsOf([15]), { interval: { after: 14, upTo: 15 } }), options());
    const blocks = commit(ledger);
    expect(boundsOf(blocks)).toEqual([
      [0, 30],
      [30, null],
    ]);
    expect(blocks.map(idsOf)).toEqual([
      [10, 15, 20],
      [30, 40],
    ]);
  });

  test('are written only when they changed since the last take', () => {
    const ledger = ledgerWith(rowsOf(range(1, 12)));
    diff(ledger, page([{ id: 6, content: 9 }], { interval: { after: 5, upTo: 6 } }), options());
    expect(commit(ledger).map(idsOf)).toEqual([[5, 6, 7, 8]]);
    expect(commit(ledger)).toEqual([]);
  });

  test('that were taken never change again', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf(range(1, 6))), options());
    const blocks = ledger.take();
    const before = structuredClone(blocks);
    diff(ledger, page(rowsOf(range(1, 9), 2)), options());
    ledger.remove(2, 1);
    diff(
      ledger,
      page(rowsOf([1], 3)),
      options({ lines: { count: () => 3, publish: () => ({ id: 1, op: 'r', content: 0 }) } }),
    );
    ledger.settle();
    ledger.rollback();
    diff(ledger, page([]), options());
    expect(structuredClone(blocks)).toEqual(before);
  });

  test('restore to the same ledger', () => {
    const rows = range(1, 30).map((id) => ({ id: id * 1_000_003, content: id, date: id - 15, uuid: `odd ${id}` }));
    const ledger = newLedger();
    diff(ledger, page(rows), options());
    diff(ledger, page(rows.slice(0, -1)), options({ sweep: 4_000_000_000 }));
    const counted = options({ lines: { count: () => 500, publish: () => ({ id: 0, op: 'r', content: 0 }) } });
    diff(ledger, page(rowsOf([1_000_003], 2), { interval: { after: 1_000_002, upTo: 1_000_003 } }), counted);
    expect(ledger.entry(1_000_003)?.lines).toBe(500);
    const restored = reload(commit(ledger).reverse());
    for (const { id } of rows) expect(restored.entry(id)).toEqual(ledger.entry(id));
    expect(restored.size).toBe(30);
    expect(restored.ids(null, null).at(-1)).toBe(30_000_090);
    expect(restored.rank(Infinity)).toBe(29);
    expect(restored.take()).toEqual([]);
  });

  test('may hold more entries than this version would put into one', () => {
    const stored = blocksOf(rowsOf(range(1, 20)), 512);
    const ledger = reload(stored, 4);
    diff(ledger, page(rowsOf([21, 22]), { interval: { after: 20, upTo: 22 } }), options());
    expect(ledger.rank(100)).toBe(22);
  });
});

describe('loading', () => {
  test('takes the later of two blocks with the same start, in a ledger that goes on afterwards', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([1, 2, 3])), options());
    const log = [...commit(ledger)];
    diff(ledger, page(rowsOf([1, 2, 3, 4, 5, 6], 2)), options());
    log.push(...commit(ledger).reverse());
    const restored = reload(log);
    expect(diff(restored, page(rowsOf([1, 2, 3, 4, 5, 6], 2)), options())).toMatchObject({
      unchanged: 6,
      touched: false,
    });
    diff(restored, page(rowsOf([1, 2, 3, 4, 5, 6], 3)), options());
    restored.rollback();
    expect(restored.entry(6)?.fingerprint).toMatch(/^00000002/);
  });

  test('brings in what was committed although its result stayed unknown', () => {
    const ledger = ledgerWith(rowsOf(range(1, 4)));
    diff(ledger, page(rowsOf(range(1, 6), 2)), options());
    const committed = ledger.take();
    diff(ledger, page(rowsOf([1], 3), { interval: { after: 0, upTo: 1 } }), options());
    ledger.rollback();
    expect(ledger.size).toBe(4);
    for (const block of committed) ledger.load(block);
    ledger.loaded();
    expect(diff(ledger, page(rowsOf(range(1, 6), 2)), options())).toMatchObject({ unchanged: 6, touched: false });
  });

  test('of nothing is an empty ledger', () => {
    const ledger = reload([]);
    expect([ledger.size, ledger.ids(null, null).length, ledger.rank(5), ledger.has(1), ledger.entry(1)]).toEqual([
      0,
      0,
      0,
      false,
      undefined,
    ]);
  });

  const blocks = blocksOf(rowsOf(range(1, 12)));
  const [, second, third] = blocks;
  const nothing = blocksOf([{ id: 0, content: 1 }]).map((block) => ({ ...block, from: 5, to: 5 }));
  const replace = (changes: Partial<LedgerBlock>) =>
    blocks.map((block) => (block === second ? { ...block, ...changes } : block));
  test.each([
    ['the first block is lost', blocks.slice(1)],
    ['a block in the middle is lost', blocks.filter((block) => block !== second)],
    ['the last block is lost', blocks.filter((block) => block !== third)],
    ['two blocks overlap', replace({ to: 10 })],
    ['a block ends before the next begins', blocks.map((block) => (block.from === 0 ? { ...block, to: 4.5 } : block))],
    ['a block has no length', [...blocks, ...nothing]],
    ['a column is cut', replace({ dates: Buffer.alloc(15) })],
    ['ids do not ascend', replace({ ids: [0, 1, 0, 1] })],
    ['ids reach beyond the block', replace({ ids: [0, 1, 1, 2] })],
    ['ids are no integers', replace({ ids: [0, 1, 0.5, 1.5] })],
  ])('refuses a damaged state: %s', (_, damaged) => {
    expect(() => reload(blocks)).not.toThrow();
    expect(() => reload(damaged)).toThrow(ConfigError);
    expect(() => reload(damaged)).toThrow(/^Restoring the ledger of invoices of acme: expected .*, got .*damaged/);
  });

  test('is refused while the ledger has changes of its own', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([1])), options());
    const [block] = ledger.take();
    if (block === undefined) throw new Error('expected a block');
    expect(() => ledger.load(block)).toThrow(/no changes of its own/);
    ledger.rollback();
    ledger.load(block);
    expect(() => ledger.take()).toThrow(/loaded/);
    expect(() => diff(ledger, page([]), options())).toThrow(/loaded/);
  });
});

describe('generations', () => {
  test('are taken one at a time', () => {
    const ledger = newLedger();
    expect(() => ledger.settle()).toThrow(/taken/);
    ledger.take();
    expect(() => ledger.take()).toThrow(/one take at a time/);
    ledger.settle();
    expect(() => ledger.settle()).toThrow(/taken/);
  });

  test('are diffed into while the one before is on its way', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([1])), options());
    ledger.take();
    diff(ledger, page(rowsOf([1, 2], 2)), options());
    ledger.settle();
    expect(ledger.take().map(idsOf)).toEqual([[1, 2]]);
  });

  test('are dropped by a rollback, taken or not', () => {
    const ledger = ledgerWith(rowsOf(range(1, 6)));
    diff(ledger, page(rowsOf(range(1, 8), 2)), options());
    ledger.take();
    diff(ledger, page(rowsOf(range(1, 9), 3)), options());
    ledger.rollback();
    expect(diff(ledger, page(rowsOf(range(1, 6))), options())).toMatchObject({
      unchanged: 6,
      missing: 0,
      touched: false,
    });
    expect([ledger.size, ledger.ids(null, null).at(-1)]).toEqual([6, 6]);
    expect(ledger.take()).toEqual([]);
  });

  test('that settled survive the rollback of the one diffed meanwhile', () => {
    const ledger = newLedger();
    diff(ledger, page(rowsOf([1])), options());
    ledger.take();
    diff(ledger, page(rowsOf([1], 2)), options());
    ledger.settle();
    ledger.rollback();
    expect(ledger.entry(1)?.fingerprint).toMatch(/^00000001/);
  });
});

describe('rank', () => {
  test('counts the smaller ids that are neither left nor missing', () => {
    const ledger = ledgerWith(rowsOf(range(1, 20).map((n) => 10 * n)));
    diff(ledger, page([], { interval: { after: 15, upTo: 30 } }), options());
    ledger.setFlags(100, LEFT, 0);
    expect([0, 10, 11, 30, 31, 100, 101, 200, 5000].map((id) => ledger.rank(id))).toEqual([
      0, 0, 1, 1, 1, 7, 7, 16, 17,
    ]);
    ledger.remove(10, 1);
    expect(ledger.rank(5000)).toBe(16);
  });
});

describe('publish', () => {
  test('may look at other entries of the ledger', () => {
    const ledger = ledgerWith(rowsOf(range(1, 20)));
    const publish = (row: Row, op: Op): Published => {
      expect(ledger.entry(1)?.id).toBe(1);
      return { id: row.id, op, content: row['content'] };
    };
    diff(ledger, page(rowsOf(range(15, 25), 2), { interval: { after: 14, upTo: 25 } }), options({ publish }));
    expect(range(1, 25).map((id) => Number(ledger.entry(id)?.fingerprint.slice(0, 8)))).toEqual([
      ...range(1, 14).map(() => 1),
      ...range(15, 25).map(() => 2),
    ]);
  });
});

test('tells how much memory its entries take', () => {
  const empty = ledgerWith([]).bytes;
  const [some, many] = [ledgerWith(rowsOf(range(1, 9))).bytes, ledgerWith(rowsOf(range(1, 5_000))).bytes];
  expect(some).toBeGreaterThanOrEqual(empty);
  expect(many).toBeGreaterThan(5_000 * 37);
  expect(many).toBeLessThan(5_000 * 200);
});
