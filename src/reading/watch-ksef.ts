import type { Row } from '../model';
import { concernsKsef } from '../rules/ksef';
import type { PageResult } from '../shard/page-changes';
import type { StreamSession } from '../shard/session';
import { ksefNameOf } from '../sources/streams/ksef';
import { liveOf, type KsefWatch, type StreamReading } from './stream-reading';

/** The documents of a stream in KSeF: what to read next, and what was published of them. */
export interface KsefReading {
  readonly watch: KsefWatch;
  /** The session's handle of what KSeF says of the stream's documents. */
  readonly handle: StreamSession;
}

/** The documents of a stream in KSeF; null = what KSeF says of them is not read. */
export function ksefOf(reading: StreamReading): KsefReading | null {
  const watch = liveOf(reading)?.ksef ?? null;
  if (watch === null) return null;
  const { session, place } = reading;
  return { watch, handle: session.stream(place.entity, ksefNameOf(place.stream)) };
}

/** Has a document read at once of which a webhook says that KSeF has answered. */
export function hurryKsef(reading: StreamReading, id: number): void {
  const watch = liveOf(reading)?.ksef ?? null;
  watch?.schedule.answered(id, reading.shard.now());
  watch?.shown.next();
}

/**
 * Notes which documents of a page KSeF concerns; to be called before the page is added, and what it returns with what the page came to: the
 * rows themselves are not kept until then.
 */
export function watchForKsef(reading: StreamReading, rows: readonly Row[]): (done: PageResult) => void {
  const ksef = ksefOf(reading);
  if (ksef === null) return () => undefined;
  const { watch, handle } = ksef;
  const concerned = new Set<number>();
  const open: { readonly id: number; readonly day: string }[] = [];
  for (const row of rows) {
    if (!concernsKsef(row, watch.from)) continue;
    concerned.add(row.id);
    if (handle.following(row.id) !== 'left') open.push({ id: row.id, day: String(row['invoice_date']) });
  }
  return ({ changed, edited }) => {
    const nowMs = reading.shard.now();
    const ids = [...changed.map(({ id }) => id), ...edited.map(({ row }) => row.id)];
    for (const id of ids) if (concerned.has(id)) watch.schedule.changed(id, nowMs);
    for (const { id, day } of open) watch.schedule.shown(id, day, handle.following(id), nowMs);
    if (concerned.size > 0) watch.shown.next();
  };
}
