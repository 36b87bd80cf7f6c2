import { pagesOf, targetsOf } from '../../src/rules/rhythm';
import type { Dealt, SimulatedEntity, SimulatedScan } from './dealing';

const MINUTE = 60_000;

/** A schedule as it is by default. */
export const settings = {
  newestSeconds: 15,
  clientsNewestSeconds: 300,
  openSeconds: 300,
  recentSeconds: 900,
  sweepSeconds: 600,
  sweepAtLeastHours: 6,
};

/** A company as it is read by default: of its invoices a tenth are unpaid, and as many are recent. */
export function company(entity: string, invoices: number, latencyMs = 300): SimulatedEntity {
  const scanOf = (stream: string, scan: SimulatedScan['scan'], rows: number): SimulatedScan => ({
    stream,
    scan,
    target: targetsOf(settings, stream)[scan],
    pages: pagesOf(rows, 100),
  });
  const scans = [
    scanOf('invoices', 'newest', 0),
    scanOf('invoices', 'open', invoices / 10),
    scanOf('invoices', 'recent', invoices / 10),
    scanOf('invoices', 'sweep', invoices),
    scanOf('clients', 'newest', 0),
    scanOf('clients', 'sweep', invoices / 20),
  ];
  return { entity, scans, latencyMs };
}

/** So many companies as they are read by default. */
export function companies(count: number, invoices: number): SimulatedEntity[] {
  return Array.from({ length: count }, (_, at) => company(`e${at}`, invoices));
}

/** Whether a request is one for new invoices of the entity. */
export const isNewest = (entity: string) => (one: Dealt) =>
  one.entity === entity && one.stream === 'invoices' && one.scan === 'newest';
/** Whether a request begins a sweep of the entity's invoices. */
export const beginsSweep = (entity: string) => (one: Dealt) =>
  one.entity === entity && one.stream === 'invoices' && one.scan === 'sweep' && one.page === 1;
/** The arithmetic mean. */
export const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How long each sweep of an entity's invoices took that ended, in minutes. */
export function sweepMinutes(dealt: readonly Dealt[], entity: string, pages: number): number[] {
  const requests = dealt.filter(
    (one) => one.entity === entity && one.stream === 'invoices' && one.scan === 'sweep' && one.page <= pages,
  );
  return requests
    .filter(({ page }) => page === pages)
    .map(({ walk, atMs }) => (atMs - (requests.find((one) => one.walk === walk)?.atMs ?? 0)) / MINUTE);
}
