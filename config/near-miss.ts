/** The known word that somebody most likely meant; null = none is near. Case, dashes and underscores do not count. */
export function nearMiss(word: string, known: readonly string[]): string | null {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_\s]/g, '');
  const meant = plain(word);
  const [nearest] = known
    .map((each) => ({ each, steps: stepsBetween(meant, plain(each)) }))
    .toSorted((one, other) => one.steps - other.steps);
  // A word of three letters or less has many others at one step.
  const most = meant.length <= 3 ? 0 : Math.floor((meant.length + 1) / 3);
  return nearest !== undefined && nearest.steps <= most ? nearest.each : null;
}

/** `: did you mean x?` for the end of a message, or nothing where no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearMiss(word, known);
  return near === null ? '' : `: did you mean ${near}?`;
}

/** Letters to add, drop, replace or swap with their neighbour until one word is the other. */
function stepsBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const changed = (last[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      const swapped = swaps ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min(changed, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last[other.length] ?? 0;
}
