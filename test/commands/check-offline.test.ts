import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Config } from '../../config/config';
import { checkCommand } from '../../src/commands/check';
import { secretsText } from '../../src/commands/check-offline';
import { quietIo } from '../support/quiet-io';
import { entityOf } from '../support/service';

test('of the secrets it is said where they come from and that nobody was asked, never what they are', () => {
  const config = {
    service: { kafka: { sasl: { username: 'u', password: 'secret-p' } }, registry: { auth: { token: 'secret-t' } } },
    entities: [
      { ...entityOf('alfa'), nip: '1111111111', apiKey: 'secret-a', apiKeyFile: '/run/secrets/alfa' },
      { ...entityOf('beta'), apiKey: 'secret-b' },
      { ...entityOf('gamma'), enabled: false },
    ],
  } as unknown as Config;
  const text = secretsText(config);
  expect(text).toMatch(
    /^2 API keys \(1 from files that are read again, 1 from the environment or the entity's file\), the/,
  );
  expect(text).toContain('neither Kafka nor inFakt was asked; no nip is set for beta');
  expect(text).not.toContain('secret-');
});

test('offline, configuration and secrets are judged, and no connection is made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'offline-'));
  const connect = jest.spyOn(Socket.prototype, 'connect');
  try {
    mkdirSync(join(folder, 'entities'));
    writeFileSync(join(folder, 'service.json'), JSON.stringify({ kafka: { brokers: ['localhost:1'] } }));
    const check = async (entity: object, ...argv: string[]): Promise<{ code: number; printed: string }> => {
      writeFileSync(join(folder, 'entities/alfa.json'), JSON.stringify(entity));
      const io = quietIo();
      const options = ['--config', join(folder, 'service.json'), '--entities', join(folder, 'entities')];
      return { code: await checkCommand(['--offline', ...argv, ...options], io), printed: io.printed() };
    };
    const good = await check({ api_key: 'secret-a', nip: '1111111111' });
    expect(good).toMatchObject({ code: 0 });
    expect(good.printed).toMatch(/^ok +configuration.*\nok +secrets.*1 API key /);
    expect(good.printed).not.toContain('secret-a');
    const json = await check({ api_key: 'secret-a', nip: '1111111111' }, '--json');
    expect(JSON.parse(json.printed)).toMatchObject({
      ok: true,
      checks: [{ check: 'configuration' }, { check: 'secrets' }],
    });
    const without = await check({ api_key_file: 'nowhere' });
    expect(without.code).toBe(2);
    expect(without.printed).toContain('alfa.json: api_key_file: expected a readable file with an API key');
    expect(await check({ nip: '123' })).toMatchObject({ code: 2 });
    expect(connect).not.toHaveBeenCalled();
  } finally {
    connect.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
