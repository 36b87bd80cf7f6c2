import * as Plot from '@observablehq/plot';

import { money } from '../text.ts';

/** How each chart is drawn, by its name; its data are those that the page holds. */
const charts: Record<string, (data: never, width: number) => Plot.PlotOptions> = { ageing, months, group };

interface Ageing {
  readonly currency: string;
  readonly ages: readonly { readonly title: string; readonly color: string }[];
  readonly bars: readonly { readonly company: string; readonly age: string; readonly amount: number }[];
}

/** A bar for each company, the ages one after the other; its name stands above it, so that a phone has room for the bar. */
function ageing({ currency, ages, bars }: Ageing): Plot.PlotOptions {
  const companies = [...new Set(bars.map(({ company }) => company))];
  return {
    height: companies.length * 48 + 44,
    marginLeft: 2,
    marginRight: 24,
    marginTop: 4,
    x: amounts(),
    y: { axis: null, domain: companies, paddingInner: 0.52, paddingOuter: 0.26, align: 1 },
    color: { domain: ages.map(({ title }) => title), range: ages.map(({ color }) => `var(--${color})`) },
    marks: [
      Plot.barX(bars, {
        x: 'amount',
        y: 'company',
        fill: 'age',
        order: ages.map(({ title }) => title),
        insetRight: 1,
        title: (bar: Ageing['bars'][number]) => `${bar.company}\n${bar.age}: ${money(bar.amount, currency)}`,
        tip: true,
      }),
      Plot.text(companies, {
        x: 0,
        y: (company: string) => company,
        text: (company: string) => company,
        textAnchor: 'start',
        dy: -20,
        fontWeight: 600,
      }),
    ],
  };
}

interface Months {
  readonly currency: string;
  readonly year: number;
  readonly bars: readonly { readonly month: string; readonly now: number | null; readonly before: number }[];
}

/** This year's bar stands before last year's broader one. */
function months({ currency, year, bars }: Months, width: number): Plot.PlotOptions {
  const short = width < 560;
  const title = ({ month, now, before }: Months['bars'][number]): string =>
    [
      month,
      ...(now === null ? [] : [`${year}: ${money(now, currency)}`]),
      `${year - 1}: ${money(before, currency)}`,
    ].join('\n');
  return {
    height: 280,
    marginLeft: 48,
    x: {
      domain: bars.map(({ month }) => month),
      label: null,
      tickSize: 0,
      padding: 0.2,
      tickFormat: (month: string) => month.slice(0, short ? 1 : 3),
    },
    y: amounts(),
    marks: [
      Plot.barY(bars, { x: 'month', y: 'before', fill: 'var(--before)', title, tip: true }),
      Plot.barY(
        bars.filter(({ now }) => now !== null),
        {
          x: 'month',
          y: 'now',
          fill: 'var(--now)',
          insetLeft: short ? 3 : 10,
          insetRight: short ? 3 : 10,
          pointerEvents: 'none',
        },
      ),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  };
}

interface Group {
  readonly currency: string;
  readonly bars: readonly { readonly month: string; readonly after: number; readonly within: number }[];
}

/** What was sold outside the group, and on top of it what was sold within: together, before elimination. */
function group({ currency, bars }: Group, width: number): Plot.PlotOptions {
  const names = new Intl.DateTimeFormat('en', { month: width < 560 ? 'narrow' : 'short', timeZone: 'UTC' });
  const parts = bars.flatMap(({ month, after, within }) => [
    { month, part: 'after', net: after, title: `${month}\nOutside the group: ${money(after, currency)}` },
    { month, part: 'within', net: within, title: `${month}\nWithin the group: ${money(within, currency)}` },
  ]);
  return {
    height: 280,
    marginLeft: 48,
    x: {
      type: 'band',
      label: null,
      tickSize: 0,
      padding: 0.3,
      tickFormat: (month: string) => names.format(new Date(`${month}-01`)),
    },
    y: amounts(),
    color: { domain: ['after', 'within'], range: ['var(--now)', 'var(--within)'] },
    marks: [
      Plot.barY(parts, { x: 'month', y: 'net', fill: 'part', order: ['after', 'within'], title: 'title', tip: true }),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
    ],
  };
}

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** An axis of amounts, whose currency the chart's title says. */
function amounts(): Plot.ScaleOptions {
  return {
    label: null,
    grid: true,
    ticks: 5,
    tickFormat: (amount: number) => compact.format(amount),
    tickSize: 0,
    nice: true,
  };
}

/** Draws a chart as wide as its place is, and again whenever that changes. */
function show(figure: HTMLElement): void {
  const place = figure.querySelector('.drawing');
  const options = charts[figure.dataset['chart'] ?? ''];
  const json = figure.querySelector('script')?.textContent;
  if (place === null || options === undefined || typeof json !== 'string') return;
  const data = JSON.parse(json) as never;
  let drawn = 0;
  const draw = (): void => {
    const width = Math.floor(place.getBoundingClientRect().width);
    if (width === 0 || width === drawn) return;
    drawn = width;
    const drawing = Plot.plot({ width, style: { fontSize: '12px' }, ...options(data, width) });
    // It is one image: what is within it has no name of its own.
    for (const part of drawing.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', `${figure.dataset['title'] ?? ''}: a chart of the figures in the table below`);
    place.replaceChildren(drawing);
  };
  new ResizeObserver(draw).observe(place);
  draw();
}

for (const figure of document.querySelectorAll<HTMLElement>('figure[data-chart]')) show(figure);
