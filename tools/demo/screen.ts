import { stripVTControlCharacters } from 'node:util';

/** What switches each style on and off. */
const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], cyan: [36, 39] } as const;

type Style = keyof typeof STYLES;

/** Where the demo prints: lines that stay, and on a terminal below them some that are drawn again and again. */
export interface Screen {
  /** Prints lines that stay; what was shown for now goes. */
  readonly print: (...lines: readonly string[]) => void;
  /** On a terminal puts these in the place of those shown before; elsewhere does nothing. */
  readonly show: (...lines: readonly string[]) => void;
  /** The text in a style, or as it is where styles are not wanted. */
  readonly style: (style: Style, text: string) => string;
  readonly isTerminal: boolean;
}

/** What a screen needs of a stream such as stdout. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** No line is meant to be longer, in a terminal or in a file. */
export const WIDTH = 80;

/** A screen on this output; `NO_COLOR` and `TERM=dumb` are respected. */
export function createScreen(output: Output, env: Readonly<Record<string, string | undefined>>): Screen {
  const isTerminal = output.isTTY === true && env['TERM'] !== 'dumb';
  const coloured = isTerminal && (env['NO_COLOR'] ?? '') === '';
  let shownRows = 0;

  const draw = (lines: readonly string[]): void => {
    const text = lines.map((line) => `${line}\n`).join('');
    const back = shownRows === 0 ? '' : `\x1b[${shownRows}A\x1b[J`;
    if (back + text !== '') output.write(back + text);
  };
  const rowsOf = (line: string): number =>
    Math.max(1, Math.ceil(stripVTControlCharacters(line).length / (output.columns ?? WIDTH)));

  return {
    isTerminal,
    print(...lines) {
      draw(lines);
      shownRows = 0;
    },
    show(...lines) {
      if (!isTerminal) return;
      draw(lines);
      shownRows = lines.reduce((rows, line) => rows + rowsOf(line), 0);
    },
    style(style, text) {
      const [on, off] = STYLES[style];
      return coloured ? `\x1b[${on}m${text}\x1b[${off}m` : text;
    },
  };
}

const counting = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const amounts = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** A whole number with its thousands apart. */
export function countText(count: number): string {
  return counting.format(count);
}

/** Minor units as an amount: 123456 is `1,234.56`. */
export function amountText(minorUnits: number): string {
  return amounts.format(minorUnits / 100);
}

/** The text, its end left out where it is longer. */
export function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** How much is done, as a bar of so many columns. */
export function bar(done: number, total: number, width: number): string {
  const full = total === 0 ? width : Math.floor((width * Math.min(done, total)) / total);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** Whether two sides are the same, as a word. */
export function verdictOf(screen: Screen, agrees: boolean): string {
  return agrees ? screen.style('green', 'agree') : screen.style('red', 'DIFFER');
}
