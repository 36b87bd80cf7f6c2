const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What is found is forgotten by halves, not before so many walks. */
const WALKS_REMEMBERED = 3;
/** Changes a minute for each row of a list, before anything was found. */
const FIRST_GUESS = 0.01 / 1_000;
/** A shorter list is thought to have as many, as what is known of it costs little and would be learned slowly. */
const LEAST_ROWS = 2_000;

/** What a rate is estimated from. */
export interface Sample {
  /** Weight of one change of the kind that the list mostly shows. */
  readonly weight: number;
  /** Weight of the changes that were found. */
  readonly found: number;
  readonly rows: number;
  /** How long they were looked for. */
  readonly minutes: number;
}

/** Weight a minute that a list is thought to show: what was found, beside a guess by the number of its rows. */
export function weightPerMinute({ weight, found, rows, minutes }: Sample): number {
  const guess = Math.max(LEAST_ROWS, rows) * FIRST_GUESS;
  return (weight + found) / (1 / guess + minutes);
}

/**
 * How much a list is worth, learned from the changes that were found: their weight a second. It begins with a guess by the rows of the list,
 * forgets by halves, every hour or every three walks, and never comes to zero.
 */
export class Rate {
  readonly #weight: number;
  #found = 0;
  #exposureMs = 0;
  #countedMs: number;
  #halvedMs: number;

  /** `weight`: that of one change of the kind that the list mostly shows. */
  constructor(weight: number, nowMs: number) {
    this.#weight = weight;
    this.#countedMs = nowMs;
    this.#halvedMs = nowMs;
  }

  /** Counts changes that were found, by their weight. */
  found(weight: number): void {
    this.#found += weight;
  }

  /** Weight a second, of a list of so many rows that takes so long to be walked. */
  perSecond(rows: number, walkMs: number, nowMs: number): number {
    this.#advance(walkMs, nowMs);
    const sample = { weight: this.#weight, found: this.#found, rows, minutes: this.#exposureMs / MINUTE };
    return weightPerMinute(sample) / 60;
  }

  #expose(untilMs: number): void {
    this.#exposureMs += Math.max(0, untilMs - this.#countedMs);
    this.#countedMs = Math.max(this.#countedMs, untilMs);
  }

  #advance(walkMs: number, nowMs: number): void {
    // A clock that was set back counts for nothing.
    this.#countedMs = Math.min(this.#countedMs, nowMs);
    this.#halvedMs = Math.min(this.#halvedMs, nowMs);
    const halfLifeMs = Math.max(HOUR, WALKS_REMEMBERED * walkMs);
    while (nowMs - this.#halvedMs >= halfLifeMs) {
      this.#halvedMs += halfLifeMs;
      this.#expose(this.#halvedMs);
      this.#found /= 2;
      this.#exposureMs /= 2;
    }
    this.#expose(nowMs);
  }
}
