import * as fc from 'fast-check';

import { hashOfUuid } from '../../src/changes/block';
import { createRowOwners } from '../../src/changes/row-owners';

test('I7: whoever remembers a row is found by its uuid, however many rows there are and however often it was noted', () => {
  const owners = createRowOwners();
  const uuid = (row: number): string => `${row.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000`;
  for (let round = 0; round < 2; round++)
    for (let row = 0; row < 5_000; row++) owners.note(`company-${row % 7}`, hashOfUuid(uuid(row)));
  owners.note('twin', hashOfUuid(uuid(4_000)));
  for (let row = 0; row < 5_000; row++) expect(owners.of(uuid(row))).toContain(`company-${row % 7}`);
  expect(owners.of(uuid(4_000))).toEqual(['company-3', 'twin']);
  expect(owners.of(uuid(5_000))).toEqual([]);
});

test('I7: rows whose uuids have one hash are all found', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ entity: fc.constantFrom('alfa', 'beta', 'gamma'), uuid: fc.constantFrom('a', 'b', 'c') })),
      (rows) => {
        const owners = createRowOwners();
        const noted = new Map<string, Set<string>>();
        for (const { entity, uuid } of rows) {
          owners.note(entity, hashOfUuid(uuid));
          noted.set(uuid, (noted.get(uuid) ?? new Set()).add(entity));
        }
        for (const uuid of ['a', 'b', 'c'])
          expect(owners.of(uuid).toSorted()).toEqual([...(noted.get(uuid) ?? [])].toSorted());
      },
    ),
  );
});
