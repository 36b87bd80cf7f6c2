/** Numbers in [0, 1), the same ones for the same seed. */
export type Random = () => number;

/** A small generator (mulberry32) whose whole state is one 32-bit number. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A 32-bit seed from any text (FNV-1a). */
export function seedFrom(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** An integer from 0 up to, but not including, `below`. */
export function integer(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** True with the given probability. */
export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

/** One element of a list that is not empty. */
export function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  const chosen = list[integer(random, list.length)];
  return chosen === undefined ? list[0] : chosen;
}

/** So many decimal digits, as text. */
export function digits(random: Random, count: number): string {
  let text = '';
  while (text.length < count) text += String(integer(random, 1_000_000)).padStart(6, '0');
  return text.slice(0, count);
}

/** So many lower-case hexadecimal digits. */
export function hex(random: Random, count: number): string {
  let text = '';
  while (text.length < count) text += integer(random, 0x1000000).toString(16).padStart(6, '0');
  return text.slice(0, count);
}

/** A UUID in the form of version 4. */
export function uuid(random: Random): string {
  const text = hex(random, 32);
  const variant = pick(random, ['8', '9', 'a', 'b']);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
}

/** Puts the numbers in a random order, in place. */
export function shuffle(random: Random, list: number[]): number[] {
  for (let index = list.length - 1; index > 0; index--) {
    const other = integer(random, index + 1);
    const [one, two] = [list[index], list[other]];
    if (one === undefined || two === undefined) continue;
    list[index] = two;
    list[other] = one;
  }
  return list;
}
