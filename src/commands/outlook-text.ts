import type { Outlook } from '../rules/outlook';
import type { ExpectedDelay } from '../rules/outlook-delays';
import { ASSUMED, WORKING_MINUTES } from '../rules/typical-company';
import { roundedText, spanText } from '../status/scan-text';

/** What a forecast is about, for people. */
export interface OutlookAbout {
  /** The companies, as the subject of a sentence. */
  readonly companies: string;
  /** 0 = no limit. */
  readonly requestsPerMinute: number;
  /** Addresses that keep the guarantees; null = more than anybody has. */
  readonly forGuarantees: number | null;
  /** Addresses by which new documents and payments come within so many seconds; null = nobody asked. */
  readonly within: { readonly seconds: number; readonly addresses: number | null } | null;
  /** What was assumed, and what is known from where; each in a sentence without its full stop. */
  readonly assumed: readonly string[];
}

/** The sentences about a company of which nothing better is known. */
export function assumedTexts(isNewPerDayGiven: boolean): readonly string[] {
  const { new: asBefore, ...others } = ASSUMED;
  return isNewPerDayGiven ? Object.values(others) : [...Object.values(others), asBefore];
}

/** A forecast for a person: one table, then what is used, how long the first reading takes, and how many addresses are needed. */
export function outlookText(outlook: Outlook, about: OutlookAbout): readonly string[] {
  const { requestsPerMinute, companies, assumed } = about;
  const limit =
    requestsPerMinute === 0
      ? 'without a limit of requests'
      : `behind one IP address with ${requestsPerMinute} requests a minute`;
  return [
    `${companies}, ${limit}.`,
    '',
    'How long a change takes from inFakt to its topic:',
    '',
    ...delayTable(outlook.delays),
    '',
    usedText(outlook, requestsPerMinute),
    firstSyncText(outlook),
    ...addressTexts(outlook, about),
    '',
    'Known and assumed:',
    ...assumed.map((sentence) => `  - ${sentence}`),
  ];
}

function delayTable(delays: readonly ExpectedDelay[]): readonly string[] {
  const rows = [...delays]
    .sort((one, other) => one.p95Ms - other.p95Ms)
    .map((delay) => [
      kindText(delay),
      roundedText(delay.perMinute * WORKING_MINUTES),
      spanText(delay.meanMs),
      spanText(delay.p95Ms),
    ]);
  const cells = [['', 'a day', 'in the mean', '19 of 20 within'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ')
      .trimEnd(),
  );
}

const EDITED = { 'edited-open': 'unpaid', 'edited-recent': 'recent, paid', 'edited-old': 'old, paid' } as const;

/** A kind of change as it is called in the table. */
export function kindText({ change, stream }: Pick<ExpectedDelay, 'change' | 'stream'>): string {
  if (change === 'new') return `new ${stream ?? 'documents'}`;
  if (change === 'paid' || change === 'deleted') return change;
  return stream === null ? `edited (${EDITED[change]})` : `edited ${stream}`;
}

function usedText({ usedPerMinute, findingPerMinute, scans }: Outlook, requestsPerMinute: number): string {
  const names = ['newest', 'open', 'recent', 'sweep'] as const;
  const parts = names.flatMap((name) => {
    const sum = scans.filter(({ scan }) => scan === name).reduce((all, scan) => all + scan.requestsPerMinute, 0);
    return sum === 0 ? [] : [`${name} ${roundedText(sum)}, `];
  });
  const share = requestsPerMinute === 0 ? '' : ` (${Math.round((100 * usedPerMinute) / requestsPerMinute)} %)`;
  return `Requests: ${roundedText(usedPerMinute)} a minute are used${share}: ${parts.join('')}and ${roundedText(findingPerMinute)} to fetch what totals tell of.`;
}

function firstSyncText({ firstSyncMs }: Outlook): string {
  return firstSyncMs === 0
    ? 'First reading: as fast as inFakt answers, as there is no limit.'
    : `First reading: every list is read once within about ${spanText(firstSyncMs)}.`;
}

function addressTexts({ guaranteedPerMinute, slowdown }: Outlook, about: OutlookAbout): readonly string[] {
  const { forGuarantees, within } = about;
  const wanted = `the longest times of schedule.* want ${roundedText(guaranteedPerMinute)} requests a minute`;
  const kept =
    slowdown > 1.005 ? `they are NOT kept, but become ${roundedText(slowdown)} times as long` : 'they are kept';
  return [
    `Guarantees: ${wanted}; ${kept}.`,
    `IP addresses: ${addressesText(forGuarantees)} ${forGuarantees === 1 ? 'is' : 'are'} enough for the guarantees${withinText(within)}.`,
  ];
}

function withinText(within: OutlookAbout['within']): string {
  if (within === null) return '';
  const wish = `for new documents and payments within ${spanText(within.seconds * 1_000)}, 19 of 20,`;
  return within.addresses === null
    ? `; ${wish} no number of addresses is`
    : `, and ${wish} ${addressesText(within.addresses)}`;
}

function addressesText(count: number | null): string {
  return count === null ? 'more than 64' : String(count);
}
