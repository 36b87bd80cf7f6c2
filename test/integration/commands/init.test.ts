import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../../../src/main';
import type { Questions } from '../../../src/commands/questions';
import { OTHER_API_KEY, oneCompany, type OneCompany } from '../../support/one-company';

interface Outcome {
  readonly code: number;
  /** All that was shown, on stdout and stderr. */
  readonly shown: string;
}

async function init({ service }: OneCompany, lines: readonly string[], ...argv: string[]): Promise<Outcome> {
  let shown = '';
  const left = [...lines];
  const questions: Questions = {
    isTerminal: false,
    ask: () => Promise.resolve(left.shift() ?? ''),
    close: () => undefined,
  };
  const show = (text: string): void => void (shown += text);
  const stop = new AbortController().signal;
  const io = {
    stdout: show,
    stderr: show,
    columns: null,
    env: {},
    stop,
    version: '0.0.0-test',
    replica: 'test',
    questions,
  };
  return { code: await run(['init', ...argv, ...service.options], io), shown };
}

test('an entity is set up by its key alone, checked, and never overwritten', async () => {
  const company = await oneCompany();
  const { folder } = company.service;
  const [file, keyFile] = [join(folder, 'entities/beta.json'), join(folder, 'keys/beta.key')];

  const refused = await init(company, ['not-a-key-of-anybody'], '--entity', 'beta');
  expect(refused.code).toBe(2);
  expect(refused.shown).toContain('the API refuses this key, and nothing was written');
  expect([file, keyFile].some(existsSync)).toBe(false);

  const { code, shown } = await init(company, [OTHER_API_KEY], '--entity', 'beta');
  expect({ code, shown }).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
    name: 'Beta',
    nip: '2222222222',
    api_key_file: '../keys/beta.key',
  });
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  expect(shown).toContain('beta.json: Beta, NIP 2222222222\n');
  expect(shown).toMatch(/start_date is not set: documents of the last 90 days are read, from \d{4}-\d\d-\d\d on/);
  expect(shown).toMatch(/ok +key.*beta.*belongs to NIP 2222222222, as configured/);
  expect(shown).not.toContain(OTHER_API_KEY);

  const again = await init(company, [OTHER_API_KEY], '--entity', 'beta');
  expect(again.code).toBe(2);
  expect(again.shown).toContain('expected no such file, as nothing is overwritten');
  writeFileSync(join(folder, 'key'), `${OTHER_API_KEY}\n`);
  const twin = await init(company, [], '--entity', 'gamma', '--key-file', join(folder, 'key'));
  expect(twin.code).toBe(2);
  expect(twin.shown).toContain("which is beta's; nothing was written");
  expect((await init(company, ['x'])).shown).toContain('expected --entity, as stdin is no terminal');
});

test('at a terminal the id and the key are asked for, and what is typed of the key is not shown', async () => {
  const { service } = await oneCompany();
  const main = join(__dirname, '../../../dist/src/main.js');
  const line = [process.execPath, main, 'init', ...service.options].map((word) => `'${word}'`).join(' ');
  // `script` of util-linux gives the program a terminal.
  const child = spawn('script', ['-qefc', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const before = shown;
    shown += text;
    const asks = (question: string): boolean => shown.includes(question) && !before.includes(question);
    if (asks("file's name (a-z, 0-9 and -): ")) child.stdin.write('beta\r');
    if (asks('inFakt account (not shown): ')) child.stdin.write(`${OTHER_API_KEY}\r`);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, shown }).toMatchObject({ code: 0 });
  expect(shown).toContain('Beta, NIP 2222222222');
  expect(shown).not.toContain(OTHER_API_KEY);
});
