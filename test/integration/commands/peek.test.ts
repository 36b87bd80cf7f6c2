import { API_KEY, oneCompany, recordsOf } from '../../support/one-company';

test('an entity that nobody knows ends peek and state reset with exit code 2 and the known ones; neither peek nor state show needs a key', async () => {
  const company = await oneCompany();
  const { service, simulator } = company;
  expect(await service.once()).toMatchObject({ code: 0 });
  const before = await recordsOf(company, 'state');
  const lines = async (...argv: string[]): Promise<number> => {
    const { code, stdout } = await service.command(['peek', ...argv]);
    expect(code).toBe(0);
    return stdout.split('\n').length - 1;
  };
  expect(await lines('clients', '--entity', 'alfa')).toBe(5);
  expect(await lines('clients', '--last', '2')).toBe(2);
  expect(await lines('clients', '--limit', '1', '--pretty')).toBeGreaterThan(20);
  const misspelt = await service.command(['peek', 'client']);
  expect(misspelt).toMatchObject({ code: 2, stdout: '' });
  expect(misspelt.stderr).toContain('got "client": did you mean clients?');

  // A second entity that is configured and has no record is known too.
  service.configure({
    url: simulator.url,
    entities: { alfa: { api_key: API_KEY }, beta: { enabled: false, api_key: 'key-b' } },
  });
  expect(await lines('clients', '--entity', 'beta')).toBe(0);
  for (const topic of ['clients', 'invoices']) {
    const peek = await service.command(['peek', topic, '--entity', 'nobody']);
    expect(peek).toMatchObject({ code: 2, stdout: '' });
    expect(peek.stderr).toContain(`has records in ${service.topic(topic)} (alfa, beta), got "nobody"`);
  }
  for (const more of [[], ['--yes'], ['--purge', '--yes']]) {
    const reset = await service.command(['state', 'reset', '--entity', 'nobody', ...more]);
    expect(reset.code).toBe(2);
    expect(reset.stderr).toMatch(/alfa/);
    expect(reset.stderr).toMatch(/nobody/);
  }
  expect(await recordsOf(company, 'state')).toHaveLength(before.length);

  service.configure({ url: simulator.url, entities: { alfa: {}, beta: {} } });
  expect(await lines('clients')).toBe(5);
  const show = await service.command(['state', 'show', '--entity', 'alfa']);
  expect(show.code).toBe(0);
  expect(show.stdout).toMatch(/^alfa clients: 5 rows in the ledger/m);
  const nobody = await service.command(['state', 'show', '--entity', 'alva']);
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain('(alfa, beta), got "alva": did you mean alfa? See --help');
  expect((await service.command(['check'])).code).toBe(2);
});

test('the newest records of a topic are shown whatever their partition, and state show counts dead letters by error', async () => {
  const company = await oneCompany({ clients: 2, invoices: 9 });
  const { service, simulator } = company;
  const { admin } = simulator;
  const ids = admin.truth()[API_KEY]?.invoices.ids ?? [];
  expect(await service.once()).toMatchObject({ code: 0 });
  const before = JSON.parse((await service.command(['state', 'show', '--json'])).stdout) as { streams: object[] };
  expect(before.streams).toMatchObject([{ dead_letters_by_error: [] }, { dead_letters_by_error: [] }]);

  for (const id of ids.slice(0, 3)) {
    admin.edit(API_KEY, 'invoices', id, { gross_price: 'much' });
    await service.once();
  }
  admin.edit(API_KEY, 'invoices', ids[3] ?? 0, { net_price: 'little' });
  await service.once();
  const peek = async (...argv: string[]): Promise<unknown[]> =>
    (await service.command(['peek', 'dead-letters', ...argv])).stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { headers: { id: string } }).headers.id);
  expect(await peek('--last', '2')).toEqual(ids.slice(2, 4).map((id) => `alfa/${id}`));
  expect(await peek('--last', '2', '--id', String(ids[0]))).toEqual([`alfa/${ids[0] ?? 0}`]);
  expect(await peek('--last', '0')).toEqual([]);

  const { stdout } = await service.command(['state', 'show']);
  expect(stdout).toMatch(
    /dead letters by error .*:\n {4}3 gross_price: expected an integer of minor units\n {4}1 net_price: expected an integer/,
  );
  const shown = JSON.parse((await service.command(['state', 'show', '--json'])).stdout) as {
    streams: { stream: string; dead_letters_by_error: unknown }[];
  };
  expect(shown.streams.find(({ stream }) => stream === 'invoices')?.dead_letters_by_error).toEqual([
    { path: 'gross_price', expected: 'expected an integer of minor units', rows: 3 },
    { path: 'net_price', expected: 'expected an integer of minor units', rows: 1 },
  ]);
});
