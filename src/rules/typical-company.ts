import type { StreamDeclaration } from '../model';
import type { ChangeRates, ExpectedStream } from './foreseen-reading';

/** What is taken for granted of a company of which nothing better is known, each in a sentence. */
export const ASSUMED = {
  history: 'the invoices were issued evenly over the last three years, so that 4 in 100 are of the last 45 days',
  unpaid: 'one invoice in five is unpaid',
  others: 'there are 10 clients and 3 corrections to 100 invoices',
  new: 'as many invoices are issued a day as in the mean of those three years',
  day: 'what happens in a day happens in ten hours of it, and the figures are those of these hours',
  edits: 'each invoice is paid once, edited once while unpaid, and one in ten once more after that',
  clients:
    'a client is edited as often as one is new, 10 of them to 100 new invoices; 3 corrections are issued meanwhile',
  deletions: 'one row is deleted to 100 new invoices',
} as const;

/** Minutes of a day in which its changes happen. */
export const WORKING_MINUTES = 600;
const HISTORY_DAYS = 3 * 365;
const UNPAID = 0.2;
const CLIENTS = 0.1;
const CORRECTIONS = 0.03;
const EDITED_LATER = 0.1;
const DELETED = 0.01;
const NOTHING: ChangeRates = { new: 0, paid: 0, deleted: 0, 'edited-open': 0, 'edited-recent': 0, 'edited-old': 0 };

/** A company by what a person knows of it. */
export interface CompanySize {
  readonly invoices: number;
  /** New invoices a day; null = as in the mean of the last three years. */
  readonly newPerDay: number | null;
}

/** Rows that each scan of a stream reads, in a company of a size. */
export function typicalRows(
  { scopeField, openField }: Pick<StreamDeclaration, 'scopeField' | 'openField'>,
  rows: number,
  recentDays: number,
): ExpectedStream['rows'] {
  return {
    sweep: rows,
    open: openField === null ? 0 : Math.round(UNPAID * rows),
    recent: scopeField === null ? 0 : Math.round((rows * Math.min(recentDays, HISTORY_DAYS)) / HISTORY_DAYS),
  };
}

/** How many rows a stream has in a company of so many invoices. */
export function typicalSize(stream: string, invoices: number): number {
  if (stream === 'invoices') return invoices;
  return Math.ceil(invoices * (stream === 'clients' ? CLIENTS : CORRECTIONS));
}

/** How often what happens in a stream of a company, a minute of a working day. */
export function typicalRates(stream: string, { invoices, newPerDay }: CompanySize, recentDays: number): ChangeRates {
  const issued = (newPerDay ?? invoices / HISTORY_DAYS) / WORKING_MINUTES;
  if (stream === 'clients') return { ...NOTHING, new: CLIENTS * issued, 'edited-old': CLIENTS * issued };
  if (stream !== 'invoices') return { ...NOTHING, new: CORRECTIONS * issued };
  const later = EDITED_LATER * issued;
  const recent = Math.min(1, recentDays / HISTORY_DAYS);
  return {
    new: issued,
    paid: issued,
    deleted: DELETED * issued,
    'edited-open': issued,
    'edited-recent': recent * later,
    'edited-old': (1 - recent) * later,
  };
}
