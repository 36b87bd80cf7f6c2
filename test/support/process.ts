import { retry, throwError, type Observable } from 'rxjs';

import { TransientError } from '../../src/errors';
import { whenAborted } from '../../src/operators/when-aborted';
import { readShard } from '../../src/reading/read-shard';
import type { Rhythm, ShardReadingOptions } from '../../src/reading/stream-reading';
import type { Session } from '../../src/shard/session';
import { createShard } from '../../src/shard/shard';
import type { ShardOptions } from '../../src/shard/shard-options';

// A process that reads one shard in a made-up world, and ends as processes do.

/** How a process ends, if it is not done before so many steps. */
export interface Ending {
  readonly after: number;
  readonly how: 'killed' | 'paused' | 'stopped';
}

/** How a process ended; `complete` = every list was swept. */
export type ProcessResult = 'complete' | 'incomplete' | 'killed';

/** A process that was started. */
export interface StartedProcess {
  readonly done: Promise<ProcessResult>;
  /** Nobody waits for it any longer, though a paused one may go on. */
  readonly left: Promise<ProcessResult>;
}

/** What a process reads, and of what it is made. */
export interface ProcessSetting {
  readonly ending: Ending | null;
  /** `entity stream` of each list that is read. */
  readonly lists: readonly string[];
  /** All scans side by side, until each list had so many sweeps; null = one sweep of each. */
  readonly sideBySide: { readonly rhythm: Rhythm; readonly sweeps: number } | null;
  /** What a process that is paused waits for, one after the other. */
  readonly pauses: readonly (() => Promise<void>)[];
  /** Emits when a lost shard is to be opened again. */
  readonly reopening: () => Observable<unknown>;
  /** `step` is to be awaited wherever the process may end. */
  readonly shard: (step: () => Promise<void>) => ShardOptions;
  readonly readers: (step: () => Promise<void>) => ShardReadingOptions['readers'];
  /** Called with each session that is opened, for what runs beside its reading. */
  readonly beside?: (session: Session, step: () => Promise<void>, stop: AbortSignal) => void;
  readonly reading: Pick<
    ShardReadingOptions,
    'newId' | 'parkMs' | 'limit' | 'credits' | 'requestOrder' | 'now' | 'hints'
  >;
}

/** Starts a process; everything that it knows is made here. */
export function startProcess(setting: ProcessSetting): StartedProcess {
  const { ending, lists, sideBySide } = setting;
  const stop = new AbortController();
  const killed = deferred<ProcessResult>();
  const paused = deferred<ProcessResult>();
  let state: 'alive' | 'stopping' | 'paused' | 'dead' = 'alive';
  let steps = 0;
  const beStopped = (): void => {
    state = 'stopping';
    stop.abort();
  };
  const step = async (): Promise<void> => {
    steps += 1;
    if (state === 'alive' && ending !== null && steps >= ending.after) {
      if (ending.how === 'stopped') beStopped();
      else if (ending.how === 'killed') {
        state = 'dead';
        killed.resolve('killed');
      } else {
        state = 'paused';
        paused.resolve('incomplete');
        for (const pause of setting.pauses) await pause();
      }
    }
    // The dead do nothing more: whatever they wait for never comes.
    if (state === 'dead') await new Promise(() => undefined);
  };
  const shard = createShard(withSteps(setting.shard(step), step));
  const sweeps = new Map<string, number>();
  const done = new Promise<ProcessResult>((resolve, reject) => {
    const subscription = readShard({
      ...setting.reading,
      open: async () => {
        const session = await shard.open();
        setting.beside?.(session, step, stop.signal);
        return session;
      },
      readers: setting.readers(step),
      rhythm: sideBySide?.rhythm ?? null,
      ksef: null,
      twins: { check: () => undefined, identified: () => undefined },
      turn: () => Promise.resolve(),
      stop: stop.signal,
      stopping: whenAborted(stop.signal),
    })
      .pipe(
        retry({
          delay: (error: unknown) =>
            error instanceof TransientError && state === 'alive' ? setting.reopening() : throwError(() => error),
        }),
      )
      .subscribe({
        next: (progress) => {
          if (progress.kind !== 'sweep') return;
          const name = `${progress.entity} ${progress.stream}`;
          sweeps.set(name, (sweeps.get(name) ?? 0) + 1);
          const wanted = sideBySide?.sweeps ?? Infinity;
          if (state === 'alive' && lists.every((list) => (sweeps.get(list) ?? 0) >= wanted)) beStopped();
        },
        complete: () => resolve(lists.every((list) => sweeps.has(list)) ? 'complete' : 'incomplete'),
        error: (error: unknown) => {
          if (error instanceof TransientError && state !== 'alive') resolve('incomplete');
          else reject(error instanceof Error ? error : new Error(String(error)));
        },
      });
    void killed.promise.then((result) => {
      subscription.unsubscribe();
      resolve(result);
    });
  });
  return { done, left: Promise.race([done, paused.promise]) };
}

/** A shard whose process may end before it has a writer, and before and after each commit. */
function withSteps(options: ShardOptions, step: () => Promise<void>): ShardOptions {
  return {
    ...options,
    openWriter: async (...wanted) => {
      await step();
      const writer = await options.openWriter(...wanted);
      return {
        async commit(batch) {
          await step();
          const outcome = await writer.commit(batch);
          await step();
          return outcome;
        },
        close: () => writer.close(),
      };
    },
  };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
