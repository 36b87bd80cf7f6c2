const DAY_MS = 86_400_000;

/** The day, or the next one that is neither a Saturday nor a Sunday nor a public holiday in Poland. */
export function nextWorkingDay(day: string): string {
  for (let ms = Date.parse(day); ; ms += DAY_MS) {
    const text = new Date(ms).toISOString().slice(0, 10);
    const weekday = new Date(ms).getUTCDay();
    if (weekday !== 0 && weekday !== 6 && !holidaysOf(Number(text.slice(0, 4))).has(text)) return text;
  }
}

/** The holidays of the simulator's years, all after 2011. */
function holidaysOf(year: number): ReadonlySet<string> {
  const fixed = ['01-01', '01-06', '05-01', '05-03', '08-15', '11-01', '11-11', '12-25', '12-26'];
  if (year >= 2025) fixed.push('12-24');
  const movable = [0, 1, 49, 60].map((days) => new Date(easterMs(year) + days * DAY_MS).toISOString().slice(0, 10));
  return new Set([...fixed.map((day) => `${year}-${day}`), ...movable]);
}

/** Easter Sunday by Gauss, with his two exceptions, right for 1900 to 2099. */
function easterMs(year: number): number {
  const moon = (19 * (year % 19) + 24) % 30;
  const week = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7;
  const early = (moon === 29 && week === 6) || (moon === 28 && week === 6 && year % 19 > 10) ? 7 : 0;
  return Date.UTC(year, 2, 22 + moon + week - early);
}
