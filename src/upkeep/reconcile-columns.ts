/** The sweep cannot have shown the row. */
export const NOT_SHOWN = -1;
/** The sweep may have shown the row as one record of it says, or as another does. */
export const UNKNOWN = -2;
/** The row was outside the scope of the sweep. */
export const OUTSIDE = -3;

/** Bit of a row whose newest record is no tombstone. */
export const LIVE = 1;
/** Bit of a row whose newest record was written before the ledger was read. */
export const SETTLED = 2;
/** Bit of a row whose newest record was published after the sweep had ended. */
export const AFTER = 4;
/** Bit of a row that the sweep itself published while it was under way. */
export const BY_SWEEP = 8;

/** The rows of a stream in columns: a million of them take about 50 MB, whatever they hold. */
export interface Columns {
  /** Adds a row; returns its place. */
  add(): number;
  /** Keeps the fingerprint, 16 hexadecimal digits, and the bits of the newest record. */
  write(place: number, fingerprint: string, bits: number): void;
  /** Keeps how the sweep must have shown the row: the index of the sum that it counts in, or one of the negative numbers above. */
  show(place: number, as: number, amounts: readonly number[]): void;
  /** Whether the newest record has this fingerprint. */
  is(place: number, fingerprint: string): boolean;
  flags(place: number): number;
  shown(place: number): number;
  amount(place: number, index: number): number;
}

/** Makes columns for rows with so many amounts each. */
export function createColumns(width: number): Columns {
  let size = 0;
  let capacity = 1_024;
  let fingerprints = new BigUint64Array(capacity);
  let flags = new Uint8Array(capacity);
  let shown = new Int32Array(capacity);
  let amounts = new Float64Array(capacity * width);
  const spelled = (fingerprint: string): bigint =>
    /^[0-9a-f]{16}$/.test(fingerprint) ? BigInt(`0x${fingerprint}`) : 0n;
  const longer = <T extends { set(from: T): void }>(column: T, make: (length: number) => T, length: number): T => {
    const grown = make(length);
    grown.set(column);
    return grown;
  };
  return {
    add() {
      if (size === capacity) {
        capacity *= 2;
        fingerprints = longer(fingerprints, (length) => new BigUint64Array(length), capacity);
        flags = longer(flags, (length) => new Uint8Array(length), capacity);
        shown = longer(shown, (length) => new Int32Array(length), capacity);
        amounts = longer(amounts, (length) => new Float64Array(length), capacity * width);
      }
      size += 1;
      return size - 1;
    },
    write(place, fingerprint, bits) {
      fingerprints[place] = spelled(fingerprint);
      flags[place] = bits;
    },
    show(place, as, values) {
      shown[place] = as;
      amounts.set(values, place * width);
    },
    is: (place, fingerprint) => fingerprints[place] === spelled(fingerprint),
    flags: (place) => flags[place] ?? 0,
    shown: (place) => shown[place] ?? NOT_SHOWN,
    amount: (place, index) => amounts[place * width + index] ?? 0,
  };
}
