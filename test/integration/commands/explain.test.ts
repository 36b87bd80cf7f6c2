import type { Row } from '../../../src/model';
import { API_KEY, oneCompany, type OneCompany } from '../../support/one-company';
import { startRun } from '../../support/run';

interface Explained {
  readonly id: number;
  readonly verdict: string;
  readonly because: string;
  readonly record: Readonly<Record<string, unknown>> | null;
  readonly ledger: Readonly<Record<string, unknown>> | null;
  readonly dead_letter: Readonly<Record<string, unknown>> | null;
  readonly api: Readonly<Record<string, unknown>>;
  readonly absence: unknown;
  readonly scans: readonly Readonly<Record<string, unknown>>[];
}

async function explain(
  { service }: OneCompany,
  ...argv: string[]
): Promise<{ code: number; json: Explained; text: string }> {
  const command = ['explain', '--entity', 'alfa', ...(argv.includes('--stream') ? [] : ['--stream', 'invoices'])];
  const [{ stdout }, { code, stdout: json }] = await Promise.all([
    service.command([...command, ...argv]),
    service.command([...command, ...argv, '--json']),
  ]);
  return { code, json: JSON.parse(json) as Explained, text: stdout.replace(/\n {2,}/g, ' ') };
}

test('every verdict about a row, in words and as JSON, with the place of its record and without a value of it', async () => {
  const company = await oneCompany({ clients: 3, invoices: 12 });
  const { service, simulator } = company;
  const { admin } = simulator;
  const [edited = 0, deleted = 0, broken = 0, early = 0, calm = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const configure = (changes: Readonly<Record<string, unknown>>): void =>
    service.configure({
      url: simulator.url,
      entities: { alfa: { api_key: API_KEY, nip: '1111111111', streams: ['clients', 'invoices'], ...changes } },
    });
  admin.edit(API_KEY, 'invoices', early, { invoice_date: '2020-01-31' });
  expect(await service.once()).toMatchObject({ code: 0 });

  const same = await explain(company, '--id', String(calm));
  expect(same.code).toBe(0);
  expect(same.json).toMatchObject({
    verdict: 'same',
    record: {
      topic: service.topic('invoices'),
      op: 'r',
      scan: 'sweep',
      fingerprint: same.json.ledger?.['fingerprint'],
    },
    api: { answer: 'row', how: 'address', in_scope: true, fits: true, differs_in: [] },
    dead_letter: null,
    absence: null,
  });
  const { partition, offset } = same.json.record as { partition: number; offset: number };
  expect(same.text).toContain(`alfa invoices ${calm}: same The newest record says what the API says.`);
  expect(same.text).toContain(`at ${service.topic('invoices')} partition ${partition} offset ${offset}, written `);
  expect(same.json.scans.find(({ scan }) => scan === 'sweep')).toMatchObject({ last: 'saw', would_show: true });

  const name = 'Nobody Knows Me Sp. z o.o.';
  admin.edit(API_KEY, 'invoices', edited, { client_company_name: name, notes: 'a note that nobody may see' });
  const newer = await explain(company, '--id', String(edited));
  expect(newer.code).toBe(3);
  expect(newer.json).toMatchObject({
    verdict: 'newer-in-api',
    api: { differs_in: expect.arrayContaining(['client_company_name', 'notes']) as unknown },
  });
  expect(newer.text).toMatch(/differs from the record in: .*client_company_name/);
  expect(newer.text).toMatch(/No scan has read it since; sweep is due at /);
  expect(newer.text + JSON.stringify(newer.json)).not.toMatch(/Nobody Knows Me|a note that nobody/);

  admin.remove(API_KEY, 'invoices', deleted);
  admin.edit(API_KEY, 'invoices', broken, { gross_price: 'very much' });
  expect(await service.once()).toMatchObject({ code: 3 });
  const missing = await explain(company, '--id', String(deleted));
  expect(missing.code).toBe(3);
  expect(missing.json).toMatchObject({
    verdict: 'missing',
    api: { answer: 'none', how: 'address' },
    absence: { since: 2, state: 'one-sweep' },
  });
  expect(missing.text).toContain('Sweep 2 missed it first: a tombstone needs one more sweep');
  const dead = await explain(company, '--id', String(broken));
  expect(dead.code).toBe(3);
  expect(dead.json).toMatchObject({
    verdict: 'dead-letter',
    api: { fits: false, error_path: 'gross_price' },
    dead_letter: { topic: service.topic('dead-letters'), error_path: 'gross_price' },
  });
  expect(dead.text + JSON.stringify(dead.json)).not.toContain('very much');

  // Published as a tombstone, it is as the API has it: not there.
  expect(await service.once()).toMatchObject({ code: 3 });
  expect(await explain(company, '--id', String(deleted))).toMatchObject({
    code: 0,
    json: { verdict: 'same', record: { op: 'd' }, ledger: null },
  });

  configure({ start_date: '2024-01-01' });
  const outside = await explain(company, '--id', String(early));
  expect(outside.code).toBe(3);
  expect(outside.json).toMatchObject({ verdict: 'out-of-scope', api: { in_scope: false, date: '2020-01-31' } });
  expect(outside.text).toContain('is dated 2020-01-31, outside the scope from 2024-01-01');

  const nobody = await explain(company, '--id', '1');
  expect(nobody).toMatchObject({ code: 3, json: { verdict: 'unknown', api: { answer: 'none', how: 'list' } } });
  configure({ api_key: 'a-key-that-nobody-has' });
  const refused = await explain(company, '--id', String(calm));
  expect(refused).toMatchObject({ code: 3, json: { verdict: 'unknown', api: { answer: 'not-asked' } } });
  expect(refused.text + JSON.stringify(refused.json)).not.toContain('a-key-that-nobody-has');
});

test('a document is found by its number while a run is at work; of several the ids are listed', async () => {
  const company = await oneCompany({
    clients: 2,
    invoices: 6,
    service: { schedule: { sweepSeconds: 1 }, log: { level: 'debug' } },
  });
  const { service, simulator } = company;
  const { admin } = simulator;
  const [one = 0, other = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const numberOf = (id: number): string => String((admin.row(API_KEY, 'invoices', id) as Row)['number']);
  const running = startRun(service);
  await running.sweeps('alfa');
  const found = await explain(company, '--number', numberOf(one));
  expect(found).toMatchObject({ code: 0, json: { id: one, verdict: 'same' } });

  admin.edit(API_KEY, 'invoices', other, { number: numberOf(one) });
  const twice = await service.command([
    ...['explain', '--entity', 'alfa', '--stream', 'invoices', '--number', numberOf(one)],
  ]);
  expect(twice.code).toBe(2);
  expect(twice.stderr).toContain(`got 2; use --id with one of ${Math.min(one, other)}, ${Math.max(one, other)}`);
  const none = await service.command(['explain', '--entity', 'alfa', '--stream', 'invoices', '--number', '1/1/1900']);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('expected a document of alfa with the number "1/1/1900", got none');
  const stranger = await service.command(['explain', '--entity', 'zeta', '--stream', 'invoices', '--id', '1']);
  expect(stranger.code).toBe(2);
  expect(stranger.stderr).toContain('(alfa), got "zeta"');
  expect((await running.stop()).code).toBe(0);
});
