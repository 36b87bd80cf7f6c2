import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { projectRoot } from '../../tools/java';
import { cleanUp, until } from '../support/kafka';
import { API_KEY, oneCompany, type OneCompany } from '../support/one-company';
import { idsOf, readEverything } from '../support/published';
import { purposeOf, requestsOf, walksBegun } from '../support/scans';

/** Starts the program as its users do; returns what kills it. */
function start({ service }: OneCompany): () => Promise<void> {
  const program = join(projectRoot(), 'dist', 'src', 'main.js');
  const child = spawn(process.execPath, [program, 'run', ...service.options], {
    env: { PATH: process.env['PATH'] },
    stdio: 'ignore',
  });
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  cleanUp(kill);
  return kill;
}

test('all of 250 new documents are published once although the program is killed after the first page of newest (I1, I2)', async () => {
  const NEVER = 3_600;
  const company = await oneCompany({
    invoices: 150,
    service: {
      kafka: { sessionTimeoutMs: 1_500 },
      schedule: { newestSeconds: 1, openSeconds: NEVER, recentSeconds: NEVER, sweepSeconds: NEVER },
    },
  });
  const { simulator, service } = company;
  const { admin } = simulator;
  const killFirst = start(company);
  const seen = (): number[] => admin.truth()[API_KEY]?.invoices.ids.slice() ?? [];
  await until(() => requestsOf(simulator, API_KEY).some((asked) => purposeOf(asked) === 'whole'), {
    what: 'the sweep',
  });
  await walksBegun(simulator, API_KEY, ['newest'], 3);
  const before = await readEverything(service);
  expect(idsOf(before, 'invoices', 'alfa')).toEqual(seen());

  // The second page is asked for when what the first one changed is durable, and never answered.
  let killed: Promise<void> | undefined;
  admin.addFault({
    match: { path: 'invoices.json', offset: 99, query: { order: 'id desc' } },
    action: { hang: true },
    before: () => {
      killed = killFirst();
    },
  });
  // All of them between two walks: nothing else runs meanwhile.
  for (let number = 0; number < 250; number += 1) admin.add(API_KEY, 'invoices', { invoice_date: '2020-01-31' });
  await until(() => killed !== undefined, { what: 'the second page of newest' });
  await killed;
  const between = idsOf(await readEverything(service), 'invoices', 'alfa');
  expect(between.length).toBeGreaterThan(150);
  expect(between.length).toBeLessThan(400);

  const killSecond = start(company);
  await walksBegun(simulator, API_KEY, ['newest'], 3);
  await killSecond();
  expect(idsOf(await readEverything(service), 'invoices', 'alfa')).toEqual(seen());
});
