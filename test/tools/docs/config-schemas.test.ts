import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import Ajv, { type ValidateFunction } from 'ajv';

import { renderEntitySchema, renderServiceSchema } from '../../../tools/docs/config-schemas';

const root = join(__dirname, '../../..');
const cases = join(root, 'test/config/cases');
const compile = (text: string): ValidateFunction =>
  new Ajv({ strict: true, strictTypes: false, allErrors: true }).compile(JSON.parse(text) as object);
const service = compile(renderServiceSchema());
const entity = compile(renderEntitySchema());

/** What is wrong with a file, each by its path. */
function faultsOf(text: string, validate: ValidateFunction): readonly string[] {
  validate(JSON.parse(text));
  return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath} ${message}`);
}

test('the example files are accepted, with the place of their schema', () => {
  expect(faultsOf(readFileSync(join(root, 'config/example/service.json'), 'utf8'), service)).toEqual([]);
  for (const name of readdirSync(join(root, 'config/example/entities'))) {
    const text = readFileSync(join(root, 'config/example/entities', name), 'utf8');
    expect([name, faultsOf(text, entity)]).toEqual([name, []]);
  }
});

test('the place of the schema that an example file names is where it is', () => {
  const files = [
    'service.json',
    ...readdirSync(join(root, 'config/example/entities')).map((name) => `entities/${name}`),
  ];
  for (const file of files.map((name) => join(root, 'config/example', name))) {
    const { $schema } = JSON.parse(readFileSync(file, 'utf8')) as { $schema: string };
    expect([file, existsSync(join(dirname(file), $schema))]).toEqual([file, true]);
  }
});

test.each(['good-minimal', 'good-sasl-oauth', 'good-secret-file-by-variable'])(
  'what the program accepts is accepted: %s',
  (name) => {
    const parts = readFileSync(join(cases, `${name}.txt`), 'utf8').split(/^-- (\S+) --\n/m);
    const files = parts.flatMap((part, at) =>
      at % 2 === 1 && part.endsWith('.json') ? [[part, parts[at + 1] ?? '']] : [],
    );
    expect(files.length).toBeGreaterThan(1);
    for (const [file = '', text = ''] of files) {
      expect([file, faultsOf(text, file === 'service.json' ? service : entity)]).toEqual([file, []]);
    }
  },
);

test.each([
  ['{"kafka":{"broker":["a:1"]}}', '/kafka must NOT have additional properties'],
  ['{"kafka":{"brokers":[]}}', '/kafka/brokers must NOT have fewer than 1 items'],
  ['{"kafka":{"sasl":{"mechanism":"gssapi"}}}', '/kafka/sasl/mechanism must be equal to one of the allowed values'],
  ['{"infakt":{"requestsPerMinute":-1}}', '/infakt/requestsPerMinute must be >= 0'],
  ['{"projections":["lines"]}', '/projections/0 must be equal to one of the allowed values'],
  ['{"topics":{"replicationFactor":0}}', '/topics/replicationFactor must NOT be valid'],
])('a wrong service file is refused at the place of the fault: %s', (text, fault) => {
  expect(faultsOf(text, service)).toContain(fault);
});

test.each([
  ['{"startDate":"2024-01-01"}', ' must NOT have additional properties'],
  ['{"start_date":"01.01.2024"}', '/start_date must match pattern "^(?:\\\\d{4}-\\\\d{2}-\\\\d{2}|all)$"'],
  ['{"nip":1111111111}', '/nip must be string'],
  ['{"streams":["orders"]}', '/streams/0 must be equal to one of the allowed values'],
])("a wrong entity's file is refused at the place of the fault: %s", (text, fault) => {
  expect(faultsOf(text, entity)).toContain(fault.replaceAll('\\\\', '\\'));
});

test('secrets are marked, so that no editor shows one', () => {
  const { properties } = JSON.parse(renderEntitySchema()) as { properties: Readonly<Record<string, unknown>> };
  expect(properties['api_key']).toMatchObject({ writeOnly: true });
});
