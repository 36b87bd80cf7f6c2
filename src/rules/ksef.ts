import { isObject, textOrNull } from '../json';
import type { Row, StreamName } from '../model';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long after a change a document is read again; the last of them is also the shortest wait after that. */
export const READ_AFTER_MS: readonly number[] = [1, 2, 5, 15, 60].map((minutes) => minutes * MINUTE_MS);
/** A document whose state has not changed for so long is not read again by itself. */
const FOLLOWED_MS = 30 * DAY_MS;
/** Later waits are this part of the time since the last change. */
const PART_OF_AGE = 1 / 4;

/** Statuses of a sending under way: a number beside one of them may be the sending's own, which users of KSeF took for the document's. */
const UNDER_WAY: ReadonlySet<unknown> = new Set(['pending', 'sent']);

/**
 * How far a document has come in KSeF: it has its number, or it has none yet. A refusal ends nothing: KSeF has refused documents as duplicates
 * that it had taken, and they got their numbers without a change of their own.
 */
export type KsefStanding = 'cleared' | 'open';

/** Whether KSeF may know a document: all but proformas that are dated `from` that day on. A draft without a date is not issued yet. */
export function concernsKsef({ invoice_date: day, kind }: Row, from: string): boolean {
  return typeof day === 'string' && day >= from && kind !== 'proforma';
}

/**
 * What a row shows of KSeF. `whole`: all that the detail would, as there are data of the document's own. `number`: its number there alone.
 * `nothing`: no data, in a field for them. `absent`: there is no such field. `odd`: what contradicts itself or is another document's.
 */
export type ShownOfKsef = 'whole' | 'number' | 'nothing' | 'absent' | 'odd';

/** What a row of a list shows of KSeF; a field that is null proves nothing, as the detail may have a value all the same. */
export function shownOfKsef(row: Row): ShownOfKsef {
  const { ksef_data: data } = row;
  const own = textOrNull(row['ksef_number']);
  if ((data ?? null) === null) return own !== null ? 'number' : 'ksef_data' in row ? 'nothing' : 'absent';
  if (!isObject(data)) return 'odd';
  const number = textOrNull(data['ksef_number']);
  const [uuid, dataUuid] = [textOrNull(row['uuid']), textOrNull(data['invoice_uuid'])];
  if (own !== null && number !== null && own !== number) return 'odd';
  if (uuid !== null && dataUuid !== null && uuid !== dataUuid) return 'odd';
  return Object.values(data).some((value) => (value ?? '') !== '') ? 'whole' : own !== null ? 'number' : 'nothing';
}

/**
 * What a document says of KSeF, as a row to be published: every value as inFakt wrote it, null where there is none. Whatever else stands in
 * `ksef_data` is kept under its path.
 */
export function ksefRowOf(stream: StreamName, detail: Row, readFrom: 'detail' | 'list'): Row {
  const data = detail['ksef_data'];
  const sending = isObject(data) ? data : {};
  const { request_uuid, ksef_number, status, status_description, timestamps, invoice_uuid, invoice_kind, ...others } =
    sending;
  const times = isObject(timestamps) ? timestamps : {};
  const { request_created_at, request_finished_at, ...otherTimes } = times;
  return {
    ...(isObject(data) ? under('ksef_data.', others) : { ksef_data: data }),
    ...(isObject(timestamps) ? under('ksef_data.timestamps.', otherTimes) : { 'ksef_data.timestamps': timestamps }),
    id: detail.id,
    stream,
    uuid: detail['uuid'],
    number: detail['number'],
    ksef_number: (ksef_number ?? '') === '' ? detail['ksef_number'] : ksef_number,
    status,
    status_description,
    request_uuid,
    requested_at: request_created_at,
    finished_at: request_finished_at,
    invoice_uuid,
    invoice_kind,
    read_from: readFrom,
  };
}

function under(prefix: string, fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [prefix + name, value]));
}

/** Whether a row of `ksefRowOf` says that there are no data of KSeF. */
export function saysNothing({ ksef_number: number, status, request_uuid: request }: Row): boolean {
  return [number, status, request].every((value) => (value ?? '') === '');
}

/** How far a document has come, by a row of `ksefRowOf`. */
export function standingOf({ ksef_number: number, status }: Row): KsefStanding {
  return (number ?? '') !== '' && !UNDER_WAY.has(status) ? 'cleared' : 'open';
}

/** What decides when a document is read again whose standing is open. */
export interface Followed {
  /** When its row or its state in KSeF changed last. */
  readonly changedMs: number;
  /** When it was read last; null = not since it changed. */
  readonly readMs: number | null;
}

/**
 * When a document is read again: one, two, five and fifteen minutes and an hour after its last change, then after a quarter of the time since
 * that change, and an hour at least. Null = not any more, as nothing has changed for thirty days.
 */
export function nextReadMs(
  { changedMs, readMs }: Followed,
  readAfterMs: readonly number[] = READ_AFTER_MS,
): number | null {
  const ageMs = Math.max(0, (readMs ?? changedMs) - changedMs);
  if (ageMs >= FOLLOWED_MS) return null;
  const early = readAfterMs.find((afterMs) => readMs === null || afterMs > ageMs);
  if (early !== undefined) return changedMs + early;
  return changedMs + ageMs + Math.max(readAfterMs.at(-1) ?? 0, ageMs * PART_OF_AGE);
}

/** Whether a document whose day alone is known is followed at all: not where it is older than any that is. */
export function isFollowedByDay(day: string, nowMs: number): boolean {
  return nowMs - changedByDayMs(day, nowMs) < FOLLOWED_MS;
}

/** When a document may have changed last of which its day alone is known: at that day's end, and not later than now. */
export function changedByDayMs(day: string, nowMs: number): number {
  const endMs = Date.parse(day) + DAY_MS;
  return Number.isNaN(endMs) ? nowMs : Math.min(nowMs, endMs);
}
