import type { StreamDeclaration } from '../../model';

/** Fields that the details of all sales documents have and no list row, beside what KSeF says. */
export const detailFields: readonly string[] = [
  'transaction_terms',
  'related_documents',
  'local_government_recipient_address',
  'local_government_seller_address',
];

/**
 * What lists of sales documents have in common: an order by `invoice_date`, documents that are unpaid without `paid_date`, and rows that are
 * addressed by uuid. `kinds` are those that inFakt documents.
 */
export function salesDocuments(
  name: string,
  kinds: readonly string[],
): Omit<StreamDeclaration, 'schema' | 'projection'> {
  const list = `/${name.replaceAll('-', '_')}`;
  return {
    name,
    path: `${list}.json`,
    address: 'uuid',
    detailPath: (uuid) => `${list}/${encodeURIComponent(uuid)}.json`,
    scopeField: 'invoice_date',
    openField: 'paid_date',
    // inFakt moves these without an edit, the first on documents in PLN alone; an edit of one line recreates all of them under new ids.
    volatileFields: ['vat_exchange_date_kind[PLN]', 'extensions', 'services.id'],
    everyRowHas: ['status', 'currency', 'invoice_date', 'net_price', 'tax_price', 'gross_price'],
    // `ksef_number` and `third_party_addresses` are not here: list rows may have them, and what they say must not be lost.
    detailOnlyFields: [...detailFields, 'extensions', 'ksef_data'],
    documentedValues: {
      kind: kinds,
      status: ['draft', 'sent', 'printed', 'paid'],
      'services.tax_symbol': ['23', '8', '5', '0', 'zw', 'np'],
    },
    sumFields: ['net_price', 'tax_price', 'gross_price'],
    hintedNew: ['ksef'],
  };
}
