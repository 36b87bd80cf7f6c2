import type { Forecast, Plan } from '../rules/forecast';
import { roundedText, spanText } from '../status/scan-text';

/** A plan in one line: the requests that are wanted and allowed, and how often each kind of scan comes round. */
export function planText({ wantedPerMinute, forecasts }: Plan, requestsPerMinute: number): string {
  const each = [...new Set(forecasts.map(({ scan }) => scan.scan))].map((name) => {
    const spans = forecasts.filter(({ scan }) => scan.scan === name).map(({ everyMs }) => everyMs);
    const [least, most] = [Math.min(...spans), Math.max(...spans)].map(spanText);
    return `${name} every ${least === most ? '' : `${least ?? ''} to `}${most ?? ''}`;
  });
  const wanted = `the targets want ${roundedText(wantedPerMinute)} requests a minute`;
  const given =
    requestsPerMinute === 0
      ? 'there is no limit'
      : `${requestsPerMinute} are allowed (${Math.round((100 * wantedPerMinute) / requestsPerMinute)} %)`;
  const short = requestsPerMinute > 0 && wantedPerMinute > requestsPerMinute ? '; everything slows down' : '';
  return `${wanted}, ${given}${short}; ${each.join(', ')}`;
}

/** When a scan comes next, and how often. */
export function forecastText({ scan, underWay, dueAtMs, everyMs }: Forecast, nowMs: number): string {
  // A `newest` that found nothing is not written down, so the time of the last one is not known.
  if (scan.scan === 'newest') return `every ${spanText(everyMs)}`;
  const due = underWay ? 'under way' : dueAtMs <= nowMs ? 'due now' : `due in ${spanText(dueAtMs - nowMs)}`;
  return `${due}, then every ${spanText(everyMs)}`;
}
