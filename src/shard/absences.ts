import { ABSENT_FOR_MS } from '../rules/deletions';

/** What one read proved of a row that it did not show. */
export interface AbsenceProof {
  readonly id: number;
  /** When the read was asked for; undefined = not known, so that it confirms nothing. */
  readonly askedMs: number | undefined;
  /** When the read was compared with the ledger, which is later than it was made. */
  readonly nowMs: number;
  /** Until when an earlier read must have proved the row absent; null = none did. */
  readonly provedBeforeMs: number | null;
}

/**
 * Which rows of one stream two reads of all rows, far enough apart, have proved absent. It is memory of the process: what is lost with it is
 * proved again. Whether a row is missing still, the ledger says.
 */
export class Absences {
  readonly #absentForMs: number;
  /** When a row was proved absent first, at the latest. */
  readonly #first = new Map<number, number>();
  readonly #confirmed = new Set<number>();

  constructor(absentForMs: number = ABSENT_FOR_MS) {
    this.#absentForMs = absentForMs;
  }

  /** Takes in a proof; the first of a row that was there before begins anew. */
  note({ id, askedMs, nowMs, provedBeforeMs }: AbsenceProof): void {
    if (provedBeforeMs === null) {
      this.#confirmed.delete(id);
      this.#first.set(id, nowMs);
      return;
    }
    const firstMs = this.#first.get(id) ?? provedBeforeMs;
    this.#first.set(id, firstMs);
    if (askedMs !== undefined && askedMs - firstMs >= this.#absentForMs) this.#confirmed.add(id);
  }

  /** Whether two reads have proved the row absent. */
  isConfirmed(id: number): boolean {
    return this.#confirmed.has(id);
  }

  /** When a read confirms that the row is absent, if it is; null = the row was not proved absent, or is confirmed already. */
  confirmableAtMs(id: number): number | null {
    const firstMs = this.#first.get(id);
    return firstMs === undefined || this.#confirmed.has(id) ? null : firstMs + this.#absentForMs;
  }

  /** Forgets the rows that are not missing any more. */
  keep(isMissing: (id: number) => boolean): void {
    for (const id of [...this.#first.keys()]) {
      if (isMissing(id)) continue;
      this.#first.delete(id);
      this.#confirmed.delete(id);
    }
  }
}
