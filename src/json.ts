/**
 * A JSON number that no double holds, with the digits that the API sent; every other number is a plain one.
 */
export class ExactNumber {
  /** Only the JSON spelling of a number. */
  constructor(readonly text: string) {}
}

/** Whether the value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

/** The text of a JSON value; null for an empty text and for anything else. */
export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

interface Open {
  readonly close: ']' | '}';
  readonly value: object;
  /** Of an object. */
  readonly names: readonly string[];
  readonly length: number;
  next: number;
}

/**
 * The JSON text of a parsed JSON value, at any depth and with the digits of every `ExactNumber`; JSON.stringify knows neither. Lone
 * surrogates are escaped.
 */
export function jsonText(root: unknown): string {
  const parts: string[] = [];
  const open: Open[] = [];
  const write = (value: unknown): void => {
    if (value instanceof ExactNumber) parts.push(value.text);
    else if (Array.isArray(value)) {
      parts.push('[');
      open.push({ close: ']', value, names: [], length: value.length, next: 0 });
    } else if (isObject(value)) {
      parts.push('{');
      const names = Object.keys(value).filter((name) => value[name] !== undefined);
      open.push({ close: '}', value, names, length: names.length, next: 0 });
    } else parts.push(value === undefined ? 'null' : JSON.stringify(value));
  };
  write(root);
  // A stack of our own: JSON.parse takes JSON far deeper than calls can nest.
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    const { value, names, next } = at;
    if (next === at.length) {
      parts.push(at.close);
      open.pop();
      continue;
    }
    at.next += 1;
    if (next > 0) parts.push(',');
    if (Array.isArray(value)) write(value[next]);
    else if (isObject(value)) {
      const name = names[next] ?? '';
      parts.push(JSON.stringify(name), ':');
      write(value[name]);
    }
  }
  return parts.join('');
}

/** So many digits and points in a row are more than a double always holds. Texts have such runs too, as account numbers. */
const LONG_RUN = 16;
/** An exponent beyond 99 where a number ends: less, with fifteen digits, a double holds. */
const LONG_EXPONENT = /[eE][+-]?\d{3,}(?:[\s,}\]]|$)/;
const NUMBER = /-?\d[\d.eE+-]*/y;

/**
 * Parses JSON as JSON.parse does, but keeps the digits of each number that a double would round, as an `ExactNumber`. Texts without
 * long numbers cost one look for them.
 */
export function parseJson(text: string, isRounded: (number: string) => boolean): unknown {
  if (!mayHoldLongNumber(text)) return JSON.parse(text);
  const mark = markNotIn(text);
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfText(text, at);
    else if (code === MINUS || (code >= DIGIT_0 && code <= DIGIT_9)) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0] ?? '';
      if (isNumber(number) && isRounded(number)) {
        parts.push(text.slice(copied, at), `"${mark}${number}"`);
        copied = at + number.length;
      }
      at += Math.max(0, number.length - 1);
    }
  }
  parts.push(text.slice(copied));
  return unmarked(JSON.parse(parts.join('')), mark);
}

/** False only where no number of this JSON is rounded by a double. */
function mayHoldLongNumber(text: string): boolean {
  if (LONG_EXPONENT.test(text)) return true;
  // A long run covers one of these places. A regular expression would look at every character of the page.
  for (let at = LONG_RUN - 1; at < text.length; at += LONG_RUN) {
    if (!isOfRun(text.charCodeAt(at))) continue;
    let start = at;
    while (isOfRun(text.charCodeAt(start - 1))) start -= 1;
    let end = at + 1;
    while (isOfRun(text.charCodeAt(end))) end += 1;
    if (end - start >= LONG_RUN && mayBeginNumber(text, start)) return true;
    at = end;
  }
  return false;
}

/** Whether the character is a digit or a point. */
function isOfRun(code: number): boolean {
  return code <= DIGIT_9 && code >= POINT && code !== SLASH;
}

/** False only where the digits at this place are in the middle of a text or begin one. */
function mayBeginNumber(text: string, at: number): boolean {
  let before = text.charCodeAt(at - 1) === MINUS ? at - 2 : at - 1;
  while (before >= 0 && isSpace(text.charCodeAt(before))) before -= 1;
  return before < 0 || '[:,'.includes(text.charAt(before));
}

/** Whether JSON takes the character for space between values. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** A text with which none of the texts in this JSON begins, escaped or not. */
function markNotIn(text: string): string {
  const runs = text.match(/(?:=|\\u003d)+/gi) ?? [];
  const longest = runs.reduce((most, run) => Math.max(most, run.replace(/\\u003d/gi, '=').length), 0);
  return '='.repeat(longest + 1);
}

const [QUOTE, MINUS, POINT, SLASH, BACKSLASH, DIGIT_0, DIGIT_9] = [34, 45, 46, 47, 92, 48, 57] as const;

/** Where the text that begins here ends; a text without an end is left to JSON.parse. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

function isNumber(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

/** The parsed value, in which the marked texts become exact numbers in place. */
function unmarked(root: unknown, mark: string): unknown {
  const exact = (value: unknown): ExactNumber | undefined =>
    typeof value === 'string' && value.startsWith(mark) ? new ExactNumber(value.slice(mark.length)) : undefined;
  const pending: unknown[] = [root];
  // A stack of our own, as in `jsonText`.
  while (pending.length > 0) {
    const container = pending.pop();
    if (typeof container !== 'object' || container === null) continue;
    for (const [name, value] of Object.entries(container)) {
      const number = exact(value);
      if (number !== undefined)
        Object.defineProperty(container, name, { value: number, enumerable: true, configurable: true, writable: true });
      else if (typeof value === 'object') pending.push(value);
    }
  }
  return exact(root) ?? root;
}
