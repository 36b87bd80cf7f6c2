import type { LifeRates } from '../../simulator/life';
import type { EntityId } from '../../src/model';
import type { ExpectedStream } from '../../src/rules/foreseen-reading';
import { usualStreams } from '../../src/sources/streams/all-streams';

/** Of the simulator's documents so many are unpaid, recent, or corrections. */
const UNPAID = 0.4;
const HISTORY_DAYS = 3 * 365;
const CORRECTIONS = 0.03;
/** What life in the simulator is made of: see `simulator/life`. */
const ISSUED = { invoices: 0.85, clients: 0.1, 'corrective-invoices': 0.05 } as const;
const CLIENT_EDITS = 0.25;
/** Of the edits of paid invoices so many make them unpaid again. */
const UNPAID_AGAIN = 0.2;
const REMOVED_CLIENTS = 0.2;

/** The companies of a scene and what happens in them, as the plan takes them. */
export function expectedStreams(
  companies: readonly { readonly id: EntityId; readonly clients: number; readonly invoices: number }[],
  { issue = 0, pay = 0, edit = 0, remove = 0 }: LifeRates,
  recentDays: number,
): readonly ExpectedStream[] {
  const part = 1 / companies.length;
  const edited = edit * (1 - CLIENT_EDITS) * part;
  const paidEdits = edited * (1 - UNPAID) * (1 - UNPAID_AGAIN);
  const recent = recentDays / HISTORY_DAYS;
  const none = { new: 0, paid: 0, deleted: 0, 'edited-open': 0, 'edited-recent': 0, 'edited-old': 0 };
  return companies.flatMap(({ id, clients, invoices }) =>
    usualStreams.map((declaration): ExpectedStream => {
      const { name: stream } = declaration;
      const rowsOf = (rows: number) => ({ sweep: rows, open: UNPAID * rows, recent: recent * rows });
      switch (stream) {
        case 'clients':
          return {
            entity: id,
            declaration,
            rows: { sweep: clients, open: 0, recent: 0 },
            perMinute: {
              ...none,
              new: ISSUED.clients * issue * part,
              'edited-old': CLIENT_EDITS * edit * part,
              deleted: REMOVED_CLIENTS * remove * part,
            },
          };
        case 'invoices':
          return {
            entity: id,
            declaration,
            rows: rowsOf(invoices),
            perMinute: {
              new: ISSUED.invoices * issue * part,
              paid: pay * part,
              'edited-open': edited - paidEdits,
              'edited-recent': recent * paidEdits,
              'edited-old': (1 - recent) * paidEdits,
              deleted: (1 - REMOVED_CLIENTS) * remove * part,
            },
          };
        default:
          return {
            entity: id,
            declaration,
            rows: rowsOf(CORRECTIONS * invoices),
            perMinute: { ...none, new: ISSUED['corrective-invoices'] * issue * part },
          };
      }
    }),
  );
}
