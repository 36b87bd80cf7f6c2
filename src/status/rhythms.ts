import type { EntityId, StreamName } from '../model';
import type { ScanFigures } from '../rules/stream-schedule';
import type { ServiceEvent } from '../service/events';
import { streamName } from './targets';

/** How often this replica reads the lists of its streams, as it was told last. */
export class Rhythms {
  readonly #scans = new Map<string, readonly ScanFigures[]>();

  tell(event: ServiceEvent): void {
    if (event.kind === 'rhythm') this.#scans.set(streamName(event.entity, event.stream), event.scans);
    // Of streams that another replica reads from now on, nothing is told here any more; the others are told of again within a minute.
    if (event.kind === 'shards' || event.kind === 'entities') this.#scans.clear();
  }

  /** None = nothing was told yet, or another replica reads the stream. */
  of(entity: EntityId, stream: StreamName): readonly ScanFigures[] {
    return this.#scans.get(streamName(entity, stream)) ?? [];
  }
}
