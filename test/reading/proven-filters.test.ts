import { lastValueFrom, toArray } from 'rxjs';

import { startSimulator, type Simulator } from '../../simulator/server';
import type { UnprovenMode, UnprovenModes } from '../../simulator/unproven';
import { createHttp, type Http } from '../../src/http';
import type { StreamDeclaration } from '../../src/model';
import { proveFilters, requestsToProve } from '../../src/reading/prove-filters';
import type { FilterProof } from '../../src/rules/filter-proof';
import type { KnownChange } from '../../src/rules/known-list';
import { createApiKey } from '../../src/sources/api-key';
import { createRest, requestRetry, type Rest } from '../../src/sources/rest';
import { clients } from '../../src/sources/streams/clients';
import { correctiveInvoices } from '../../src/sources/streams/corrective-invoices';
import { invoices } from '../../src/sources/streams/invoices';
import { createMarks } from '../support/memory';

// What asking comes to against the simulator, over HTTP, in every mode that its lists may treat a filter in.

const key = 'key-a';
let now = Date.parse('2026-03-31T10:00:00Z');
let simulator: Simulator;
let http: Http;
let rest: Rest;

beforeAll(async () => {
  simulator = await startSimulator({
    entities: [{ key, name: 'Alfa', nip: '5252344078', clients: 30, invoices: 300 }],
    today: '2026-03-31',
    now: () => now,
  });
  http = createHttp({ timeoutMs: 10_000, maxBytes: 4_000_000, userAgent: 'infakt-kafka/test' });
  const slot = { done: () => undefined };
  rest = createRest({
    baseUrl: `${simulator.url}/api/v3`,
    entity: 'alfa',
    apiKey: createApiKey(() => key),
    http,
    slots: {
      take: () => Promise.resolve(slot),
      wait: (grant) => {
        grant(slot);
        return () => undefined;
      },
    },
    marks: createMarks(),
    retry: { ...requestRetry(() => 0), attempts: 1 },
  });
});

afterAll(async () => {
  http.close();
  await simulator.stop();
});

async function proofsOf(
  stream: StreamDeclaration,
  modes: UnprovenModes,
  changes: readonly KnownChange[] = [],
): Promise<Readonly<Record<string, FilterProof>>> {
  simulator.admin.filters(modes);
  simulator.admin.resetStats();
  const query = { from: stream.scopeField === null ? null : '2024-01-01', to: null, order: 'asc' } as const;
  const asked = proveFilters({ rest, stream, query, changes, today: '2026-03-31' });
  const proofs = await lastValueFrom(asked.pipe(toArray()));
  expect(simulator.admin.stats().total).toBeLessThanOrEqual(requestsToProve(stream));
  return Object.fromEntries(proofs.map((proof) => [proof.candidate.kind, proof]));
}

const all = (mode: UnprovenMode): UnprovenModes => ({
  paid_date_gteq: mode,
  updated_at_gteq: mode,
  created_at_gteq: mode,
  id_gt: mode,
  ...(mode === 'day-off' ? {} : { fields: mode }),
});

const verdictsOf = (proofs: Readonly<Record<string, FilterProof>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(proofs).map(([kind, { verdict }]) => [kind, verdict]));

test.each<[UnprovenMode, Readonly<Record<string, string>>]>([
  ['works', { paid: 'works', changed: 'works', created: 'works', id: 'works', fields: 'works' }],
  ['ignored', { paid: 'ignored', changed: 'ignored', created: 'ignored', id: 'ignored', fields: 'ignored' }],
  ['refused', { paid: 'refused', changed: 'refused', created: 'refused', id: 'refused', fields: 'refused' }],
  ['wrong-rows', { paid: 'wrong', changed: 'unknown', created: 'works', id: 'works', fields: 'wrong' }],
  ['day-off', { paid: 'wrong', changed: 'unknown', created: 'wrong', id: 'wrong', fields: 'ignored' }],
])('invoices, where all filters are %s: %j', async (mode, verdicts) => {
  expect(verdictsOf(await proofsOf(invoices, all(mode)))).toEqual(verdicts);
});

test('an edit that was seen shows that a filter of edits lies', async () => {
  const [first] = simulator.admin.truth({ invoice_date_gteq: '2024-01-01' })[key]?.invoices.ids ?? [];
  simulator.admin.edit(key, 'invoices', Number(first), { notes: 'pilne' });
  const changes = [{ id: Number(first), since: '2026-03-31', isNew: false }];
  for (const [mode, verdict] of [
    ['works', 'works'],
    ['wrong-rows', 'wrong'],
    ['day-off', 'wrong'],
  ] as const)
    expect([mode, verdictsOf(await proofsOf(invoices, all(mode), changes))['changed']]).toEqual([mode, verdict]);
});

test('a filter that worked for a week is found out by the next proof', async () => {
  expect(verdictsOf(await proofsOf(invoices, all('week')))['paid']).toBe('works');
  const query = { from: '2024-01-01', to: null, order: 'asc' } as const;
  now += 8 * 86_400_000;
  const later = await lastValueFrom(
    proveFilters({ rest, stream: invoices, query, changes: [], today: '2026-04-08' }).pipe(toArray()),
  );
  expect(later.map(({ verdict }) => verdict)).toEqual(['ignored', 'ignored', 'ignored', 'ignored', 'ignored']);
});

test('of clients nothing shows when one was changed, so that it takes an edit that was seen', async () => {
  const [first] = simulator.admin.truth()[key]?.clients.ids ?? [];
  expect(verdictsOf(await proofsOf(clients, all('works')))).toEqual({
    changed: 'unknown',
    created: 'unknown',
    id: 'works',
  });
  simulator.admin.edit(key, 'clients', Number(first), { city: 'Gdynia' });
  const since = new Date(now).toISOString().slice(0, 10);
  const changes = [{ id: Number(first), since, isNew: false }];
  expect(verdictsOf(await proofsOf(clients, all('works'), changes))).toMatchObject({
    changed: 'works',
    created: 'unknown',
  });
  for (const mode of ['wrong-rows', 'day-off'] as const)
    expect([mode, verdictsOf(await proofsOf(clients, all(mode), changes))['changed']]).toEqual([mode, 'wrong']);
});

test('corrections have no time of their own, and their payments show that a filter works', async () => {
  const proofs = await proofsOf(correctiveInvoices, all('works'));
  expect(['works', 'unknown']).toContain(proofs['paid']?.verdict);
  expect(verdictsOf(proofs)).toMatchObject({ changed: 'unknown', created: 'unknown', id: 'works' });
});
