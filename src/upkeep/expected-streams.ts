import type { EntityConfig } from '../../config/config';
import type { Cursor, EntityId, StreamDeclaration } from '../model';
import type { ChangeRates, ExpectedStream } from '../rules/foreseen-reading';
import { typicalRates, typicalRows, typicalSize } from '../rules/typical-company';
import { allStreams, usualStreams } from '../sources/streams/all-streams';
import type { StreamView } from './remembered';

/** Companies that are thought of and not there. */
export interface AddedCompanies {
  readonly count: number;
  /** Invoices of each. */
  readonly invoices: number;
}

/** From what it is known how often something changes. */
export type RatesFrom = 'the last sweep' | 'what is typical';

/** A stream as it is thought to be, and from where that is known. */
export interface KnownStream extends ExpectedStream {
  /** Whether its rows were counted. */
  readonly isCounted: boolean;
  readonly ratesFrom: RatesFrom;
}

/** Rows of a company of which nothing was read yet. */
export const UNKNOWN_INVOICES = 2_000;
const MINUTE = 60_000;
/** Changes of a shorter time say little of what is usual. */
const LEAST_MS = 30 * MINUTE;
/** Of rows that are no longer what they were so many were paid, where a stream has payments; the others were edited, evenly while unpaid and later. */
const PAID_OF_UPDATED = 0.5;

/** The streams of configured entities as the state topic knows them; what it does not know is typical of companies of their size. */
export function streamsKnown(
  entities: readonly Pick<EntityConfig, 'id' | 'enabled' | 'streams'>[],
  views: readonly Pick<StreamView, 'entity' | 'stream' | 'ledger' | 'cursors'>[],
  { recentDays, nowMs }: { readonly recentDays: number; readonly nowMs: number },
): readonly KnownStream[] {
  return entities
    .filter(({ enabled }) => enabled)
    .flatMap(({ id, streams }) => {
      const viewOf = (name: string) => views.find(({ entity, stream }) => entity === id && stream === name);
      const invoices = viewOf('invoices')?.ledger.live ?? UNKNOWN_INVOICES;
      return allStreams
        .filter(({ name }) => streams.includes(name))
        .map((declaration): KnownStream => {
          const { name } = declaration;
          const view = viewOf(name);
          const typical = typicalRows(declaration, view?.ledger.live ?? typicalSize(name, invoices), recentDays);
          const rowsOf = (scan: 'open' | 'recent'): number => view?.cursors[scan]?.totalCount ?? typical[scan];
          const seen = view === undefined ? null : ratesSeen(declaration, view.cursors, nowMs);
          return {
            entity: id,
            declaration,
            rows: { sweep: typical.sweep, open: rowsOf('open'), recent: rowsOf('recent') },
            perMinute: seen ?? typicalRates(name, { invoices, newPerDay: null }, recentDays),
            isCounted: view !== undefined,
            ratesFrom: seen === null ? 'what is typical' : 'the last sweep',
          };
        });
    });
}

/** The streams of companies that are thought of; `newPerDay`: new invoices of all of them together, null = as is typical. */
export function streamsAdded(
  added: readonly AddedCompanies[],
  { recentDays, newPerDay }: { readonly recentDays: number; readonly newPerDay: number | null },
): readonly ExpectedStream[] {
  const rows = added.reduce((sum, { count, invoices }) => sum + count * invoices, 0);
  return added.flatMap(({ count, invoices }, at) =>
    Array.from({ length: count }, (_, number): EntityId => `added-${at + 1}-${number + 1}`).flatMap((entity) =>
      usualStreams.map((declaration): ExpectedStream => {
        const { name } = declaration;
        const share = newPerDay === null ? null : (newPerDay * invoices) / rows;
        return {
          entity,
          declaration,
          rows: typicalRows(declaration, typicalSize(name, invoices), recentDays),
          perMinute: typicalRates(name, { invoices, newPerDay: share }, recentDays),
        };
      }),
    ),
  );
}

/** How often rows were found new, changed or gone since a sweep that says so; null = it was too short, or it was the first. */
function ratesSeen(
  { scopeField, openField }: StreamDeclaration,
  cursors: Readonly<Record<string, Cursor>>,
  nowMs: number,
): ChangeRates | null {
  const sweep = cursors['sweep'];
  if (sweep?.finishedAt == null) return null;
  const finishedMs = Date.parse(sweep.finishedAt);
  const { counts, deletedSince = 0, publishedSince } = sweep;
  const isLong = nowMs - finishedMs >= LEAST_MS;
  // What other scans publish after a sweep counts in the next one, which began when this one ended or later.
  const over = isLong ? nowMs - finishedMs : finishedMs - Date.parse(sweep.startedAt);
  if (over < LEAST_MS || (!isLong && counts.firstRead > 0)) return null;
  const { created = 0, firstRead = 0, updated = 0 } = (isLong ? publishedSince : counts) ?? {};
  const deleted = isLong ? deletedSince : counts.deleted;
  const perMinute = (rows: number): number => (rows * MINUTE) / over;
  const paid = openField === null ? 0 : PAID_OF_UPDATED * updated;
  const edited = updated - paid;
  const isDocument = scopeField !== null;
  return {
    new: perMinute(Math.max(0, created - firstRead)),
    paid: perMinute(paid),
    deleted: perMinute(deleted),
    'edited-open': perMinute(openField === null ? 0 : edited / 2),
    'edited-recent': perMinute(isDocument ? edited / 4 : 0),
    'edited-old': perMinute(openField === null ? edited : edited / 4),
  };
}
