import { API_KEY, oneCompany, recordsOf, type OneCompany } from '../../support/one-company';
import { startRun } from '../../support/run';

type Waited = Awaited<ReturnType<OneCompany['service']['command']>>;

function wait({ service }: OneCompany, covers: Date, ...argv: string[]): Promise<Waited> {
  return service.command(['wait', '--entity', 'alfa', '--covers', covers.toISOString(), ...argv]);
}

const soon = ['--timeout', '4s'];

test('a wait returns on the evidence of sweeps that began later, else says what was seen and lacking', async () => {
  const company = await oneCompany({ clients: 3, invoices: 6 });
  const { service, simulator } = company;
  const before = new Date();
  expect(await service.once()).toMatchObject({ code: 0 });
  const covered = await wait(company, before);
  expect(covered).toMatchObject({ code: 0 });
  expect(covered.stdout).toMatch(
    /^alfa clients: sweep 1 began .*, finished .*, complete\nalfa invoices: sweep 1 began/,
  );
  expect(covered.stdout).toContain(`All that was visible before ${before.toISOString()} is on the topics.`);

  const after = new Date();
  const early = await wait(company, after, ...soon);
  expect(early.code).toBe(3);
  expect(early.stdout).toContain(`too early for ${after.toISOString()}`);
  expect(early.stdout).toContain('of every stream within 4s');

  const [broken = 0] = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  simulator.admin.edit(API_KEY, 'invoices', broken, { gross_price: 'much' });
  expect(await service.once()).toMatchObject({ code: 3 });
  const incomplete = await wait(company, after);
  expect(incomplete.code).toBe(3);
  expect(incomplete.stdout).toMatch(/^alfa invoices: sweep 2 began .*, NOT complete: 1 dead letters standing$/m);
  expect(await wait(company, after, '--stream', 'clients')).toMatchObject({ code: 0 });

  const stranger = await service.command(['wait', '--entity', 'zeta', '--covers', after.toISOString()]);
  expect(stranger).toMatchObject({ code: 2 });
  expect(stranger.stderr).toContain('one that is read (alfa), got "zeta"');
  const unread = await wait(company, after, '--stream', 'corrective-invoices');
  expect(unread.stderr).toContain('one that is read of alfa (clients, invoices)');
});

test('no edit made before the instant comes after the wait for it, while a run is at work', async () => {
  const company = await oneCompany({
    clients: 3,
    invoices: 120,
    service: { schedule: { sweepSeconds: 1, newestSeconds: 1, openSeconds: 1 }, log: { level: 'debug' } },
  });
  const { service, simulator } = company;
  const ids = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
  const running = startRun(service);
  await running.sweeps('alfa');
  for (let round = 0; round < 4; round += 1) {
    for (const [index, id] of ids.entries())
      if (index % 7 === round) simulator.admin.edit(API_KEY, 'invoices', id, { notes: `round ${round}` });
    const waited = await wait(company, new Date(), '--timeout', '60s');
    expect(waited).toMatchObject({ code: 0 });
    // Nothing is edited meanwhile: what comes after the wait would have been visible before its instant.
    const there = (await recordsOf(company, 'clients', 'invoices')).length;
    await running.sweeps('alfa');
    expect(await recordsOf(company, 'clients', 'invoices')).toHaveLength(there);
  }
  expect((await running.stop()).code).toBe(0);
});
