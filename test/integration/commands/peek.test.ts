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
