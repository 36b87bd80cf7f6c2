import { EntryFlag } from '../changes/block';
import type { Entry } from '../changes/entries';
import { DAY_MS, isoDay } from '../rules/scope';
import { fitted, plainPage, type Page } from './page';
import type { ApiAnswer, Explanation, FoundLetter, FoundRecord, RowFacts, ScanOfRow } from '../upkeep/explain-row';

/** What one row is called. */
export interface RowTitle {
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
}

/** All that `explain` tells of a row, for a person; names of fields, never a value of the row. */
export function explanationText(
  { entity, stream, id }: RowTitle,
  facts: RowFacts,
  explained: Explanation,
  page: Page = plainPage,
): string {
  const { verdict, because, scans, absence } = explained;
  const { entry, record, letter, api } = facts;
  const lines: readonly Line[] = [
    ['', `${entity} ${stream} ${id}: ${verdict}`],
    ['  ', because],
    ['', ''],
    ['record   ', record === null ? 'none on the topic' : recordText(record)],
    ['ledger   ', entry === null ? 'no entry' : entryText(entry)],
    ['API      ', apiText(api)],
    ...differingLines(api),
    ...(letter === null ? [] : letterLines(letter)),
    ...(absence === null
      ? []
      : [['absence  ', `missed first by sweep ${absence.since}, ${ABSENCES[absence.state]}`] as const]),
    ['', ''],
    ['', 'What each scan had to do with the row, as far as the state tells:'],
    ...scans.flatMap(scanLines),
  ];
  return lines.map((line) => `${wrapped(line, page)}\n`).join('');
}

/** A label and what stands behind it. */
type Line = readonly [label: string, text: string];

/** A line as wide as the page; what goes on below is indented as far as the label is long. */
function wrapped([label, text]: Line, page: Page): string {
  return fitted(label + text, page, label.trimStart().length);
}

const ABSENCES = {
  'one-sweep': 'one more sweep is to miss it before the API is asked for it alone',
  held: 'the deletions of the stream wait for a person',
  pending: 'pending: asking for it alone settled nothing',
} as const;

function recordText({ topic, partition, offset, timestamp, op, scan, observedAt, fingerprint }: FoundRecord): string {
  const what = op === 'd' ? 'tombstone' : `op ${op ?? '?'}`;
  const read = observedAt === null ? '' : `, read ${observedAt}${scan === null ? '' : ` by ${scan}`}`;
  return `${what}${read}, fingerprint ${fingerprint ?? 'none'}, at ${topic} partition ${partition} offset ${offset}, written ${timestamp}`;
}

function entryText({ fingerprint, flags, date, lines, missing }: Entry): string {
  const said = flagWords(flags);
  const dated = date === null ? [] : [`dated ${isoDay(date * DAY_MS)}`];
  const rest = [
    ...dated,
    ...(lines === 0 ? [] : [`${lines} lines published`]),
    ...(missing === 0 ? [] : [`missing since sweep ${missing}`]),
  ];
  return [`fingerprint ${fingerprint}`, ...said, ...rest].join(', ');
}

/** The flags of an entry in words, those that say nothing unusual too. */
export function flagWords(flags: number): readonly string[] {
  const words: readonly (readonly [number, string])[] = [
    [EntryFlag.PUBLISHED, 'a record is on the topic'],
    [EntryFlag.OPEN, 'open when last read'],
    [EntryFlag.LEFT, 'left the scope'],
    [EntryFlag.DEAD_LETTERED, 'its last reading is a dead letter'],
    [EntryFlag.REPUBLISH, 'to be published again'],
    [EntryFlag.LINES_DUE, 'lines to be published'],
  ];
  return words.flatMap(([flag, word]) => ((flags & flag) === 0 ? [] : [word]));
}

function apiText(api: ApiAnswer): string {
  if (api.kind === 'not-asked') return `not known: ${api.reason}`;
  const asked = api.how === 'address' ? 'asked for by its address' : 'looked for in its list';
  if (api.kind === 'none') return `no such row, ${asked}`;
  const scope = api.inScope ? 'in the scope' : 'outside the scope';
  const reading =
    api.reading.kind === 'refused'
      ? `cannot become a record: ${api.reading.error}`
      : `fingerprint ${api.reading.fingerprint}`;
  return `has the row, ${asked}, ${scope}, ${reading}`;
}

function differingLines(api: ApiAnswer): Line[] {
  if (api.kind !== 'row' || api.reading.kind !== 'fits' || api.reading.differing === null) return [];
  const { counted, uncounted } = api.reading.differing;
  return [
    ...(counted.length === 0 ? [] : [[INDENT, `differs from the record in: ${counted.join(', ')}`] as const]),
    ...(uncounted.length === 0
      ? []
      : [[INDENT, `differs, which counts as no change, in: ${uncounted.join(', ')}`] as const]),
  ];
}

const INDENT = ' '.repeat(9);

function letterLines(letter: FoundLetter): Line[] {
  const { topic, partition, offset, timestamp, error, errorPath } = letter;
  return [
    ['letter   ', `at ${topic} partition ${partition} offset ${offset}, written ${timestamp}`],
    [INDENT, `${error}${errorPath === '' ? '' : ` (${errorPath})`}`],
  ];
}

function scanLines({ scan, last, within, because, next, everySeconds }: ScanOfRow): Line[] {
  const span = within === null ? '' : ` between ${within.from} and ${within.to ?? 'now'}`;
  const told = last === 'passes-by' ? 'passes it by' : last;
  const when =
    next === 'under way'
      ? 'A walk is under way.'
      : next !== null
        ? `Next at ${next}.`
        : everySeconds === null
          ? ''
          : `Comes every ${everySeconds} s or so.`;
  return [[`  ${scan.padEnd(7)}`, `${told}${span}: ${because}.`], ...(when === '' ? [] : [[INDENT, when] as const])];
}

/** The same as JSON. */
export function explanationJson(
  title: RowTitle,
  facts: RowFacts,
  { verdict, because, scans, absence }: Explanation,
): Record<string, unknown> {
  return {
    ...title,
    verdict,
    because,
    read: facts.reading,
    record: facts.record === null ? null : recordJson(facts.record),
    ledger: facts.entry === null ? null : entryJson(facts.entry),
    dead_letter:
      facts.letter === null
        ? null
        : { ...recordJson(facts.letter), error: facts.letter.error, error_path: facts.letter.errorPath },
    api: apiJson(facts.api),
    absence,
    scans: scans.map(({ scan, last, within, because: why, next, everySeconds, wouldShow }) => ({
      scan,
      last,
      within,
      because: why,
      next,
      every_seconds: everySeconds,
      would_show: wouldShow,
    })),
  };
}

function recordJson(record: FoundRecord): Record<string, unknown> {
  const { topic, partition, offset, timestamp, observedAt, op, scan, fingerprint } = record;
  return { topic, partition, offset, timestamp, observed_at: observedAt, op, scan, fingerprint };
}

function entryJson({ fingerprint, definition, date, lines, missing, flags }: Entry): Record<string, unknown> {
  const day = date === null ? null : isoDay(date * DAY_MS);
  return { fingerprint, definition, date: day, lines, missing_since_sweep: missing || null, says: flagWords(flags) };
}

function apiJson(api: ApiAnswer): Record<string, unknown> {
  if (api.kind === 'not-asked') return { answer: 'not-asked', reason: api.reason };
  if (api.kind === 'none') return { answer: 'none', how: api.how };
  const { how, inScope, open, date, reading } = api;
  const told = { answer: 'row', how, in_scope: inScope, open, date };
  if (reading.kind === 'refused') return { ...told, fits: false, error: reading.error, error_path: reading.path };
  const { fingerprint, differing } = reading;
  return {
    ...told,
    fits: true,
    fingerprint,
    differs_in: differing?.counted ?? null,
    differs_without_counting_in: differing?.uncounted ?? null,
  };
}
