/** How amounts and dates are written on every page and in every chart. */

const NO_BREAK = '\u00a0';

/** An amount as PostgreSQL writes a numeric: `1234.5` PLN is "1 234.50 PLN", without a line break within. */
export function money(amount: string | number, currency: string): string {
  const [whole = '0', cents] = Number(amount) === 0 ? ['0', '00'] : decimal(amount).replace('-', '').split('.');
  const sign = Number(amount) < 0 ? '\u2212' : '';
  return `${sign}${grouped(whole)}.${cents}${NO_BREAK}${currency}`;
}

/** A number of things, with its noun: "1 document", "1 234 documents". */
export function count(number: string | number, one: string, many = `${one}s`): string {
  return `${grouped(String(number))}${NO_BREAK}${Number(number) === 1 ? one : many}`;
}

/** How much larger one amount is than another: "+12.5%"; a dash where there is nothing to compare with. */
export function change(now: string, before: string): string {
  if (Number(before) <= 0) return '\u2013';
  const percent = (Number(now) / Number(before) - 1) * 100;
  const sign = percent < -0.05 ? '\u2212' : percent >= 0.05 ? '+' : '';
  return `${sign}${grouped(Math.abs(percent).toFixed(1))}%`;
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** The English name of a month, 1 to 12. */
export function monthName(month: number): string {
  return MONTHS[month - 1] ?? String(month);
}

/** `2025-11-03` is "3 November 2025", `2025-11-03 14:05` has its time too, `2025-11` no day. */
export function date(written: string): string {
  const [day = '', time] = written.split(' ');
  const [year, month, ofMonth] = day.split('-');
  const words = [ofMonth === undefined ? '' : String(Number(ofMonth)), monthName(Number(month)), year];
  const text = words.filter((word) => word !== '').join(NO_BREAK);
  return time === undefined ? text : `${text}, ${time}`;
}

/** Two digits after the point, exactly: a numeric is text, and stays so. */
function decimal(amount: string | number): string {
  if (typeof amount === 'number') return amount.toFixed(2);
  const [whole = '0', fraction = ''] = amount.split('.');
  return `${whole}.${fraction.padEnd(2, '0')}`;
}

function grouped(whole: string): string {
  return whole.replace(/\B(?=(\d{3})+(?!\d))/g, NO_BREAK);
}
