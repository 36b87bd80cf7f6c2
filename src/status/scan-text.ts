import type { WalkedScan } from '../rules/rhythm';
import type { Pacing, ScanFigures } from '../rules/stream-schedule';

const FOUND: Readonly<Record<WalkedScan, readonly [one: string, many: string]>> = {
  newest: ['new row', 'new rows'],
  open: ['payment or edit', 'payments and edits'],
  recent: ['edit of a recent document', 'edits of recent documents'],
  sweep: ['change', 'changes'],
  paid: ['payment', 'payments'],
  changed: ['edit', 'edits'],
};

/** How often a list is read and why, in words: `open: a page every 12 s, all 82 every 16 min, because about 3 payments and edits an hour show there`. */
export function scanText({ scan, pages, everyMs, pacing, changesPerMinute }: ScanFigures): string {
  const often =
    pages === 1
      ? `its one page every ${spanText(everyMs)}`
      : `a page every ${spanText(everyMs / pages)}, all ${pages} every ${spanText(everyMs)}`;
  return `${scan}: ${often}, ${whyText(scan, pacing, changesPerMinute)}`;
}

function whyText(scan: WalkedScan, pacing: Pacing, changesPerMinute: number): string {
  const changes = foundText(scan, changesPerMinute);
  switch (pacing) {
    case 'changes':
      return `because ${changes} there`;
    case 'guarantee':
      return `as it is guaranteed; ${changes} there`;
    case 'look':
      return `as there are requests to spare; ${changes} there`;
  }
}

/** How many changes show, in the unit in which that is not less than one where there is such a unit. */
function foundText(scan: WalkedScan, perMinute: number): string {
  const [span, count] =
    perMinute >= 2
      ? ['a minute', perMinute]
      : perMinute >= 1 / 40
        ? ['an hour', 60 * perMinute]
        : ['a day', 1_440 * perMinute];
  const [one, many] = FOUND[scan];
  const rounded = Math.round(count);
  if (rounded === 0) return `less than one ${one} a day shows`;
  return rounded === 1 ? `about one ${one} ${span} shows` : `about ${rounded} ${many} ${span} show`;
}

/** A time that passes, in the unit that suits it. */
export function spanText(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 120_000) return `${roundedText(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${roundedText(ms / 60_000)} min` : `${roundedText(ms / 3_600_000)} h`;
}

/** A number with one digit behind the point where it is small. */
export function roundedText(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}
