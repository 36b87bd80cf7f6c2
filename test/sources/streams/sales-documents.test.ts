import { allStreams } from '../../../src/sources/streams/all-streams';
import { salesDocuments } from '../../../src/sources/streams/sales-documents';

test('the paths of a list are made of its name, and a uuid cannot leave its path', () => {
  const { path, detailPath } = salesDocuments('margin-invoices', ['margin']);
  expect(path).toBe('/margin_invoices.json');
  expect(detailPath('a/b?c')).toBe('/margin_invoices/a%2Fb%3Fc.json');
});

test('each list of sales documents says of its own what differs', () => {
  const common = salesDocuments('any', []);
  const own = allStreams
    .filter(({ scopeField }) => scopeField === 'invoice_date')
    .map((stream) => {
      const { volatileFields, everyRowHas, detailOnlyFields, sumFields, hintedNew } = stream;
      const shown = { volatileFields, everyRowHas, detailOnlyFields, sumFields, hintedNew };
      const differs = Object.entries(shown).filter(
        ([field, value]) => JSON.stringify(value) !== JSON.stringify(common[field as keyof typeof shown]),
      );
      return [stream.name, stream.documentedValues['kind'], differs.map(([field]) => field)];
    });
  expect(own).toEqual([
    ['invoices', ['vat', 'proforma'], ['hintedNew']],
    ['corrective-invoices', ['correction'], ['volatileFields', 'detailOnlyFields']],
    ['advance-invoices', ['advance'], []],
    ['final-invoices', ['final'], []],
    ['margin-invoices', ['margin'], ['everyRowHas', 'sumFields']],
  ]);
});
