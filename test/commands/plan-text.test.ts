import { forecastText, planText } from '../../src/commands/plan-text';
import type { Forecast, Plan } from '../../src/rules/forecast';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function forecastOf(scan: 'sweep' | 'newest', everyMs: number, changes: Partial<Forecast> = {}): Forecast {
  const planned = {
    entity: 'alfa',
    stream: 'invoices',
    scan,
    guaranteeMs: everyMs,
    pages: 1,
    lastStartedMs: null,
    lastFinishedMs: null,
  };
  return { scan: planned, underWay: false, dueAtMs: 0, everyMs, ...changes };
}

function planOf(forecasts: readonly Forecast[], wantedPerMinute: number): Plan {
  return { wantedPerMinute, forecasts };
}

describe('a plan in one line', () => {
  test('says what is wanted and allowed, and how often each kind of scan comes round', () => {
    const forecasts = [
      forecastOf('newest', 15 * SECOND),
      forecastOf('newest', 5 * MINUTE),
      forecastOf('sweep', 3 * HOUR),
    ];
    expect(planText(planOf(forecasts, 9.25), 290)).toBe(
      'the targets want 9.3 requests a minute, 290 are allowed (3 %); newest every 15 s to 5 min, sweep every 3 h',
    );
  });

  test('says that everything slows down where more is wanted than is allowed', () => {
    expect(planText(planOf([forecastOf('sweep', HOUR)], 600), 300)).toBe(
      'the targets want 600 requests a minute, 300 are allowed (200 %); everything slows down; sweep every 60 min',
    );
  });

  test('says that there is no limit', () => {
    expect(planText(planOf([], 1), 0)).toContain('there is no limit');
  });
});

test.each([
  [forecastOf('sweep', 10 * MINUTE, { underWay: true }), 'under way, then every 10 min'],
  [forecastOf('sweep', 10 * MINUTE, { dueAtMs: 5_000 }), 'due now, then every 10 min'],
  [forecastOf('sweep', 10 * MINUTE, { dueAtMs: 95_000 }), 'due in 90 s, then every 10 min'],
  [forecastOf('sweep', Infinity), 'due now, then every never'],
  [forecastOf('newest', 15 * SECOND, { dueAtMs: 95_000 }), 'every 15 s'],
])('a scan says when it comes next: %#', (forecast, text) => {
  expect(forecastText(forecast, 5_000)).toBe(text);
});
