import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { makeViews } from '../../tools/example/reports';
import { projectRoot } from '../../tools/java';
import { findPostgres, startPostgres, type LocalPostgres } from '../../tools/postgres';

const run = promisify(execFile);
const script = join(projectRoot(), 'deploy', 'postgres', 'exchange-rates.sh');

/** Tables in the form of NBP's API, by the range that is asked for. */
const answers = new Map<string, { readonly status: number; readonly body: string }>([
  [
    '2025-10-01/2026-01-01',
    {
      status: 200,
      body: `[{"table":"A","no":"195/A/NBP/2025","effectiveDate":"2025-10-08","rates":[
        {"currency":"euro","code":"EUR","mid":4.2567},{"currency":"forint (\\"Węgry\\")","code":"HUF","mid":0.010912}]},
        {"table":"A","no":"196/A/NBP/2025","effectiveDate":"2025-10-09","rates":[{"currency":"euro","code":"EUR","mid":4.26}]}]`,
    },
  ],
  ['2026-01-02/2026-01-04', { status: 404, body: '404 NotFound - Not Found - Brak danych' }],
  ['2026-02-01/2026-02-02', { status: 500, body: 'oops' }],
]);

let postgres: LocalPostgres;
let server: Server;
let env: NodeJS.ProcessEnv;
const asked: string[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  await makeViews(postgres);
  server = createServer((request, response) => {
    const range = /tables\/A\/(.+)\/\?format=json$/.exec(request.url ?? '')?.[1] ?? '';
    asked.push(range);
    const { status, body } = answers.get(range) ?? { status: 400, body: 'Bad range' };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  env = {
    ...process.env,
    PATH: `${String(process.env['PATH'])}:${await findPostgres()}`,
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGUSER: postgres.user,
    PGPASSWORD: postgres.password,
    PGDATABASE: 'infakt',
    NBP_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  };
});

afterAll(async () => {
  server.close();
  await postgres.stop();
});

test('rates come from the API, 93 days at a time, and a second run changes nothing', async () => {
  await run(script, ['2025-10-01', '2026-01-04'], { env });
  await run(script, ['2025-10-01', '2026-01-04'], { env });
  expect(asked.slice(0, 2)).toEqual(['2025-10-01/2026-01-01', '2026-01-02/2026-01-04']);
  expect(
    await postgres.select('select day, currency, rate::text as rate, table_number from exchange_rates order by 1, 2'),
  ).toEqual([
    { day: '2025-10-08', currency: 'EUR', rate: '4.2567', table_number: '195/A/NBP/2025' },
    { day: '2025-10-08', currency: 'HUF', rate: '0.010912', table_number: '195/A/NBP/2025' },
    { day: '2025-10-09', currency: 'EUR', rate: '4.26', table_number: '196/A/NBP/2025' },
  ]);
});

test('rates come from a file of the same form', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rates-'));
  const file = join(folder, 'rates.json');
  writeFileSync(file, '[{"table":"A","no":"1","effectiveDate":"2025-11-03","rates":[{"code":"USD","mid":3.6999}]}]');
  await run(script, [file], { env });
  expect(await postgres.select(`select day, rate::text as rate from exchange_rates where currency = 'USD'`)).toEqual([
    { day: '2025-11-03', rate: '3.6999' },
  ]);
  await rm(folder, { recursive: true });
});

test('an answer that is no table is told and loads nothing', async () => {
  await expect(run(script, ['2026-02-01', '2026-02-02'], { env })).rejects.toMatchObject({
    code: 3,
    stderr: "NBP's rates from 2026-02-01 to 2026-02-02: expected status 200 or 404, got 500\n",
  });
  await expect(run(script, [], { env })).rejects.toMatchObject({ code: 2 });
});
