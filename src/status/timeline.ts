import type { EntityId, StreamName } from '../model';
import type { ServiceEvent } from '../service/events';
import type { StatusChange } from './board';
import { NewestFirst } from './newest-first';
import type { StatusReason } from './reasons';
import type { StreamState, StreamStatus } from './stream-status';
import { streamName } from './targets';

/** How a stream stands, in two words. */
export interface Standing {
  readonly state: StreamState;
  readonly reason: StatusReason | null;
}

/** A stream stands otherwise than before. */
export interface StateChange {
  readonly atMs: number;
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** Null = nothing is known of before. */
  readonly before: Standing | null;
  readonly now: Standing;
}

const MOST = 500;

/** The last changes of state: of streams of this replica as its board says, of others as the status topic does. */
export class Timeline {
  readonly #owner: string;
  readonly #changes = new NewestFirst<StateChange>(MOST);
  /** How streams of others stand. */
  readonly #others = new Map<string, StreamStatus>();

  constructor(owner: string) {
    this.#owner = owner;
  }

  /** Takes in what the board of this replica found. */
  note(changes: readonly StatusChange[]): void {
    for (const { before, now } of changes) this.#add(before, now);
  }

  /** Takes in what the status topic says. */
  tell(event: ServiceEvent): void {
    if (event.kind !== 'status') return;
    const { entity, stream, status } = event;
    const name = streamName(entity, stream);
    const before = this.#others.get(name);
    if (status === null || status.owner === this.#owner) {
      this.#others.delete(name);
      return;
    }
    this.#others.set(name, status);
    // What is read first is how it stands, which is no change.
    if (before !== undefined) this.#add(before, status);
  }

  /** The newest first. */
  newest(): readonly StateChange[] {
    return this.#changes.all();
  }

  #add(before: StreamStatus | null, now: StreamStatus): void {
    if (before?.state === now.state && before.reason === now.reason) return;
    // Every stream begins so.
    if (before === null && now.reason === null) return;
    this.#changes.add({
      atMs: now.toldMs,
      entity: now.entity,
      stream: now.stream,
      before: before === null ? null : standingOf(before),
      now: standingOf(now),
    });
  }
}

function standingOf({ state, reason }: StreamStatus): Standing {
  return { state, reason };
}
