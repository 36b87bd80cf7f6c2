import type { ChangedRow, EntityId, ScanName, StreamName } from '../model';
import type { ServiceEvent } from '../service/events';
import { NewestFirst } from './newest-first';
import { streamName } from './targets';

/** How many records were published, by what happened to their rows. */
export interface ChangeCounts {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** Published again with the content that was published before. */
  readonly republished: number;
}

/** One row that was published as created, updated or deleted, without anything of its content. */
export interface RowChange {
  readonly kind: 'row';
  /** When its record was committed. */
  readonly atMs: number;
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: ScanName;
  readonly id: number;
  readonly op: ChangedRow['op'];
  /** The change is no older than this: the scan's walk before began so long ago, and saw the row as it was. Null = not known. */
  readonly lateMs: number | null;
}

/** Rows that were published and are not named one by one: a first read, rows published again, or many at once. */
export interface BulkChange {
  readonly kind: 'bulk';
  readonly atMs: number;
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** Null = they were committed after their scan had ended. */
  readonly scan: ScanName | null;
  readonly counts: ChangeCounts;
}

export type RecentChange = RowChange | BulkChange;

/** When the last two walks of a scan began that reached their end; null = none is known. */
interface Walks {
  readonly last: number | null;
  readonly before: number | null;
}

const MOST = 100;
/** A day is one of those whose books are read. */
const days = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Warsaw', dateStyle: 'short' });
const NO_CHANGES: ChangeCounts = { created: 0, updated: 0, deleted: 0, republished: 0 };
const COUNTED = { c: 'created', u: 'updated', d: 'deleted' } as const;

/** Tells the newest changes one by one, and counts those of today by stream; nothing of a row's content is kept. */
export class RecentChanges {
  readonly #newest = new NewestFirst<RecentChange>(MOST);
  readonly #today = new Map<string, ChangeCounts>();
  readonly #walks = new Map<string, Walks>();
  #day = '';

  tell(event: ServiceEvent, nowMs: number): void {
    if (event.kind !== 'page') return;
    const { entity, stream, scan = null, changed = [] } = event;
    const { created, updated, deleted, republished } = event.counts;
    const counts = { created, updated, deleted, republished };
    if (totalOf(counts) > 0) {
      const place = { atMs: nowMs, entity, stream };
      const bulk = unnamed(counts, changed);
      if (totalOf(bulk) > 0) this.#newest.add({ kind: 'bulk', ...place, scan, counts: bulk });
      for (const row of changed)
        this.#newest.add({ kind: 'row', ...place, ...row, lateMs: this.#latenessOf(place, row) });
      this.#begin(nowMs);
      const name = streamName(entity, stream);
      this.#today.set(name, sum(this.#today.get(name) ?? NO_CHANGES, counts));
    }
    this.#noteWalk(event);
  }

  /** The newest first. */
  newest(): readonly RecentChange[] {
    return this.#newest.all();
  }

  /** What this process has published of a stream since midnight in Warsaw. */
  todayOf(entity: EntityId, stream: StreamName, nowMs: number): ChangeCounts {
    this.#begin(nowMs);
    return this.#today.get(streamName(entity, stream)) ?? NO_CHANGES;
  }

  /**
   * A spot read has no walk of its own: a look at the open documents asked for it, which may have ended by now. A row is deleted only after
   * several looks.
   */
  #latenessOf({ atMs, entity, stream }: Pick<RowChange, 'atMs' | 'entity' | 'stream'>, { scan, op }: ChangedRow) {
    if (op === 'd') return null;
    const walks = this.#walks.get(walkName(entity, stream, scan === 'spot' ? 'open' : scan));
    const began = scan === 'spot' ? walks?.before : walks?.last;
    return began === null || began === undefined ? null : Math.max(0, atMs - began);
  }

  /** A walk that did not reach its end says nothing of the rows behind. */
  #noteWalk({ entity, stream, scan, cursor }: Extract<ServiceEvent, { kind: 'page' }>): void {
    if (scan === undefined || scan === 'spot' || cursor.finishedAt === null) return;
    const name = walkName(entity, stream, scan);
    const last = this.#walks.get(name)?.last ?? null;
    const began = Date.parse(cursor.startedAt);
    if (began !== last) this.#walks.set(name, { last: began, before: last });
  }

  #begin(nowMs: number): void {
    const day = days.format(nowMs);
    if (day === this.#day) return;
    this.#day = day;
    this.#today.clear();
  }
}

/** Records of every kind. */
export function totalOf({ created, updated, deleted, republished }: ChangeCounts): number {
  return created + updated + deleted + republished;
}

/** What the counts say beside the rows that are named. */
function unnamed(counts: ChangeCounts, changed: readonly ChangedRow[]): ChangeCounts {
  const left = { ...counts };
  for (const { op } of changed) left[COUNTED[op]] = Math.max(0, left[COUNTED[op]] - 1);
  return left;
}

function walkName(entity: EntityId, stream: StreamName, scan: ScanName): string {
  return `${streamName(entity, stream)} ${scan}`;
}

function sum(one: ChangeCounts, other: ChangeCounts): ChangeCounts {
  return {
    created: one.created + other.created,
    updated: one.updated + other.updated,
    deleted: one.deleted + other.deleted,
    republished: one.republished + other.republished,
  };
}
