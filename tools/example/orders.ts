import { isObject, type JsonObject } from '../../simulator/rows';
import { finalTotalsOf, type FinalTotals } from '../../src/rules/final-totals';

/** The rows of one legal entity that are of orders or margins. */
export interface OrderRows {
  readonly entity: string;
  readonly advances: readonly JsonObject[];
  readonly finals: readonly JsonObject[];
  readonly margins: readonly JsonObject[];
}

/** What counts of an advance, final or margin invoice, in minor units; a margin's net and VAT are 0, as nobody knows them. */
export interface Counted {
  readonly entity: string;
  readonly kind: 'advance' | 'final' | 'margin';
  readonly document: JsonObject;
  readonly isNoIncome: boolean;
  readonly net: number;
  readonly tax: number;
  readonly gross: number;
}

/** What the totals of an entity's final invoices contain, as `check` says it; null if it cannot. */
export function totalsOf({ finals }: Pick<OrderRows, 'finals'>): FinalTotals | null {
  return finalTotalsOf(finals).totals;
}

/** The issued documents of orders and margins of one entity with what counts of each: every zloty of an order once. */
export function counted(rows: OrderRows): Counted[] {
  const { entity } = rows;
  const totals = totalsOf(rows);
  const finals = rows.finals.filter(isIssued);
  const finalOf = new Map(finals.flatMap((final) => advancesOf(final).map(({ id }) => [id, final] as const)));
  const advances = rows.advances.filter(isIssued).map((document) => {
    const gross = amountOf(document['advance_price']);
    const tax = taxOf(gross, document);
    const isNoIncome = finalOf.get(document['id'])?.['not_income'] === true;
    return { entity, kind: 'advance' as const, document, isNoIncome, net: gross - tax, tax, gross };
  });
  const settled = finals.flatMap((document) => {
    const before = advancesOf(document).map(({ advance_price: price }) => amountOf(price));
    if (before.length > 0 && totals !== 'whole' && totals !== 'rest') return [];
    const had = totals === 'whole' ? before : [];
    const gross = amountOf(document['gross_price']) - had.reduce((sum, price) => sum + price, 0);
    const tax = amountOf(document['tax_price']) - had.reduce((sum, price) => sum + taxOf(price, document), 0);
    const isNoIncome = document['not_income'] === true;
    return [{ entity, kind: 'final' as const, document, isNoIncome, net: gross - tax, tax, gross }];
  });
  const margins = rows.margins.filter(isIssued).map((document) => {
    const gross = amountOf(document['gross_price']);
    return { entity, kind: 'margin' as const, document, isNoIncome: false, net: 0, tax: 0, gross };
  });
  return [...advances, ...settled, ...margins];
}

function isIssued({ status }: JsonObject): boolean {
  return ['sent', 'printed', 'paid'].includes(String(status));
}

function advancesOf({ previous_advances: previous }: JsonObject): JsonObject[] {
  return Array.isArray(previous) ? previous.filter(isObject) : [];
}

/** The VAT within an advance: the same share that the order has, to the nearest grosz. */
function taxOf(price: number, { tax_price: tax, gross_price: gross }: JsonObject): number {
  const whole = amountOf(gross);
  return Math.floor((2 * price * amountOf(tax) + whole) / (2 * whole));
}

function amountOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
