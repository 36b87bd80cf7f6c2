import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { JsonObject } from '../../simulator/rows';
import { onceCommand } from '../../src/commands/once';
import { projectRoot } from '../../tools/java';
import { connectorConfig, type Stack } from '../../tools/example/stack';
import { until } from '../support/kafka';
import { impatient } from '../support/once';
import { quietIo } from '../support/quiet-io';

const PREFIX = 'words';
const CONNECTOR = `${PREFIX}-dictionaries`;
const withinMs = 60_000;

/** Codes for the ids in documents, by the connector of `deploy/connect` and the queries of the page about them. */
export function testDictionaries(stackOf: () => Stack): void {
  test('entries of dictionaries become rows, by which the queries of the page find the codes of a line and of a document', async () => {
    const stack = stackOf();
    const { admin } = stack.api;
    const [id = 0] = admin.truth()['key-alfa']?.invoices.ids ?? [];
    const { services } = admin.row('key-alfa', 'invoices', id) as { readonly services: readonly JsonObject[] };
    const coded = [{ ...services[0], gtu_id: 7 }, ...services.slice(1)];
    const marks = { document_markings_ids: ['3', 8], vat_exemption_reason: 1 };
    admin.edit('key-alfa', 'invoices', id, { services: coded, ...marks });
    await publish(stack);
    const config = await connectorConfig('dictionaries');
    await stack.connect.put(CONNECTOR, { ...config, name: CONNECTOR, topics: `${PREFIX}.dictionaries` });
    const arrived = async (): Promise<boolean> => {
      for (const { error } of await stack.connect.states(CONNECTOR)) if (error !== undefined) throw new Error(error);
      const there = await stack.postgres.select(
        `select coalesce(to_regclass('dictionaries')::text, '') as name,
           (select count(*) from invoice_lines where entity = 'alfa' and invoice_id = ${id} and gtu_id = 7) as lines`,
      );
      if (there[0]?.['name'] === '' || Number(there[0]?.['lines']) !== 1) return false;
      const [row] = await stack.postgres.select('select count(*) as entries from dictionaries');
      return Number(row?.['entries']) === 13 + 13 + 10 + 112;
    };
    await until(arrived, { what: 'every entry and the line', withinMs });
    const [lines = '', documents = ''] = await queries();
    const of = (query: string, column: string): string =>
      `select * from (${query}) found where entity = 'alfa' and ${column} = ${id}`;
    expect(await stack.postgres.select(`${of(lines, 'invoice_id')} and line_no = 1`)).toMatchObject([
      { gtu_id: 7, gtu: 'GTU_07' },
    ]);
    expect(await stack.postgres.select(of(documents, 'id'))).toMatchObject([
      { markings: 'TP I_42', exemption: 'art. 113 ust. 1 i 9' },
    ]);
    const [counted] = await stack.postgres.select(
      `select (select count(*) from (${lines}) l) as lines, (select count(*) from invoice_lines) as all_lines,
         (select count(*) from (${documents}) d) as documents, (select count(*) from invoices) as all_documents`,
    );
    expect([counted?.['lines'], counted?.['documents']]).toEqual([counted?.['all_lines'], counted?.['all_documents']]);
    expect(
      await stack.postgres.select(`select code, rate, valid_from::text, valid_until::text as until from dictionaries
        where kind = 'vat_rates' and id in (1, 6) order by id`),
    ).toEqual([
      { code: '22', rate: '22.0', valid_from: '1900-01-01', until: '2010-12-31' },
      { code: 'zw', rate: '0.0', valid_from: '1900-01-01', until: null },
    ]);
    // Nobody needs it any more, and it holds connections.
    await fetch(`${stack.connect.url}/connectors/${CONNECTOR}`, { method: 'DELETE' });
  });
}

/** The queries of the page, without their semicolons. */
async function queries(): Promise<readonly string[]> {
  const page = await readFile(join(projectRoot(), 'docs', 'dictionaries.md'), 'utf8');
  const [, sql = ''] = /```sql\n([^`]+)```/.exec(page) ?? [];
  return sql
    .split(';')
    .map((query) => query.trim())
    .filter((query) => query !== '');
}

/** Publishes the dictionaries that one of the stack's companies sees, by a service of its own. */
async function publish({ api, broker, registry }: Stack): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dictionaries-test-'));
  try {
    const entities = join(folder, 'entities');
    await mkdir(entities);
    const alfa = { api_key: 'key-alfa', start_date: 'all', streams: ['clients'] };
    await writeFile(join(entities, 'alfa.json'), JSON.stringify(alfa));
    const service = {
      service: { id: PREFIX },
      infakt: { baseUrl: `${api.url}/api/v3`, requestsPerMinute: 0 },
      kafka: { brokers: broker.bootstrap.split(',') },
      topics: { prefix: PREFIX },
      registry: { url: registry.url, autoRegister: true },
      projections: ['dictionaries'],
    };
    await writeFile(join(folder, 'service.json'), JSON.stringify(service));
    let said = '';
    const io = { ...quietIo(), stderr: (text: string) => void (said += text) };
    const code = await onceCommand(impatient)(['--config', join(folder, 'service.json'), '--entities', entities], io);
    if (code !== 0) throw new Error(`publishing dictionaries: expected exit code 0, got ${code}:\n${said}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}
