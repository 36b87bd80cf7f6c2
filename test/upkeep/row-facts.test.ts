import type { Config } from '../../config/config';
import { createFingerprint } from '../../src/changes/fingerprint';
import { createLedger } from '../../src/changes/ledger';
import type { Row } from '../../src/model';
import { sweepQuery } from '../../src/rules/scope';
import { currentDefinitions } from '../../src/service/codecs';
import { loadSchema } from '../../src/sinks/avro';
import { invoices } from '../../src/sources/streams/invoices';
import type { Definition } from '../../src/state/state-topic';
import { fingerprintOf, readAsRecord } from '../../src/upkeep/ask-row';
import type { NewestRecord } from '../../src/upkeep/find-records';
import type { StreamView } from '../../src/upkeep/remembered';
import { factsOf, type LookedAt } from '../../src/upkeep/row-facts';
import { settings } from '../support/schedule';
import { entityOf } from '../support/service';

const row: Row = {
  id: 7,
  invoice_date: '2026-06-01',
  currency: 'PLN',
  status: 'sent',
  gross_price: 100,
  paid_date: null,
};
const [definition] = currentDefinitions({ volatileFields: [] }).filter(({ stream }) => stream === 'invoices');
const schemaText = loadSchema('invoice');
const under = (read: Row, { volatileFields }: Pick<Definition, 'volatileFields'>): string =>
  fingerprintOf(read, createFingerprint({ schemaText, volatileFields }));

function newestOf(published: Row, fingerprint: string | null, changes: object = {}): NewestRecord {
  const read = readAsRecord(invoices, 'alfa', published);
  const found = { topic: 't', partition: 0, offset: 1, timestamp: '', observedAt: null, op: 'u', scan: 'open' };
  return { found: { ...found, fingerprint, ...changes }, value: read.kind === 'fits' ? read.record : null };
}

const setting = entityOf('alfa');
const service = {
  schedule: { ...settings, sweepAtLeastHours: 24, recentDays: 45 },
  infakt: { requestsPerMinute: 290 },
  volatileFields: [],
};

function looked(changes: Partial<LookedAt> = {}, entity: object = {}): LookedAt {
  const alfa = { ...setting, streams: ['invoices'], ...entity };
  return {
    config: { service, entities: [alfa] } as unknown as Config,
    entity: 'alfa',
    stream: invoices,
    id: 7,
    view: null,
    scope: sweepQuery(invoices, alfa, '2026-11-01'),
    newest: newestOf(row, under(row, definition ?? { volatileFields: [] })),
    letter: null,
    asked: { kind: 'row', how: 'address', row },
    nowMs: 0,
    ...changes,
  };
}

test('a row is published where its record carries its fingerprint, and is not where it carries another one', () => {
  expect(factsOf(looked()).api).toMatchObject({
    kind: 'row',
    inScope: true,
    open: true,
    date: '2026-06-01',
    reading: { kind: 'fits', isPublished: true, differing: { counted: [], uncounted: [] } },
  });
  const asked = { kind: 'row' as const, how: 'address' as const, row: { ...row, gross_price: 200 } };
  expect(factsOf(looked({ asked })).api).toMatchObject({
    reading: { isPublished: false, differing: { counted: ['gross_price'] } },
  });
});

test('a record under an older definition counts by that one, and one without a fingerprint by its fields', () => {
  const older: Definition = { stream: 'invoices', hashVersion: 1, normalisationVersion: 1, volatileFields: ['status'] };
  const view = {
    entity: 'alfa',
    stream: 'invoices',
    ledger: createLedger({ entity: 'alfa', stream: 'invoices' }),
    cursors: {},
    hold: null,
    definitions: [0],
    definitionOf: (number: number) => (number === 0 ? older : undefined),
  } satisfies StreamView;
  const newest = { ...newestOf({ ...row, gross_price: 1 }, under(row, older)) };
  expect(factsOf(looked({ view, newest })).api).toMatchObject({ reading: { isPublished: true } });
  expect(factsOf(looked({ newest })).api).toMatchObject({ reading: { isPublished: false } });
  expect(factsOf(looked({ newest: newestOf(row, null) })).api).toMatchObject({ reading: { isPublished: true } });
});

test('a tombstone, or no record at all, publishes nothing', () => {
  const tombstone = { ...newestOf(row, under(row, definition ?? { volatileFields: [] }), { op: 'd' }), value: null };
  for (const newest of [tombstone, null])
    expect(factsOf(looked({ newest })).api).toMatchObject({ reading: { isPublished: false, differing: null } });
});

test('a row that cannot become a record says why', () => {
  const asked = { kind: 'row' as const, how: 'list' as const, row: { ...row, gross_price: 'much' } };
  expect(factsOf(looked({ asked })).api).toMatchObject({ reading: { kind: 'refused', path: 'gross_price' } });
});

test('what the configuration reads decides what is planned', () => {
  expect(factsOf(looked())).toMatchObject({ reading: 'read' });
  expect(factsOf(looked()).forecasts.map(({ scan }) => scan.scan)).toEqual(['newest', 'open', 'recent', 'sweep']);
  expect(factsOf(looked({}, { streams: ['clients'] }))).toMatchObject({ reading: 'stream-not-read', forecasts: [] });
  expect(factsOf(looked({}, { enabled: false }))).toMatchObject({ reading: 'disabled' });
  expect(factsOf(looked({}, { id: 'beta' }))).toMatchObject({ reading: 'not-configured' });
});
