import type { EntityId, StreamName } from '../model';

/** A finished sweep of a stream, as far as it is evidence of what was read. */
export interface SweepEvidence {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly number: number;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly complete: boolean;
  /** What it lacks, in words; empty where it is complete. */
  readonly lacks: string;
}

/** How one stream stands to an instant; `earlier`: its last finished sweep began too early, `none`: no finished sweep is known. */
export type StreamCoverage = { readonly stream: StreamName } & (
  { readonly kind: 'covered' | 'incomplete' | 'earlier'; readonly sweep: SweepEvidence } | { readonly kind: 'none' }
);

/** Whether all that the API showed before an instant is on the topics. */
export interface Coverage {
  /** `covered`: of every stream; `incomplete`: a sweep that would cover the instant is finished and lacks something. */
  readonly kind: 'covered' | 'incomplete' | 'waiting';
  readonly streams: readonly StreamCoverage[];
}

/**
 * Gathers finished sweeps, the same ones again where a reading is begun anew, and says whether those of an entity cover an instant: a sweep that began
 * later has read everything that the API showed before. Of several such sweeps the newest counts, as what one lacked the next may have.
 */
export class CoverageWatch {
  readonly #newest = new Map<StreamName, SweepEvidence>();

  constructor(
    private readonly wanted: {
      readonly entity: EntityId;
      readonly streams: readonly StreamName[];
      readonly instantMs: number;
    },
  ) {}

  /** Takes in a finished sweep; one of another entity or stream is left out. */
  add(sweep: SweepEvidence): void {
    if (sweep.entity !== this.wanted.entity || !this.wanted.streams.includes(sweep.stream)) return;
    const known = this.#newest.get(sweep.stream);
    if (known === undefined || known.startedAtMs <= sweep.startedAtMs) this.#newest.set(sweep.stream, sweep);
  }

  coverage(): Coverage {
    const streams = this.wanted.streams.map((stream): StreamCoverage => {
      const sweep = this.#newest.get(stream);
      return sweep === undefined ? { stream, kind: 'none' } : { stream, kind: this.#kindOf(sweep), sweep };
    });
    const has = (kind: StreamCoverage['kind']): boolean => streams.some((each) => each.kind === kind);
    if (has('incomplete')) return { kind: 'incomplete', streams };
    return { kind: has('earlier') || has('none') ? 'waiting' : 'covered', streams };
  }

  #kindOf({ startedAtMs, complete }: SweepEvidence): 'covered' | 'incomplete' | 'earlier' {
    if (startedAtMs <= this.wanted.instantMs) return 'earlier';
    return complete ? 'covered' : 'incomplete';
  }
}
