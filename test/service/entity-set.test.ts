import type { EntityConfig } from '../../config/config';
import { entitySetOf } from '../../src/service/entity-set';
import { entityOf } from '../support/service';

const [alfa, beta] = [entityOf('alfa'), entityOf('beta')];

test('replicas that read the same of the same entities have the same digest, whatever the order of their files and lists', () => {
  const streams = (...names: string[]): EntityConfig => ({ ...alfa, streams: names });
  expect(entitySetOf([alfa, beta])).toBe(entitySetOf([beta, alfa]));
  expect(entitySetOf([streams('clients', 'invoices')])).toBe(entitySetOf([streams('invoices', 'clients')]));
  expect(entitySetOf([alfa])).toMatch(/^[0-9a-f]{16}$/);
});

test.each<[string, Partial<EntityConfig>]>([
  ['is switched off', { enabled: false }],
  ['has other streams', { streams: ['clients', 'invoices'] }],
  ['begins elsewhere', { startDate: '2026-01-01' }],
  ['ends elsewhere', { endDate: '2026-12-31' }],
  ['accepts a row', { accept: { clients: [7] } }],
  ['confirms a hold', { deletions: { ...alfa.deletions, confirm: '0a1b' } }],
  ['may delete more', { deletions: { ...alfa.deletions, maxShare: 1 } }],
  ['has another name', { id: 'gamma' }],
])('an entity that %s makes another digest', (_what, change) => {
  expect(entitySetOf([{ ...alfa, ...change }, beta])).not.toBe(entitySetOf([alfa, beta]));
});

test('I11: keys, tax ids and names are no part of the digest', () => {
  const other = { ...alfa, apiKey: 'other', apiKeyFile: '/run/key', nip: '5260250274', name: 'Alfa' };
  expect(entitySetOf([other])).toBe(entitySetOf([alfa]));
});
