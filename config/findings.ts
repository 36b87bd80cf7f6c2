/** One thing that is wrong in a file or in the environment. */
export interface Fault {
  readonly file: string;
  readonly key?: string;
  readonly expected: string;
  /** Either a value, which `show` masks, or words of this program. */
  readonly got: { readonly value: unknown } | { readonly words: string };
  /** What a person most likely meant, which says more than what was expected and got. */
  readonly asks?: string;
}

/** What loading has found so far; every part of the loading adds to it. */
export interface Findings {
  readonly faults: Fault[];
  readonly warnings: string[];
  /** Secret values that were seen; no message shows one. */
  readonly secrets: Set<string>;
}

/** What was got where nothing is given. */
export const nothing = { words: 'nothing' };
/** What was got where a secret cannot be used. */
export const notShown = { words: 'a value that is not shown' };

/** What was got where a secret cannot be used, and what about it catches the eye; nothing of the secret is shown. */
export function hiddenText(value: unknown): { readonly words: string } {
  if (typeof value !== 'string') return notShown;
  if (/^\s/.test(value)) return { words: 'one with a space before it' };
  if (/\s$/.test(value)) return { words: 'one with a space at its end' };
  return isQuoted(value) ? { words: 'one with quotes around it' } : notShown;
}

/** Whether a text stands in quotes, as if a shell or JSON were to take them away. */
export function isQuoted(text: string): boolean {
  return /^(["']).*\1$/s.test(text);
}

/** The fault as one line of a message, with every secret masked. */
export function lineOf({ file, key, expected, got, asks }: Fault, secrets: ReadonlySet<string>): string {
  const shown = 'words' in got ? got.words : show(got.value, secrets);
  return `${file}: ${key === undefined ? '' : `${key}: `}${asks ?? `expected ${expected}, got ${shown}`}`;
}

/** A value as a message shows it: secrets masked, and whatever may be credentials left out. */
export function show(value: unknown, secrets: ReadonlySet<string>): string {
  if (value === null || value === undefined) return nothing.words;
  if (Array.isArray(value)) return `[${value.map((item) => show(item, secrets)).join(', ')}]`;
  if (typeof value === 'object') return 'an object';
  const masked = [...secrets]
    .sort((one, other) => other.length - one.length)
    .reduce(
      (text, secret) => text.replaceAll(secret, '***'),
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  if (typeof value !== 'string') return masked;
  // A text before an @ or after a ? may be credentials, whatever key it was put under.
  const open = masked.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '?***');
  return JSON.stringify(open.length > 120 ? `${open.slice(0, 120)}...` : open);
}
