import type { ProvenScan, ScanName, StreamName, Turn } from '../model';

/** How old what is known may become while the allowance suffices, as configured. */
export interface ScheduleSettings {
  readonly newestSeconds: number;
  readonly clientsNewestSeconds: number;
  readonly correctionsNewestSeconds: number;
  readonly openSeconds: number;
  readonly recentSeconds: number;
  readonly sweepSeconds: number;
}

/** The scans that are made again and again; a spot read and a search follow from another scan. */
export type TimedScan = Exclude<ScanName, ProvenScan | 'spot' | 'search'>;

/** The scans that walk a list of their own when that is worth a request. */
export type WalkedScan = TimedScan | ProvenScan;

/** The age, in milliseconds, that what each scan shows does not exceed while the allowance suffices. */
export type Guarantees = Readonly<Record<TimedScan, number>>;

const SECOND = 1_000;

/** The guarantees of one stream's scans. */
export function guaranteesOf(settings: ScheduleSettings, stream: StreamName): Guarantees {
  return {
    newest: newestSecondsOf(settings, stream) * SECOND,
    open: settings.openSeconds * SECOND,
    recent: settings.recentSeconds * SECOND,
    sweep: settings.sweepSeconds * SECOND,
  };
}

function newestSecondsOf(settings: ScheduleSettings, stream: StreamName): number {
  if (stream === 'clients') return settings.clientsNewestSeconds;
  return stream === 'corrective-invoices' ? settings.correctionsNewestSeconds : settings.newestSeconds;
}

/** How many requests an undisturbed walk over so many rows takes, as pages overlap by one row. */
export function pagesOf(totalCount: number, limit: number): number {
  return Math.floor(Math.max(0, totalCount - 1) / (limit - 1)) + 1;
}

/** How the reading of a single row says so: a spot read, or the GET that a deletion asks for. */
export function spotTurn(stream: StreamName): Turn {
  return { stream, scan: 'spot', urgency: { kind: 'now' } };
}
