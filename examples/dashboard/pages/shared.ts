import { folded, html, type Html } from '../html.ts';
import type { Books } from '../read.ts';

/** The company's name, or its entity where the table `entities` does not name it. */
export function companyOf({ name, entity }: { readonly name: string | null; readonly entity: string | null }): string {
  return name ?? entity ?? 'All companies';
}

/** A document as people call it: its number, else its kind and id. */
export function documentOf(of: {
  readonly document: string | null;
  readonly id: string | null;
  readonly number: string | null;
}): string {
  if (of.number !== null && of.number !== '') return of.number;
  return of.document === null ? 'the company itself' : `${of.document} ${of.id ?? ''}`;
}

/** A client's name; companies of the group are told. */
export function clientOf({
  client,
  intercompany = false,
}: {
  readonly client: string;
  readonly intercompany?: boolean;
}): string {
  return `${client}${intercompany ? ' (of the group)' : ''}`;
}

/** The currencies of some rows, in their order: the companies' own is the first. */
export function currenciesOf(...all: readonly (readonly { readonly currency: string }[])[]): readonly string[] {
  return [...new Set(all.flat().map(({ currency }) => currency))];
}

/** The year that the figures are for. */
export function yearOf({ freshness: [fresh] }: Books): number {
  return Number(fresh?.day.slice(0, 4));
}

/** Those of a currency. */
export function inCurrency<Row extends { readonly currency: string }>(
  rows: readonly Row[],
  currency: string,
): readonly Row[] {
  return rows.filter((row) => row.currency === currency);
}

/** A part of a page for each currency: that of the first is seen, those of the others when they are asked for. */
export function forEach(currencies: readonly string[], part: (currency: string) => Html): readonly Html[] {
  return currencies.map((currency, index) =>
    index === 0 ? part(currency) : html`${folded(`In ${currency}`, part(currency))}`,
  );
}
