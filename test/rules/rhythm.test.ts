import { dueAt, targetsOf, turnOf, type Target } from '../../src/rules/rhythm';
import { settings } from '../support/companies';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('when a scan is due', () => {
  const target: Target = { everyMs: 600_000, withinMs: 6 * HOUR };
  const now = 100 * HOUR;

  test.each([
    ['at once if it never began', null, false, now],
    ['one turn after it began', now - 200_000, false, now + 400_000],
    ['at once if that has passed', now - 700_000, false, now],
    ['within one turn if the clock was set back', now + 50 * HOUR, false, now + 600_000],
    ['no earlier than its turn within an hour, whatever speaks for it', now - 200_000, true, now + 400_000],
  ])('%s', (_title, lastStartedMs, early, expected) => {
    expect(dueAt(target, lastStartedMs, now, early)).toBe(expected);
  });

  test('a sweep that is made once a day begins after an hour where something speaks for it', () => {
    const daily: Target = { everyMs: 24 * HOUR, withinMs: 24 * HOUR };
    expect(dueAt(daily, now - 30 * MINUTE, now, true)).toBe(now + 30 * MINUTE);
    expect(dueAt(daily, now - 30 * MINUTE, now)).toBe(now + 23.5 * HOUR);
  });
});

test('clients and corrections have a rhythm of their own', () => {
  expect(targetsOf(settings, 'clients').newest).toEqual({ everyMs: 300_000, withinMs: 300_000 });
  expect(targetsOf(settings, 'corrective-invoices').newest).toEqual({ everyMs: 15_000, withinMs: 60_000 });
  expect(targetsOf(settings, 'invoices')).toEqual({
    newest: { everyMs: 15_000, withinMs: 15_000 },
    open: { everyMs: 300_000, withinMs: 300_000 },
    recent: { everyMs: 900_000, withinMs: 900_000 },
    sweep: { everyMs: 600_000, withinMs: 6 * HOUR },
  });
});

describe('what a walk says of itself', () => {
  const { newest, open, sweep } = targetsOf(settings, 'invoices');
  const walk = { stream: 'invoices', pages: null, done: 0, startedAtMs: 0 };

  test('its requests are spread over the time that it may take', () => {
    expect(turnOf({ ...walk, scan: 'open', target: open, pages: 6 }, 0)).toEqual({
      stream: 'invoices',
      scan: 'open',
      paceMs: 50_000,
    });
  });

  test('one that turns out longer than was thought hurries', () => {
    expect(turnOf({ ...walk, scan: 'newest', target: newest }, 0).paceMs).toBe(15_000);
    expect(turnOf({ ...walk, scan: 'newest', target: newest, pages: 1, done: 2 }, 0).paceMs).toBe(5_000);
  });

  test('a sweep knows how far behind its latest end it is, or ahead of it', () => {
    const late = { ...walk, scan: 'sweep', target: sweep, pages: 44 } as const;
    expect(turnOf(late, 0)).toEqual({ stream: 'invoices', scan: 'sweep', paceMs: 6 * MINUTE, behind: 0 });
    expect(turnOf({ ...late, done: 10 }, HOUR).behind).toBe(0);
    expect(turnOf({ ...late, done: 3 }, HOUR).behind).toBe(7);
    expect(turnOf({ ...late, done: 50 }, HOUR).behind).toBe(-40);
  });

  test('a first sweep does not know yet how long it is, and is no less in a hurry', () => {
    expect(turnOf({ ...walk, scan: 'sweep', target: sweep }, 0).paceMs).toBeCloseTo(186_207, 0);
  });
});
