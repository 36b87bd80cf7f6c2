import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { RecordError } from '../../src/errors';
import { EntryFlag, NO_DATE } from '../../src/changes/block';
import type { Entry } from '../../src/changes/entries';
import { createLedger, type Ledger } from '../../src/changes/ledger';
import type { LedgerBlock, Op, Page, Row, ScanName } from '../../src/model';
import type { PageChanges } from '../../src/shard/compare-page';
import { diff as diffPage, type DiffOptions } from '../support/diff';

const { OPEN, LEFT, DEAD_LETTERED, REPUBLISH, PUBLISHED, LINES_DUE, CARRIED } = EntryFlag;
const LAST_ID = 14;
const IDS = Array.from({ length: LAST_ID }, (_, n) => n + 1);

type Action =
  | { readonly does: 'edit' | 'drop' | 'remove' | 'answer' | 'diff'; readonly id: number }
  | { readonly does: 'ask'; readonly scan: ScanName; readonly after: number; readonly length: number }
  | { readonly does: 'flag'; readonly id: number; readonly set: number; readonly clear: number }
  | { readonly does: 'rescope'; readonly from: number | null; readonly to: number | null }
  | { readonly does: 'take' | 'settle' | 'rollback' | 'unknown' | 'restart' | 'sweep' | 'redefine' | 'lines' };

interface Published {
  readonly id: number;
  readonly op: Op;
  readonly version: number;
  /** Lines before and after; null = none were published. */
  readonly lines: readonly [number, number] | null;
}

interface Request {
  readonly scan: ScanName;
  readonly after: number;
  readonly upTo: number;
  readonly began: number;
  answer: { readonly rows: readonly Row[]; readonly ended: number } | undefined;
}

/** Every edit of the world makes a version of its own, so that older and newer can be told apart. */
const versionOf = (row: Row): number => Number(row['version']);
const isBad = (row: Row): boolean => versionOf(row) % 7 === 0;
const uuidOf = (row: Row): string | null => {
  const version = versionOf(row);
  if (version % 3 === 0) return null;
  return version % 3 === 1 ? `odd ${version}` : `00000000-0000-0000-0000-${version.toString(16).padStart(12, '0')}`;
};
const dateOf = (row: Row): number => (versionOf(row) % 5 === 0 ? NO_DATE : (versionOf(row) % 9) - 4);
const linesOf = (row: Row): number => versionOf(row) % 4;
const hexOf = (version: number, definition: number): string =>
  version.toString(16).padStart(8, '0') + definition.toString(16).padStart(8, '0');
const seenBy = ({ scan, isOpen }: DiffOptions<Published>, row: Row, flags: number): number =>
  scan !== 'spot' && isOpen(row) ? flags | OPEN : flags & ~OPEN;
const isComputable = (definition: number): boolean => definition % 3 !== 0;

function fingerprintUnder(definition: number) {
  return (row: Row, out: Uint32Array): void => {
    out[0] = versionOf(row);
    out[1] = definition;
  };
}

/** The same promises, kept the slow way: one map, whole copies of it, and marks that are never forgotten. */
class Model {
  entries = new Map<number, Entry>();
  durable = new Map<number, Entry>();
  taken: Map<number, Entry> | undefined;
  marks = new Map<number, number>();

  diff(page: Page, how: DiffOptions<Published>): PageChanges<Published> {
    const records: Published[] = [];
    const deadLetters: PageChanges<Published>['deadLetters'][number][] = [];
    const stale: number[] = [];
    const counts = { created: 0, firstRead: 0, updated: 0, republished: 0, unchanged: 0, missing: 0, absent: 0 };
    const edited: PageChanges<Published>['edited'][number][] = [];
    let touched = false;
    const isStale = (id: number) => page.began < (this.marks.get(id) ?? -1);
    for (const row of page.rows.toSorted((a, b) => a.id - b.id)) {
      const entry = this.entries.get(row.id);
      const fingerprint = hexOf(versionOf(row), how.definition);
      const equal =
        entry !== undefined &&
        (entry.definition === how.definition || isComputable(entry.definition)) &&
        entry.fingerprint === hexOf(versionOf(row), entry.definition);
      if (isStale(row.id)) {
        if (equal) counts.unchanged++;
        else stale.push(row.id);
        continue;
      }
      const before = entry?.flags ?? 0;
      const isCarried = entry?.definition === how.definition || (before & DEAD_LETTERED) !== 0;
      const date = dateOf(row);
      const seen: Entry = {
        id: row.id,
        fingerprint,
        definition: how.definition,
        uuid: uuidOf(row),
        date: date === NO_DATE ? null : date,
        flags: seenBy(how, row, isCarried ? before : before & ~CARRIED) & ~LEFT,
        missing: 0,
        lines: entry?.lines ?? 0,
      };
      if (equal && (before & REPUBLISH) === 0) {
        const due = (before & LINES_DUE) !== 0 || (seen.lines === 0 && linesOf(row) > 0);
        if (how.lines !== null && due && (before & DEAD_LETTERED) === 0) {
          records.push({ id: row.id, op: 'r', version: versionOf(row), lines: [seen.lines, linesOf(row)] });
          touched = true;
          counts.republished++;
          this.entries.set(row.id, { ...seen, flags: seen.flags & ~LINES_DUE, lines: linesOf(row) });
          continue;
        }
        counts.unchanged++;
        if (JSON.stringify(seen) !== JSON.stringify(entry)) touched = true;
        this.entries.set(row.id, seen);
        continue;
      }
      touched = true;
      this.marks.set(row.id, page.ended);
      const first = (before & PUBLISHED) === 0;
      const op = (before & REPUBLISH) !== 0 || (first && how.beforeFirstFinishedSweep) ? 'r' : first ? 'c' : 'u';
      if (isBad(row)) {
        const stands = entry !== undefined && (before & (PUBLISHED | DEAD_LETTERED)) === PUBLISHED;
        const last = stands ? { fingerprint: entry.fingerprint, definition: entry.definition } : null;
        deadLetters.push({ row, error: badRow, fingerprint, op, before: last });
        this.entries.set(row.id, { ...seen, flags: (seen.flags & ~REPUBLISH) | DEAD_LETTERED });
        continue;
      }
      const lines = how.lines === null ? seen.lines : linesOf(row);
      records.push({ id: row.id, op, version: versionOf(row), lines: how.lines === null ? null : [seen.lines, lines] });
      counts[first ? 'created' : equal && (before & DEAD_LETTERED) === 0 ? 'republished' : 'updated']++;
      if (first && op === 'r') counts.firstRead++;
      if (!first && (!equal || (before & DEAD_LETTERED) !== 0))
        edited.push({ id: row.id, wasOpen: (before & OPEN) !== 0, isOpen: how.isOpen(row), date });
      const due = how.lines === null && lines > 0 ? LINES_DUE : 0;
      const flags = (seen.flags & ~(REPUBLISH | DEAD_LETTERED | LINES_DUE)) | PUBLISHED | CARRIED | due;
      this.entries.set(row.id, { ...seen, flags, lines });
    }
    if (how.scan === 'sweep') {
      for (const [id, entry] of this.entries) {
        const { after, upTo } = page.interval;
        const inside = id > (after ?? 0) && id <= (upTo ?? Infinity);
        const shown = page.rows.some((row) => row.id === id);
        if (!inside || shown || isStale(id) || (entry.flags & LEFT) !== 0) continue;
        counts.absent++;
        if (entry.missing !== 0) continue;
        this.entries.set(id, { ...entry, missing: how.sweep });
        counts.missing++;
        touched = true;
      }
    }
    // A row that is not there when it is read by itself is open no longer.
    const sought = page.interval.upTo;
    const alone =
      how.scan === 'spot' && page.rows.length === 0 && sought !== null ? this.entries.get(sought) : undefined;
    if (alone !== undefined && (alone.flags & OPEN) !== 0) {
      this.entries.set(alone.id, { ...alone, flags: alone.flags & ~OPEN });
      touched = true;
    }
    const noLongerOpen = [...this.entries.values()]
      .filter(({ id, flags }) => {
        const { after, upTo } = page.interval;
        const inside = id > (after ?? 0) && id <= (upTo ?? Infinity);
        return inside && (flags & (OPEN | LEFT)) === OPEN && !page.rows.some((row) => row.id === id) && !isStale(id);
      })
      .map(({ id }) => id)
      .sort((a, b) => a - b);
    const changed = records.flatMap(({ id, op }) => (op === 'r' ? [] : [{ id, op, scan: how.scan }])).slice(0, 20);
    return {
      records,
      deadLetters,
      changed,
      stale,
      noLongerOpen: how.scan === 'open' ? noLongerOpen : [],
      touched,
      edited,
      ...counts,
    };
  }

  change(id: number, change: Partial<Entry>): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.entries.set(id, { ...entry, ...change });
  }

  restore(durable: Map<number, Entry>): void {
    this.entries = new Map(durable);
    this.durable = durable;
    this.taken = undefined;
    this.marks.clear();
  }
}

const badRow = new RecordError('expected a good row, got a bad one', { path: 'version' });

function expectSame(ledger: Ledger, model: Model): void {
  const entries = [...model.entries.values()].sort((a, b) => a.id - b.id);
  const live = entries.filter(({ flags, missing }) => (flags & LEFT) === 0 && missing === 0);
  const open = live.filter(({ flags }) => (flags & OPEN) !== 0);
  const held = {
    entries: IDS.flatMap((id) => ledger.entry(id) ?? []),
    ranks: IDS.map((id) => ledger.rank(id)),
    openRanks: IDS.map((id) => ledger.rank(id, 'open')),
    sizes: [ledger.sizeOf('all'), ledger.sizeOf('open')],
    size: ledger.size,
    missing: ledger.missingSince(2),
  };
  const expected = {
    entries,
    ranks: IDS.map((id) => live.filter((entry) => entry.id < id).length),
    openRanks: IDS.map((id) => open.filter((entry) => entry.id < id).length),
    sizes: [live.length, open.length],
    size: entries.filter(({ flags }) => (flags & LEFT) === 0).length,
    missing: entries.filter(({ missing }) => missing > 0 && missing <= 2).map(({ id }) => id),
  };
  // `toEqual` explains a difference well but takes its time to find that there is none.
  if (!isDeepStrictEqual(held, expected)) expect(held).toEqual(expected);
}

function expectOwnUuids({ from, ids, oddUuids }: LedgerBlock): void {
  let id = from;
  const own = ids.map((step) => (id += step));
  expect(oddUuids.filter((odd) => !own.includes(odd.id))).toEqual([]);
}

/** Runs a history against a ledger and the model side by side. */
function run(actions: readonly Action[], blockEntries: number): void {
  const world = new Map<number, Row>();
  const model = new Model();
  const stateTopic = new Map<number, LedgerBlock>();
  const newest = new Map<number, number>();
  let newestDurable = new Map<number, number>();
  let newestTaken = new Map<number, number>();
  let ledger = newLedger();
  let requests: Request[] = [];
  let takenBlocks: LedgerBlock[] = [];
  let clock = 0;
  let version = 0;
  let sweep = 1;
  let definition = 1;
  let linesAsked = false;

  function newLedger(): Ledger {
    return createLedger({ entity: 'acme', stream: 'invoices', blockEntries });
  }

  function diff(page: Page, scan: ScanName): PageChanges<Published> {
    const how: DiffOptions<Published> = {
      scan,
      proves: scan === 'sweep' ? 'all' : scan === 'open' ? 'open' : null,
      isOpen: (row) => versionOf(row) % 2 === 0,
      sweep,
      beforeFirstFinishedSweep: sweep === 1,
      definition,
      fingerprint: fingerprintUnder(definition),
      fingerprintOf: (older) => (isComputable(older) ? fingerprintUnder(older) : undefined),
      uuidOf,
      dateOf,
      lines: linesAsked
        ? {
            count: linesOf,
            publish: (row, _fingerprint, before) => ({
              id: row.id,
              op: 'r',
              version: versionOf(row),
              lines: [before, linesOf(row)],
            }),
          }
        : null,
      publish: (row, op, _fingerprint, before) => {
        if (isBad(row)) throw badRow;
        return { id: row.id, op, version: versionOf(row), lines: linesAsked ? [before, linesOf(row)] : null };
      },
      oldestOpen: Math.min(page.began, ...requests.map(({ began }) => began)),
    };
    const result = diffPage(ledger, page, how);
    expect(result).toEqual(model.diff(page, how));
    for (const record of result.records) {
      expect(record.version).toBeGreaterThanOrEqual(newest.get(record.id) ?? 0);
      newest.set(record.id, record.version);
    }
    return result;
  }

  function look(after: number, upTo: number): Row[] {
    return [...world.values()].filter(({ id }) => id > after && id <= upTo).sort((a, b) => a.id - b.id);
  }

  function settled(): void {
    for (const block of takenBlocks.toReversed()) stateTopic.set(block.from, block);
    newestDurable = newestTaken;
    model.durable = model.taken ?? model.durable;
    model.taken = undefined;
  }

  function dropped(): void {
    requests = [];
    model.restore(model.durable);
    newest.clear();
    for (const [id, of] of newestDurable) newest.set(id, of);
  }

  function step(action: Action): void {
    switch (action.does) {
      case 'edit':
        world.set(action.id, { id: action.id, version: ++version });
        break;
      case 'drop':
        world.delete(action.id);
        break;
      case 'remove': {
        const began = clock++;
        if (world.has(action.id)) break;
        expect(ledger.remove(action.id, began + 1)).toBe(model.entries.has(action.id));
        if (model.entries.delete(action.id)) model.marks.set(action.id, began + 1);
        clock++;
        break;
      }
      case 'ask': {
        const upTo = action.after + action.length;
        requests.push({ scan: action.scan, after: action.after, upTo, began: clock++, answer: undefined });
        break;
      }
      case 'answer': {
        const request = requests[action.id % requests.length];
        if (request !== undefined) request.answer ??= { rows: look(request.after, request.upTo), ended: clock++ };
        break;
      }
      case 'diff': {
        const ready = requests.filter(({ answer }) => answer !== undefined);
        const request = ready[action.id % ready.length];
        if (request?.answer === undefined) break;
        requests = requests.filter((other) => other !== request);
        const rows = request.scan === 'newest' ? request.answer.rows.toReversed() : request.answer.rows;
        diff(pageOf(rows, request.after, request.upTo, request.began, request.answer.ended), request.scan);
        break;
      }
      case 'flag': {
        const before = model.entries.get(action.id)?.flags;
        const after = ((before ?? 0) & ~action.clear) | action.set;
        expect(ledger.setFlags(action.id, action.set, action.clear)).toBe(before !== undefined && before !== after);
        model.change(action.id, (after & LEFT) === 0 ? { flags: after } : { flags: after, missing: 0 });
        break;
      }
      case 'lines':
        linesAsked = !linesAsked;
        break;
      case 'rescope': {
        const { from, to } = action;
        const outside = [...model.entries.values()].filter(
          ({ date, flags }) =>
            (from !== null || to !== null) &&
            (flags & LEFT) === 0 &&
            (date === null || date < (from ?? -Infinity) || date > (to ?? Infinity)),
        );
        expect(ledger.rescope(from, to)).toBe(outside.length);
        for (const { id, flags } of outside) model.change(id, { flags: flags | LEFT, missing: 0 });
        break;
      }
      case 'take':
        if (model.taken !== undefined) break;
        takenBlocks = ledger.take();
        for (const block of takenBlocks) expectOwnUuids(block);
        model.taken = new Map(model.entries);
        newestTaken = new Map(newest);
        break;
      case 'settle':
        if (model.taken === undefined) break;
        ledger.settle();
        settled();
        break;
      case 'rollback':
        ledger.rollback();
        dropped();
        break;
      case 'unknown':
        if (model.taken === undefined) break;
        ledger.rollback();
        settled();
        dropped();
        for (const block of takenBlocks.toReversed()) ledger.load(block);
        ledger.loaded();
        break;
      case 'restart':
        ledger = newLedger();
        for (const block of stateTopic.values()) ledger.load(block);
        ledger.loaded();
        dropped();
        break;
      case 'sweep':
        sweep++;
        break;
      case 'redefine':
        definition++;
        break;
    }
  }

  for (const action of actions) {
    step(action);
    expectSame(ledger, model);
  }

  // I1: once everything old is diffed, one sweep brings the topic up to the world.
  for (const request of requests.splice(0)) {
    const rows = request.answer?.rows ?? look(request.after, request.upTo);
    const ended = request.answer?.ended ?? clock++;
    diff(pageOf(rows, request.after, request.upTo, request.began, ended), 'open');
  }
  const last = diff(pageOf(look(0, LAST_ID), 0, LAST_ID, clock, clock + 1), 'sweep');
  expect(last.stale).toEqual([]);
  for (const row of world.values()) {
    const { fingerprint, flags = 0, missing } = ledger.entry(row.id) ?? {};
    expect(fingerprint).toBe(hexOf(versionOf(row), definition));
    expect(missing).toBe(0);
    expect((flags & DEAD_LETTERED) !== 0).toBe(isBad(row));
    if (!isBad(row)) expect(newest.get(row.id)).toBe(versionOf(row));
  }
  expect(diff(pageOf(look(0, LAST_ID), 0, LAST_ID, clock + 1, clock + 2), 'sweep').touched).toBe(false);
  expectSame(ledger, model);
}

function pageOf(rows: readonly Row[], after: number, upTo: number, began: number, ended: number): Page {
  return {
    rows,
    strays: [],
    outsideQuery: 0,
    interval: { after: after === 0 ? null : after, upTo: upTo >= LAST_ID ? null : upTo },
    totalCount: rows.length,
    began,
    ended,
    next: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
    end: false,
  };
}

const id = fc.integer({ min: 1, max: LAST_ID });
const scan = fc.constantFrom<ScanName>('sweep', 'sweep', 'newest', 'open', 'recent', 'paid', 'changed', 'spot');
const day = fc.option(fc.integer({ min: -4, max: 4 }));
const bits = fc.subarray([OPEN, LEFT, REPUBLISH], { maxLength: 2 }).map((flags) => flags.reduce((a, b) => a | b, 0));
const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ does: fc.constant('edit' as const), id }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('drop' as const, 'remove' as const), id }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constant('ask' as const),
      scan,
      after: fc.integer({ min: 0, max: LAST_ID }),
      length: fc.integer({ min: 0, max: LAST_ID }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ does: fc.constantFrom('answer' as const, 'diff' as const), id }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('flag' as const), id, set: bits, clear: bits }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('rescope' as const), from: day, to: day }) },
  { weight: 6, arbitrary: fc.record({ does: fc.constantFrom('take' as const, 'settle' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom('rollback' as const, 'unknown' as const, 'restart' as const, 'sweep' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('redefine' as const, 'lines' as const) }) },
);

test('a ledger does in any history what a map of entries does, and restores from its blocks to the same', () => {
  fc.assert(fc.property(fc.array(action, { maxLength: 120, size: 'max' }), fc.integer({ min: 2, max: 6 }), run), {
    numRuns: 500,
  });
});
