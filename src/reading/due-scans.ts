import { defer, finalize, Subject, takeUntil, type Observable } from 'rxjs';

import type { TimedScan } from '../rules/rhythm';
import type { Slot } from '../sources/budget';

/** A scan whose walk may make its first request. */
export interface DueScan {
  readonly scanName: TimedScan;
  /** When it fell due. */
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
  readonly leave: (scanName: TimedScan, dueMs: number, grant: (slot: Slot) => void) => () => void;
  /** Resolves in a turn of the event loop of the caller's own. */
  readonly turn: () => Promise<void>;
}

/**
 * The scans of one stream while they do nothing: each rests until it is due, then waits for leave to make its first request.
 *
 * They are one Observable with a timer or a place in the queue for each, and not an Observable each: a service of many entities has thousands
 * of scans, and nearly all of them wait for one or the other.
 */
export class DueScans {
  readonly #options: DueScansOptions;
  readonly #due = new Subject<DueScan>();
  readonly #resting = new Map<TimedScan, NodeJS.Timeout>();
  /** Scans in the queue, with what takes them out of it. */
  readonly #queued = new Map<TimedScan, () => void>();
  /** Emits each scan whose walk may begin; completes when stopped, and then leaves the queue. For one subscriber. */
  readonly due: Observable<DueScan>;

  constructor(options: DueScansOptions) {
    this.#options = options;
    this.due = defer(() => this.#due).pipe(
      takeUntil(options.stopping),
      finalize(() => this.#end()),
    );
  }

  /** Lets a scan that does not walk rest for so long, whether it was resting or not; after a stop nothing rests any more. */
  rest(scanName: TimedScan, waitMs: number): void {
    clearTimeout(this.#resting.get(scanName));
    if (this.#options.stop.aborted) return;
    this.#resting.set(
      scanName,
      setTimeout(() => this.#queue(scanName), waitMs),
    );
  }

  isResting(scanName: TimedScan): boolean {
    return this.#resting.has(scanName);
  }

  #queue(scanName: TimedScan): void {
    const { leave, now } = this.#options;
    const dueMs = now();
    this.#resting.delete(scanName);
    // Until there is a way out of the queue.
    this.#queued.set(scanName, () => undefined);
    try {
      const out = leave(scanName, dueMs, (slot) => void this.#emit({ scanName, dueMs, slot }));
      if (this.#queued.has(scanName)) this.#queued.set(scanName, out);
    } catch (error) {
      this.#due.error(error);
    }
  }

  async #emit(scan: DueScan): Promise<void> {
    await this.#options.turn();
    if (this.#queued.delete(scan.scanName)) this.#due.next(scan);
    else scan.slot.done({});
  }

  #end(): void {
    for (const timer of this.#resting.values()) clearTimeout(timer);
    this.#resting.clear();
    const queued = [...this.#queued.values()];
    this.#queued.clear();
    for (const out of queued) out();
  }
}
