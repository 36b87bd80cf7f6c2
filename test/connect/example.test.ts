import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { projectRoot } from '../../tools/java';
import { cleanUp, until } from '../support/kafka';

const run = promisify(execFile);

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run example:postgres` without npm, its temporary files in a folder of its own. */
async function runExample(env: NodeJS.ProcessEnv, folder: string): Promise<Outcome> {
  const program = join(projectRoot(), 'dist/tools/example-postgres.js');
  return run(process.execPath, [program], { env: { ...process.env, TMPDIR: folder, ...env } }).then(
    (said) => ({ code: 0, ...said }),
    (error: unknown) => error as Outcome,
  );
}

function temporaryFolder(): string {
  // PostgreSQL may be another user and has to get in.
  const folder = mkdtempSync(join(tmpdir(), 'example-test-'));
  chmodSync(folder, 0o711);
  cleanUp(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('the example fills its tables, ends with sums that agree with the API, and leaves nothing running', async () => {
  const folder = temporaryFolder();
  const { code, stdout, stderr } = await runExample({}, folder);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.match(/, ready after \d+\.\d s\n/g)).toHaveLength(6);
  expect(stdout).toMatch(/An invoice is paid[^]*ms after its record\n/);
  expect(stdout.match(/^ {2}\w+ +([\d,]+) +\1 {2}agree$/gm)).toHaveLength(10);
  expect(stdout.match(/^ {2}\d+ rows in all, of the tables and of the API: agree$/gm)).toHaveLength(4);
  for (const kind of ['advance', 'correction', 'final', 'invoice', 'margin'])
    expect(stdout).toMatch(new RegExp(`^ {2}${kind} +PLN( +-?[\\d,.]+){4}$`, 'm'));
  expect(stdout).not.toContain('DIFFER');
  const [owed, revenue] = [
    /open_amount ([\d,]+\.\d\d) PLN$/m,
    /revenue\.sql[^]*?^ {2}net ([\d,]+\.\d\d), tax .*, gross .* PLN$/m,
  ].map((report) => report.exec(stdout)?.[1]);
  expect(stdout).toMatch(new RegExp(`^ {2}owed by clients \\(documents in PLN\\) +${owed ?? ''} PLN$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^ {2}net revenue \\(documents in PLN\\) +${revenue ?? ''} PLN$`, 'm'));
  expect(stdout).toMatch(/^ {2}copy_proof +tables that are not proved by their fingerprints +nothing$/m);
  expect(stdout).toMatch(/^ {2}completeness +months that are not as inFakt showed them +nothing$/m);
  expect(stdout).toMatch(/^ {2}to_check +corrections of OSS invoices, to enter by hand +[1-9]\d*$/m);
  expect(stdout).toMatch(/^ {2}to_check +other documents that a person has to look at +nothing$/m);
  expect(stdout).toMatch(/^ {2}sold under OSS, gross, before corrections +[1-9][\d,]*\.\d\d EUR$/m);
  const [numbered, all] = [/^ {2}with a number +([\d,]+)$/m, /^ {2}([\d,]+) numbers and states, .*: agree$/m].map(
    (says) => Number(says.exec(stdout)?.[1]?.replace(',', '')),
  );
  expect(numbered).toBeGreaterThan(50);
  expect(all).toBeGreaterThan(numbered ?? 0);
  expect(stdout).toMatch(/^ {2}to ask +[1-9]/m);
  expect(stdout).toMatch(/^ {2}rejected +[1-9]\d*\n {4}\w+ \S+ +Faktura została odrzucona przez KSeF\.$/m);
  expect(stdout.split('\n').filter((line) => line.length > 80 || line.endsWith(' '))).toEqual([]);

  await until(
    async () => {
      // Every part has the folder in its arguments.
      const { stdout: processes } = await run('ps', ['-A', '-ww', '-o', 'args='], { maxBuffer: 1 << 24 });
      return !processes.includes(folder) && readdirSync(folder).length === 0;
    },
    { what: 'the last process of the example to end' },
  );
}, 240_000);

test('without Java it says what is missing and exits with 2', async () => {
  const { code, stderr } = await runExample({ JAVA_HOME: '/nowhere' }, temporaryFolder());
  expect(stderr).toMatch(/^example:postgres: Looking for Java .*expected version 17 or newer, got none/);
  expect(code).toBe(2);
});
