import type { EntityId, StreamName } from '../model';
import type { ServiceEvent } from '../service/events';
import { streamName } from './targets';

interface Walk {
  readonly from: { readonly rows: number; readonly ms: number };
  readonly rows: number;
  readonly total: number | null;
  readonly ms: number;
}

/** Foretells from the rows that sweeps have read so far how long they still take. */
export class SweepPace {
  readonly #walks = new Map<string, Walk>();

  tell(event: ServiceEvent, nowMs: number): void {
    if (event.kind === 'page' && event.scan === 'sweep') {
      const { counts, totalCount, finishedAt } = event.cursor;
      if (finishedAt === null) this.#note(event, { rows: counts.rows, total: totalCount, ms: nowMs });
      else this.#walks.delete(streamName(event.entity, event.stream));
    }
    if (event.kind !== 'status') return;
    const { status } = event;
    const progress = status?.firstSweep ?? null;
    if (status === null) this.#walks.delete(streamName(event.entity, event.stream));
    else if (progress !== null) this.#note(event, { ...progress, ms: status.toldMs });
  }

  /** Milliseconds until the walk's end at the pace so far; null = not to be said yet. */
  leftMs(entity: EntityId, stream: StreamName): number | null {
    const walk = this.#walks.get(streamName(entity, stream));
    if (walk === undefined || walk.total === null) return null;
    const { from, rows, total, ms } = walk;
    if (rows <= from.rows || ms <= from.ms) return null;
    return Math.max(0, ((total - rows) * (ms - from.ms)) / (rows - from.rows));
  }

  #note(
    { entity, stream }: { readonly entity: EntityId; readonly stream: StreamName },
    { rows, total, ms }: Omit<Walk, 'from'>,
  ): void {
    const name = streamName(entity, stream);
    const known = this.#walks.get(name);
    // The own progress comes back by the status topic, later.
    if (known !== undefined && rows >= known.rows) this.#walks.set(name, { from: known.from, rows, total, ms });
    else if (known === undefined || ms > known.ms) this.#walks.set(name, { from: { rows, ms }, rows, total, ms });
  }
}
