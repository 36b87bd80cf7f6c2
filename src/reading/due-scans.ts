import { defer, finalize, Subject, takeUntil, type Observable } from 'rxjs';

import type { WalkedScan } from '../rules/rhythm';
import type { Slot } from '../sources/budget';

/** What waits for leave to make its first request: the next walk of a scan, or the next proof of the list's filters. */
export type Waiting = WalkedScan | 'proof';

/** A scan whose walk may make its first request. */
export interface DueScan {
  readonly scanName: Waiting;
  /** When the leave was given. */
  readonly dueMs: number;
  /** Leave for the first request; whoever takes the scan gives back what is not used. */
  readonly slot: Slot;
}

export interface DueScansOptions {
  readonly now: () => number;
  readonly stop: AbortSignal;
  /** Emits when `stop` is aborted, to late subscribers too. */
  readonly stopping: Observable<unknown>;
  /** Queues the first request of a scan's next walk; the function returned takes it out of the queue. */
  readonly leave: (scanName: Waiting, grant: (slot: Slot) => void) => () => void;
  /** Resolves in a turn of the event loop of the caller's own. */
  readonly turn: () => Promise<void>;
}

/**
 * The scans of one stream while they do nothing: each waits for leave to make the first request of its next walk, some after a rest.
 *
 * They are one Observable with a place in the queue or a timer for each, and not an Observable each: a service of many entities has thousands
 * of scans, and nearly all of them wait for one or the other.
 */
export class DueScans {
  readonly #options: DueScansOptions;
  readonly #due = new Subject<DueScan>();
  readonly #resting = new Map<Waiting, NodeJS.Timeout>();
  /** Scans in the queue, with what takes them out of it. */
  readonly #queued = new Map<Waiting, () => void>();
  /** Emits each scan whose walk may begin; completes when stopped, and then leaves the queue. For one subscriber. */
  readonly due: Observable<DueScan>;

  constructor(options: DueScansOptions) {
    this.#options = options;
    this.due = defer(() => this.#due).pipe(
      takeUntil(options.stopping),
      finalize(() => this.#end()),
    );
  }

  /** Lets a scan that does not walk wait for its next walk, after a rest of so long; after a stop nothing waits any more. */
  wait(scanName: Waiting, restMs = 0): void {
    if (this.#options.stop.aborted) return;
    if (restMs === 0) {
      this.#queue(scanName);
      return;
    }
    clearTimeout(this.#resting.get(scanName));
    this.#resting.set(
      scanName,
      setTimeout(() => {
        this.#resting.delete(scanName);
        this.#queue(scanName);
      }, restMs),
    );
  }

  #queue(scanName: Waiting): void {
    const { leave } = this.#options;
    // Until there is a way out of the queue.
    this.#queued.set(scanName, () => undefined);
    try {
      const out = leave(scanName, (slot) => void this.#emit(scanName, slot));
      if (this.#queued.has(scanName)) this.#queued.set(scanName, out);
    } catch (error) {
      this.#due.error(error);
    }
  }

  async #emit(scanName: Waiting, slot: Slot): Promise<void> {
    await this.#options.turn();
    if (this.#queued.delete(scanName)) this.#due.next({ scanName, dueMs: this.#options.now(), slot });
    else slot.done({});
  }

  #end(): void {
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    const queued = [...this.#queued.values()];
    this.#queued.clear();
    for (const out of queued) out();
  }
}
