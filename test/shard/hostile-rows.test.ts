import fc from 'fast-check';

import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import { createVendorStream } from '../support/vendor-rows';

const nested = (depth: number): unknown => JSON.parse(`${'[1,{"a":'.repeat(depth / 2)}"ł"${'}]'.repeat(depth / 2)}`);

const hostile = fc.oneof(
  fc.constantFrom<unknown>(2 ** 53 - 1, 2 ** 53 - 2, -0, 1e308, '\ud800', 'a\u0000b', '', null, [], {}, true),
  fc.constantFrom(200, 2_000, 20_000).map(nested),
  fc.constantFrom(1_000, 1_100_000).map((size) => '\u{1f4a3}'.repeat(size / 2)),
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
);

const member = fc.oneof(
  fc.constantFrom(
    'uuid',
    'currency',
    'net_price',
    'invoice_date',
    'services',
    'document_markings_ids',
    'ksef_data',
    'notes',
  ),
  fc.constantFrom('nip', 'email', 'days_to_payment', '__proto__', 'constructor', 'extra', 'entity'),
  fc.string({ maxLength: 5 }),
);

const hostileRow = fc
  .tuple(
    fc.oneof(fc.constantFrom<unknown>(2 ** 53 - 1, 2 ** 53 - 2, 2 ** 53, 1, 1, 1), hostile),
    fc.array(fc.tuple(member, hostile), { maxLength: 4 }),
  )
  .map(([id, members]) => {
    const row: unknown = JSON.parse('{}');
    const all: readonly (readonly [string, unknown])[] = [...members, ['id', id]];
    for (const [name, value] of all)
      Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
    return row;
  });

test.each([clients, invoices])(
  'I9: whatever a row of $name holds, it becomes a record or a dead letter, and its neighbour is published',
  (declaration) => {
    fc.assert(
      fc.property(fc.oneof(hostileRow, hostile), (row) => {
        const stream = createVendorStream(declaration);
        const neighbour = { id: 1, currency: 'PLN' };
        const both = [row, neighbour].filter((each) => each === neighbour || !hasId(each, 1));
        // Ids in the order of the list, as a page out of order is another fault.
        const { records, consumed } = stream.shows(both.reverse());
        expect(consumed.map(({ topic }) => topic).filter((topic) => topic !== 'dead-letters')).toContain(
          declaration.name,
        );
        expect(records).toHaveLength(both.length);
        for (const { value, headers } of records) {
          expect(value?.length).toBeLessThan(1_000_000);
          expect(JSON.stringify(headers).length).toBeLessThan(5_000);
        }
      }),
      { numRuns: 100 },
    );
  },
);

function hasId(row: unknown, id: number): boolean {
  return typeof row === 'object' && row !== null && 'id' in row && row.id === id;
}

test.each([2 ** 53 - 1, 2 ** 53 - 2])('I9: a row with the id %d costs no other row', (id) => {
  const { consumed } = createVendorStream(invoices).shows([{ id: 1 }, { id, gross_price: 'x' }]);
  expect(consumed.map(({ topic }) => topic).sort()).toEqual(['dead-letters', 'invoices']);
});

test('I9: a row nested 20 000 deep is a dead letter with all that it says', () => {
  const row = { id: 2, deep: nested(20_000) };
  const { consumed } = createVendorStream(invoices).shows([{ id: 1 }, row]);
  const letter = consumed.find(({ topic }) => topic === 'dead-letters');
  expect(letter?.key).toEqual({ entity: 'alfa', id: 2 });
  expect(letter?.headers).toMatchObject({ error_path: 'extra' });
  expect(String(letter?.value)).toHaveLength('{"id":2,"deep":""}'.length + (20_000 / 2) * 10 + 1);
});

test.each([
  ['a megabyte long', 'x'.repeat(1_100_000)],
  ['of 65 characters', 'x'.repeat(65)],
  ['half of a surrogate pair', 'a\ud800'],
])(
  'I9: a row whose uuid is %s takes no more room in the state than others, and is asked for by no address',
  (_, uuid) => {
    const stream = createVendorStream(invoices);
    stream.shows([
      { id: 1, uuid },
      { id: 2, uuid: 'an odd one' },
    ]);
    expect([1, 2].map((id) => stream.state.ledger.entry(id)?.uuid)).toEqual([null, 'an odd one']);
    const again = stream.shows([
      { id: 1, uuid },
      { id: 2, uuid: 'an odd one' },
    ]);
    expect(again.records).toEqual([]);
  },
);
