import type { ChangeRates, ExpectedStream, OutlookSetting } from '../../src/rules/foreseen-reading';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import { settings } from './schedule';

/** A stream in which nothing happens. */
export const still: ChangeRates = {
  new: 0,
  paid: 0,
  deleted: 0,
  'edited-open': 0,
  'edited-recent': 0,
  'edited-old': 0,
};

/** The settings that hold by default. */
export const usual: OutlookSetting = { settings, requestsPerMinute: 290 };

/** So many invoices, a fifth of them unpaid, of an entity. */
export function invoicesOf(rows: number, perMinute: Partial<ChangeRates> = {}, entity = 'alfa'): ExpectedStream {
  const parts = { sweep: rows, open: rows / 5, recent: rows / 20 };
  return { entity, declaration: invoices, rows: parts, perMinute: { ...still, ...perMinute } };
}

/** So many clients of an entity. */
export function clientsOf(rows: number, perMinute: Partial<ChangeRates> = {}, entity = 'alfa'): ExpectedStream {
  const parts = { sweep: rows, open: 0, recent: 0 };
  return { entity, declaration: clients, rows: parts, perMinute: { ...still, ...perMinute } };
}

/** Companies alike, each with its own rate of everything. */
export function companiesOf(count: number, rows = 5_000): readonly ExpectedStream[] {
  const rates = { new: 0.3, paid: 0.4, deleted: 0.04, 'edited-open': 0.3, 'edited-recent': 0.02, 'edited-old': 0.3 };
  return Array.from({ length: count }, (_, at) => `company-${at}`).flatMap((entity) => [
    invoicesOf(rows, rates, entity),
    clientsOf(rows / 10, { new: 0.04, 'edited-old': 0.2 }, entity),
  ]);
}
