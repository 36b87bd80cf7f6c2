import { of } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { checkKsef, requestsToCount, type KsefToCheck } from '../../src/commands/check-ksef';
import { candidatesOf, type FilterVerdict } from '../../src/rules/filter-proof';
import type { Rest } from '../../src/sources/rest';
import { invoices } from '../../src/sources/streams/invoices';
import { entityOf } from '../support/service';

const entity: EntityConfig = {
  ...entityOf('alfa'),
  name: 'Alfa',
  nip: '1111111111',
  apiKey: 'key',
  streams: ['clients', 'invoices', 'corrective-invoices'],
};
const setting: KsefToCheck = { from: '2026-02-01', requestsPerMinute: 261 };

/** What is said of an entity with 5 000 invoices and 40 corrections, and what its lists were asked. */
async function said({
  verdict = null,
  changes = {},
  ksef = setting,
}: {
  readonly verdict?: FilterVerdict | null;
  readonly changes?: Partial<EntityConfig>;
  readonly ksef?: KsefToCheck;
} = {}) {
  const asked: string[] = [];
  const rest: Pick<Rest, 'list'> = {
    list: (stream, _path, params, _offset, limit) => {
      asked.push(`${stream} ${params['q[invoice_date_gteq]'] ?? ''} ${limit}`);
      return of({ rows: [], totalCount: stream === 'invoices' ? 5_000 : 40, began: 1, ended: 2 });
    },
  };
  const [candidate] = candidatesOf(invoices).filter(({ kind }) => kind === 'fields');
  const proofs =
    verdict === null || candidate === undefined ? null : [{ candidate, verdict, why: '', wasAnswered: true }];
  const { text } = await checkKsef({ ...entity, ...changes }, rest, ksef, { firstRun: '2026-03-01', proofs });
  return { asked, text };
}

test('the documents since the first day are counted, and how long it takes to read each', async () => {
  const { asked, text } = await said({ verdict: 'ignored' });
  expect(asked).toEqual(['invoices 2026-02-01 1', 'corrective-invoices 2026-02-01 1']);
  expect(asked).toHaveLength(requestsToCount(entity.streams));
  expect(text).toBe(
    'the back-fill of 5040 documents dated since 2026-02-01: by details 5040 requests, 19 min at least with 261 requests a minute and no other use of them; by pages of named fields 52 requests, 12 s at least, which lists do not tell (fields ignored)',
  );
});

test('where lists tell what is asked for by name, pages are what it takes', async () => {
  const { text } = await said({ verdict: 'works' });
  expect(text.endsWith('by pages of named fields 52 requests, 12 s at least')).toBe(true);
  expect((await said()).text).toContain('(fields not tried)');
});

test('a later beginning of the scope counts, and a scope that ended before has none', async () => {
  expect((await said({ changes: { startDate: '2026-05-01' } })).asked[0]).toBe('invoices 2026-05-01 1');
  const ended = await said({ changes: { endDate: '2025-12-31' } });
  expect([ended.asked, ended.text.startsWith('the back-fill of 0 documents')]).toEqual([[], true]);
});

test('without a limit nothing is said of time', async () => {
  expect((await said({ ksef: { ...setting, requestsPerMinute: 0 } })).text).toContain(
    'by details 5040 requests; by pages',
  );
});
