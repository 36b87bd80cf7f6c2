import { stripVTControlCharacters } from 'node:util';

/** How what a command prints is shown. */
export interface Page {
  /** Columns that a line has; null = no terminal, lines stay whole so that programs can search them. */
  readonly columns: number | null;
  readonly hasColour: boolean;
}

/** Whatever is no terminal: a file, a pipe. */
export const plainPage: Page = { columns: null, hasColour: false };

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

/** No help is wider. */
export const HELP_COLUMNS = 80;
/** A narrower terminal breaks the lines itself. */
const LEAST_COLUMNS = 40;

/** The page of an output such as `process.stdout`; `NO_COLOR` and `TERM=dumb` are honoured. */
export function pageOf(
  output: { readonly isTTY?: boolean; readonly columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Page {
  if (output.isTTY !== true) return plainPage;
  const hasColour = env['TERM'] !== 'dumb' && (env['NO_COLOR'] ?? '') === '';
  return { columns: Math.max(output.columns ?? HELP_COLUMNS, LEAST_COLUMNS), hasColour };
}

/** The text in a style, or as it is where no colour is shown. */
export function painted(style: keyof typeof STYLES, text: string, { hasColour }: Page): string {
  const [on, off] = STYLES[style];
  return hasColour ? `\u001b[${on}m${text}\u001b[${off}m` : text;
}

/** Lines that are no longer than the page, broken between words; what goes on in a next line is indented by `indent` more. */
export function fitted(text: string, { columns }: Pick<Page, 'columns'>, indent = 2): string {
  if (columns === null) return text;
  return text
    .split('\n')
    .map((line) => {
      const lead = /^ */.exec(line)?.[0] ?? '';
      return wrapped(line.trimStart(), columns, lead, lead + ' '.repeat(indent));
    })
    .join('\n');
}

/**
 * A help as it is printed: sentences that stand on lines one below the other are one paragraph, filled up to 80 columns; so is what an
 * option does, beside its name.
 */
export function helpText(help: string): string {
  const lines: string[] = [];
  let first = '';
  let others = '';
  let words: string[] = [];
  const flush = (): void => {
    if (words.length > 0) lines.push(wrapped(words.join(' '), HELP_COLUMNS, first, others));
    words = [];
  };
  for (const line of help.split('\n')) {
    const lead = /^ */.exec(line)?.[0] ?? '';
    const [, name, what] = /^( {2,}\S.* {2,})(\S.*)$/.exec(line) ?? [];
    if (line === '' || /^(Usage:|[A-Z][a-z]+$)/.test(line)) {
      flush();
      lines.push(line);
    } else if (name !== undefined && what !== undefined) {
      flush();
      [first, others, words] = [name, ' '.repeat(name.length), [what]];
    } else if (words.length > 0 && lead === others) words.push(line.trimStart());
    else {
      flush();
      [first, others, words] = [lead, lead, [line.trimStart()]];
    }
  }
  flush();
  return lines.join('\n');
}

/** One paragraph in lines of so many columns; a word that is longer has a line of its own. */
function wrapped(text: string, columns: number, first: string, others: string): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    const width = stripVTControlCharacters(line).length + stripVTControlCharacters(word).length + (isEmpty ? 0 : 1);
    if (!isEmpty && width > columns) {
      lines.push(line);
      line = others;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}
