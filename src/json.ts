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
    } else parts.push(JSON.stringify(value) ?? 'null');
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
