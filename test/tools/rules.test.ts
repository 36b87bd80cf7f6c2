import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';

import { Linter } from 'eslint';

const root = join(__dirname, '../..');
const pureRooms = ['src/rules', 'src/changes', 'src/state'];
const libraries = ['rxjs', 'kafkajs', 'cross-fetch', 'avsc'];
const builtins = ['node:net', 'node:tls', 'node:http', 'node:https', 'node:fs', 'node:timers', 'node:process'];

/** For each rule of .dependency-cruiser.cjs, folders and what no file in them may import. */
const forbidden: Readonly<
  Record<string, readonly (readonly [folders: readonly string[], imports: readonly string[]])[]>
> = {
  'no-cycles': [],
  'no-orphans': [],
  'kafkajs-in-sinks': [[['src/service', 'src/shard', 'src/reading', 'src/upkeep', 'src/commands'], ['kafkajs']]],
  'avsc-in-avro': [[['src/sinks', 'src/service'], ['avsc']]],
  'cross-fetch-in-http': [[['src/sources', 'src/sinks'], ['cross-fetch']]],
  'proxy-agents-in-connections': [
    [
      ['src/service', 'src/sinks'],
      ['http-proxy-agent', 'https-proxy-agent'],
    ],
  ],
  'convict-in-config': [[['src/service', 'src/commands'], ['convict']]],
  'http-in-its-room': [
    [
      ['src/service', 'src/commands', 'src/status'],
      ['hono', '@hono/node-server', 'prom-client'],
    ],
  ],
  'status-knows-what-happens': [
    [['src/status'], ['src/http', 'src/telemetry', 'src/sinks/writer', 'src/shard/shard', 'src/sources/credits']],
    [['src/status'], ['src/reading/progress', 'src/operators/fail-with', 'src/service/patience', 'config/config']],
  ],
  'status-needs-types-of-the-service': [[['src/status'], ['src/service/events', 'src/sinks/transaction']]],
  'rules-know-no-status': [
    [
      ['src/rules', 'src/changes', 'src/state', 'src/sources', 'src/shard', 'src/reading', 'src/sinks'],
      ['src/status/reasons', 'src/http-server/server'],
    ],
  ],
  'http-server-is-shown-what-it-shows': [
    [['src/http-server'], ['src/service/patience', 'src/sinks/partition', 'config/config', 'src/telemetry']],
  ],
  'pino-in-telemetry': [[['src/service', 'src/commands'], ['pino']]],
  'sources-know-no-kafka': [
    [
      ['src/sources', 'src/sources/streams'],
      ['src/sinks/partition', 'src/state/layout', 'src/shard/shard', 'src/reading/progress'],
    ],
    [['src/sources'], ['src/service/patience', 'src/upkeep/repair']],
  ],
  'sinks-know-no-sources': [
    [
      ['src/sinks'],
      ['src/sources/credits', 'src/changes/kinds', 'src/rules/scope', 'src/shard/shard', 'src/reading/progress'],
    ],
    [['src/sinks'], ['src/operators/fail-with', 'src/service/patience', 'src/upkeep/repair']],
  ],
  'pure-rooms-know-the-bottom': [
    [pureRooms, ['src/http', 'src/telemetry', 'src/sinks/writer', 'src/shard/shard', 'src/sources/credits']],
    [pureRooms, ['src/reading/progress', 'src/operators/fail-with', 'src/service/patience', 'config/config']],
  ],
  'pure-rooms-need-types-of-the-sink': [[pureRooms, ['src/sinks/transaction']]],
  'pure-rooms-ask-nobody': [
    [
      [...pureRooms, 'src/status'],
      [...libraries, ...builtins],
    ],
  ],
  'shard-is-plain-code': [[['src/shard'], ['rxjs', 'rxjs/operators', 'kafkajs']]],
  'config-knows-the-bottom': [[['config'], ['src/http', 'src/service/patience', 'src/sinks/partition']]],
  'operators-are-alone': [[['src/operators'], ['src/errors', 'src/model', 'src/json', 'kafkajs', 'node:fs']]],
  'reading-knows-no-sinks': [[['src/reading'], ['src/sinks/partition', 'src/sinks/writer']]],
  'model-is-the-bottom': [],
  'simulator-is-alone': [[['simulator'], ['src/model', 'config/config']]],
  'only-simulate-starts-the-simulator': [[['src/service', 'src/commands'], ['simulator/random']]],
  'commands-are-leaves': [
    [
      ['src/service', 'src/upkeep', 'src/shard'],
      ['src/commands/io', 'src/main'],
    ],
  ],
  'product-knows-no-tests': [[['src/service', 'config', 'simulator'], ['test/support/planted']]],
  'examples-are-of-users': [[['examples'], ['src/json', 'test/support/planted']]],
  'no-undeclared-dependencies': [
    [
      ['src/service', 'config', 'simulator'],
      ['a-package-that-nobody-declares', 'jest'],
    ],
  ],
};

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
}

describe('the rules of dependencies', () => {
  const planted: (readonly [rule: string, file: string])[] = [];
  let house = '';
  let names: readonly string[] = [];
  let found: readonly Violation[] = [];

  /** Writes a file that imports something, where the tree has that folder. */
  function plant(rule: string, folder: string, statement: (path: (target: string) => string) => string): void {
    if (!existsSync(join(root, folder))) throw new Error(`${rule}: ${folder} is no folder of this repository any more`);
    const file = posix.join(folder, `planted-${planted.length}.ts`);
    const text = statement((target) => {
      if (!/^(src|config|simulator|test)\//.test(target)) return target;
      if (!existsSync(join(house, `${target}.ts`)))
        throw new Error(`${rule}: ${target}.ts is no file of this repository`);
      return `./${posix.relative(folder, target)}`;
    });
    mkdirSync(join(house, folder), { recursive: true });
    writeFileSync(join(house, file), text);
    planted.push([rule, file]);
  }

  beforeAll(() => {
    house = mkdtempSync(join(tmpdir(), 'rules-'));
    for (const part of ['src', 'config', 'simulator', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(house, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(house, 'node_modules'));
    mkdirSync(join(house, 'test/support'), { recursive: true });
    writeFileSync(join(house, 'test/support/planted.ts'), 'export {};\n');
    for (const [rule, rows] of Object.entries(forbidden))
      for (const [folders, imports] of rows)
        for (const folder of folders)
          for (const target of imports) plant(rule, folder, (path) => `import '${path(target)}';\n`);
    plant('no-orphans', 'src/reading', () => 'export {};\n');
    plant('no-cycles', 'src/reading', () => `import './planted-${planted.length}';\n`);
    appendFileSync(join(house, 'src/model.ts'), "import './json';\n");
    planted.push(['model-is-the-bottom', 'src/model.ts']);
    const rules = JSON.stringify(join(root, '.dependency-cruiser.cjs'));
    const options = '{ ...rules.options, preserveSymlinks: true }';
    writeFileSync(
      join(house, 'rules.cjs'),
      `const rules = require(${rules});\nmodule.exports = { ...rules, options: ${options} };\n`,
    );
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        ...['--config', 'rules.cjs', '--output-type', 'json', 'src', 'config', 'simulator', 'examples'],
      ],
      { cwd: house, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    if (stdout === '') throw new Error(stderr);
    const { summary } = JSON.parse(stdout) as {
      readonly summary: {
        readonly violations: readonly Violation[];
        readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
      };
    };
    found = summary.violations;
    names = summary.ruleSetUsed.forbidden.map(({ name }) => name);
  });

  afterAll(() => rmSync(house, { recursive: true, force: true }));

  test('are each broken by a planted file', () => {
    expect(Object.keys(forbidden).sort()).toEqual([...names].sort());
    expect([...new Set(planted.map(([rule]) => rule))].sort()).toEqual([...names].sort());
  });

  test('refuse every planted file', () => {
    const refused = new Set(found.map(({ rule, from }) => `${rule.name}: ${from}`));
    expect(planted.map(([rule, file]) => `${rule}: ${file}`).filter((each) => !refused.has(each))).toEqual([]);
  });

  test('refuse nothing that is not planted', () => {
    const files = new Set(planted.map(([, file]) => file));
    expect(found.filter(({ from }) => !files.has(from))).toEqual([]);
  });
});

describe('the rules of what a file may say', () => {
  /** Names of the rules of eslint.config.mjs that refuse a file of this name and text. */
  function refusals(rules: Linter.RulesRecord, text: string): readonly (string | null)[] {
    return new Linter().verify(text, [{ rules }]).map(({ ruleId }) => ruleId);
  }

  const configured = new Map<string, Linter.RulesRecord>();

  beforeAll(() => {
    const folders = [...pureRooms, 'src/sinks', 'config', 'simulator', 'tools'];
    const script = `
      const { ESLint } = require('eslint');
      const linter = new ESLint();
      Promise.all(${JSON.stringify(folders)}.map(async (folder) => {
        const { rules } = await linter.calculateConfigForFile(folder + '/planted.ts');
        return [folder, Object.fromEntries(Object.entries(rules).filter(([name]) => /^(no-restricted|max-)/.test(name)))];
      })).then((all) => console.log(JSON.stringify(all)));`;
    const output = execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
    for (const [folder, rules] of JSON.parse(output) as readonly (readonly [string, Linter.RulesRecord])[])
      configured.set(folder, rules);
    for (const folder of folders) expect(existsSync(join(root, folder))).toBe(true);
  });

  const rulesOf = (folder: string): Linter.RulesRecord => configured.get(folder) ?? {};

  test.each(pureRooms)('%s has no clock, chance, timer or process', (folder) => {
    const impure = [
      'export const a = Date.now();',
      'export const a = new Date();',
      'export const a = Date();',
      'export const a = Math.random();',
      'export const a = performance.now();',
      'export const a = process.env;',
      'setTimeout(() => undefined, 1);',
      'setInterval(() => undefined, 1);',
      'setImmediate(() => undefined);',
      'globalThis.setTimeout(() => undefined, 1);',
      'export const a = crypto.randomUUID();',
      "import { randomUUID } from 'node:crypto'; export const a = randomUUID();",
    ];
    expect(impure.filter((text) => refusals(rulesOf(folder), text).length === 0)).toEqual([]);
    expect(refusals(rulesOf(folder), 'export const a = (ms) => new Date(ms).toISOString();')).toEqual([]);
    expect(refusals(rulesOf('src/sinks'), 'export const a = Date.now();')).toEqual([]);
  });

  test.each(['src/rules', 'src/sinks', 'config', 'simulator', 'tools'])(
    '%s has no long function and no long file',
    (folder) => {
      const lines = (count: number): string => 'f();\n'.repeat(count);
      expect(refusals(rulesOf(folder), `export function a() {\n${lines(118)}}\n`)).toEqual([]);
      expect(refusals(rulesOf(folder), `export function a() {\n${lines(119)}}\n`)).toEqual(['max-lines-per-function']);
      expect(refusals(rulesOf(folder), lines(350))).toEqual([]);
      expect(refusals(rulesOf(folder), lines(351))).toEqual(['max-lines']);
    },
  );
});
