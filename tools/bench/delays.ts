import { fixed, percentile } from './tables';

export const changeKinds = [
  'new invoice',
  'new correction',
  'new client',
  'paid',
  'edited, unpaid',
  'edited, recent',
  'edited, old',
  'edited client',
  'deleted',
] as const;

export type KindOfChange = (typeof changeKinds)[number];

/** One change of a row, in the order in which they happened. */
export interface Change {
  readonly number: number;
  readonly atMs: number;
  readonly kind: KindOfChange;
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
}

/** A record as a consumer gets it. */
export interface Observed {
  readonly atMs: number;
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
  /** Whether it shows this change of its row, or a later one; a tombstone shows all of them. */
  readonly shows: (change: Change) => boolean;
  readonly tombstone: boolean;
}

/** How long the changes of one kind took, in milliseconds. */
export interface Delays {
  readonly seenAfterMs: readonly number[];
  /** Age of those that nobody has seen yet. */
  readonly waitingMs: readonly number[];
}

/** Holds changes against what a consumer sees of them. */
export interface Tally {
  readonly changed: (change: Change) => void;
  readonly observed: (record: Observed) => void;
  /** Tombstones of rows that nobody had deleted. */
  readonly falseDeletions: () => number;
  readonly delays: (nowMs: number) => ReadonlyMap<KindOfChange, Delays>;
  /** Leaves out of the delays whatever has happened so far. */
  readonly beginAnew: () => void;
}

/** Counts from its making on. */
export function createTally(): Tally {
  const pending = new Map<string, Change[]>();
  const gone = new Set<string>();
  const seen = new Map<KindOfChange, number[]>(changeKinds.map((kind) => [kind, []]));
  let falseDeletions = 0;
  const keyOf = ({ entity, stream, id }: Pick<Change, 'entity' | 'stream' | 'id'>): string =>
    `${entity} ${stream} ${id}`;

  return {
    changed(change) {
      const key = keyOf(change);
      const before = pending.get(key) ?? [];
      if (change.kind !== 'deleted') {
        pending.set(key, [...before, change]);
        return;
      }
      gone.add(key);
      // What was deleted before anybody saw it leaves no trace, and what had changed of a row is not to be seen any more.
      if (before.some(({ kind }) => kind.startsWith('new'))) pending.delete(key);
      else pending.set(key, [change]);
    },
    observed(record) {
      const key = keyOf(record);
      if (record.tombstone && !gone.has(key)) falseDeletions += 1;
      const before = pending.get(key);
      if (before === undefined) return;
      const shown = before.filter((change) => (change.kind === 'deleted' ? record.tombstone : record.shows(change)));
      for (const { kind, atMs } of shown) seen.get(kind)?.push(record.atMs - atMs);
      const left = before.filter((change) => !shown.includes(change));
      if (left.length === 0) pending.delete(key);
      else pending.set(key, left);
    },
    falseDeletions: () => falseDeletions,
    beginAnew() {
      pending.clear();
      for (const delays of seen.values()) delays.length = 0;
    },
    delays(nowMs) {
      const waiting = [...pending.values()].flat();
      return new Map(
        [...seen].map(([kind, seenAfterMs]) => [
          kind,
          {
            seenAfterMs,
            waitingMs: waiting.filter((change) => change.kind === kind).map(({ atMs }) => nowMs - atMs),
          },
        ]),
      );
    },
  };
}

/** How many there were, p50, p95 and the longest, as seconds or minutes; those still waiting count with their age where that is more. */
export function delayCells({ seenAfterMs, waitingMs }: Delays): string[] {
  const share = (part: number): string => shownMs(percentile(seenAfterMs, part));
  const most = seenAfterMs.length === 0 ? NaN : seenAfterMs.reduce((one, other) => Math.max(one, other), 0);
  return [fixed(seenAfterMs.length), share(0.5), share(0.95), shownMs(most), waitingCell(waitingMs)];
}

function waitingCell(waitingMs: readonly number[]): string {
  if (waitingMs.length === 0) return '0';
  return `${waitingMs.length} (${shownMs(waitingMs.reduce((one, other) => Math.max(one, other), 0))})`;
}

/** A time in the unit that suits it. */
export function shownMs(ms: number): string {
  if (Number.isNaN(ms)) return '-';
  if (ms < 100_000) return `${fixed(ms / 1_000, 1)} s`;
  return ms < 6_000_000 ? `${fixed(ms / 60_000, 1)} min` : `${fixed(ms / 3_600_000, 1)} h`;
}
