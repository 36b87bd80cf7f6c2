/** Text that is HTML already. */
export class Html {
  constructor(readonly text: string) {}
}

type Content = Html | string | number | null | readonly Content[];

/** HTML with every value escaped that is not HTML itself: names of clients are other people's text. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(
    parts.map((part, index) => part + (index < values.length ? written(values[index] ?? null) : '')).join(''),
  );
}

function written(value: Content): string {
  if (value === null) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'object') return value.map(written).join('');
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => Content;
  /** Numbers and amounts stand at the right; a text is long. */
  readonly kind?: 'number' | 'amount' | 'text';
}

export interface Table<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** Which rows are sums. */
  readonly isTotal?: (row: Row) => boolean;
  /** What is said where there is no row. */
  readonly empty: string;
}

/** A table, each row of which a narrow screen shows as a card; its first column names the row. */
export function table<Row>({ caption, columns, rows, isTotal = () => false, empty }: Table<Row>): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  // The roles are told, as a card's `display` would take them away.
  const cell = (row: Row, column: Column<Row>, index: number): Html =>
    index === 0
      ? html`<th role="rowheader" scope="row">${column.of(row)}</th>`
      : valueCell(column.title, column.of(row), column.kind);
  const heads = columns.map(
    ({ title, kind }) => html`<th role="columnheader" scope="col" class="${kindClass(kind)}">${title}</th>`,
  );
  const lines = rows.map(
    (row) =>
      html`<tr role="row" class="${isTotal(row) ? 'total' : 'one'}">
        ${columns.map((column, index) => cell(row, column, index))}
      </tr>`,
  );
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table role="table">
      <caption>
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${heads}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${lines}
      </tbody>
    </table>
  </div>`;
}

/** An amount of zero is a dash, so that the others are seen; a card leaves it out. */
function valueCell(title: string, value: Content, kind: Column<unknown>['kind']): Html {
  const isZero = kind === 'amount' && typeof value === 'string' && isZeroAmount(value);
  return html`<td role="cell" class="${kindClass(kind)}${isZero ? ' zero' : ''}" data-title="${title}">
    ${isZero ? '\u2013' : value}
  </td>`;
}

function isZeroAmount(text: string): boolean {
  return /^0\.00\b/.test(text);
}

function kindClass(kind: Column<unknown>['kind']): string {
  if (kind === undefined) return 'words';
  return kind === 'text' ? 'text' : 'number';
}

export interface Figure {
  readonly title: string;
  readonly value: string;
  /** The same in other currencies; an amount of zero is left out. */
  readonly others?: readonly string[];
  readonly note?: string;
  /** Something that wants a look. */
  readonly isWarning?: boolean;
}

/** The few numbers that a page begins with. */
export function figures(...all: readonly Figure[]): Html {
  const one = ({ title, value, others = [], note, isWarning = false }: Figure): Html =>
    html`<div class="figure ${isWarning ? 'warning' : 'calm'}">
      <dt>${title}</dt>
      <dd>${value}</dd>
      ${others.filter((other) => !isZeroAmount(other)).map((other) => html`<dd class="other">${other}</dd>`)}
      ${note === undefined ? null : html`<dd class="note">${note}</dd>`}
    </div>`;
  return html`<dl class="figures">${all.map(one)}</dl>`;
}

export interface Legend {
  readonly title: string;
  /** The variable of the style sheet that holds its colour. */
  readonly color: string;
}

/** A chart that `browser/charts.ts` draws from `data`; the same figures stand in a table beside it. */
export function chart(name: string, title: string, legend: readonly Legend[], data: unknown): Html {
  const json = new Html(JSON.stringify(data).replaceAll('<', '\\u003c'));
  const one = ({ title: text, color }: Legend): Html =>
    html`<li><span class="swatch" style="background: var(--${color})"></span>${text}</li>`;
  return html`<figure class="chart" data-chart="${name}" data-title="${title}">
    <figcaption>${title}</figcaption>
    <ul class="legend">
      ${legend.map(one)}
    </ul>
    <div class="drawing"></div>
    <script type="application/json">
      ${json}
    </script>
  </figure>`;
}

/** Content that is seen when it is asked for. */
export function folded(title: string, ...content: readonly Content[]): Html {
  return html`<details>
    <summary>${title}</summary>
    ${content}
  </details>`;
}

/** A part of a page below a heading of its own. */
export function section(title: Content, note: string | null, ...content: readonly Content[]): Html {
  return html`<section>
    <h2>${title}</h2>
    ${note === null ? null : html`<p class="note">${note}</p>`} ${content}
  </section>`;
}
