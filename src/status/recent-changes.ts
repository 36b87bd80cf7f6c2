import type { EntityId, ScanName, StreamName } from '../model';
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

/** What one page of a scan has changed. */
export interface PageChange {
  readonly atMs: number;
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** Null = it was committed after its scan had ended. */
  readonly scan: ScanName | null;
  readonly counts: ChangeCounts;
}

const MOST = 100;
/** A day is one of those whose books are read. */
const days = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Warsaw', dateStyle: 'short' });
const NO_CHANGES: ChangeCounts = { created: 0, updated: 0, deleted: 0, republished: 0 };
/** Counts what was published: of the newest pages each, of today by stream; nothing of a row's content is kept. */
export class RecentChanges {
  readonly #newest = new NewestFirst<PageChange>(MOST);
  readonly #today = new Map<string, ChangeCounts>();
  #day = '';

  tell(event: ServiceEvent, nowMs: number): void {
    if (event.kind !== 'page') return;
    const { entity, stream, scan = null } = event;
    const { created, updated, deleted, republished } = event.counts;
    const counts = { created, updated, deleted, republished };
    if (totalOf(counts) === 0) return;
    this.#newest.add({ atMs: nowMs, entity, stream, scan, counts });
    this.#begin(nowMs);
    const name = streamName(entity, stream);
    this.#today.set(name, sum(this.#today.get(name) ?? NO_CHANGES, counts));
  }

  /** The newest first. */
  newest(): readonly PageChange[] {
    return this.#newest.all();
  }

  /** What this process has published of a stream since midnight in Warsaw. */
  todayOf(entity: EntityId, stream: StreamName, nowMs: number): ChangeCounts {
    this.#begin(nowMs);
    return this.#today.get(streamName(entity, stream)) ?? NO_CHANGES;
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

function sum(one: ChangeCounts, other: ChangeCounts): ChangeCounts {
  return {
    created: one.created + other.created,
    updated: one.updated + other.updated,
    deleted: one.deleted + other.deleted,
    republished: one.republished + other.republished,
  };
}
