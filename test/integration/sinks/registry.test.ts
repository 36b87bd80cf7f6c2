import { ConfigError } from '../../../src/errors';
import { loadSchema } from '../../../src/sinks/avro';
import { createRegistry, type Registry, type RegistrySettings } from '../../../src/sinks/registry';
import type { SubjectSchema } from '../../../src/sinks/registry-subjects';
import { type LocalRegistry, startRegistry } from '../../../tools/registry';
import { uniqueName } from '../../support/kafka';

let server: LocalRegistry;
let topic: string;
let notes: string[] = [];
let opened: Registry[] = [];

beforeAll(async () => {
  server = await startRegistry();
});

beforeEach(() => {
  topic = uniqueName('registry');
});

afterEach(() => {
  for (const registry of opened) registry.close();
  opened = [];
  notes = [];
});

afterAll(() => server.stop());

function open(settings: Partial<RegistrySettings> = {}): Registry {
  const registry = createRegistry({
    settings: {
      url: server.url,
      auth: null,
      ca: null,
      autoRegister: true,
      compatibility: 'BACKWARD_TRANSITIVE',
      timeoutMs: 10_000,
      ...settings,
    },
    userAgent: 'infakt-kafka/test',
    onNote: (note) => notes.push(note),
  });
  opened.push(registry);
  return registry;
}

const subjects = (): readonly SubjectSchema[] => [
  { name: `${topic}-key`, schemaText: loadSchema('invoice-key') },
  { name: `${topic}-value`, schemaText: loadSchema('invoice') },
];

/** The schema of this test's own record, with these fields besides its id. */
const record = (...fields: readonly object[]): SubjectSchema => ({
  name: `${topic}-value`,
  schemaText: JSON.stringify({ type: 'record', name: 'A', fields: [{ name: 'id', type: 'long' }, ...fields] }),
});

async function inRegistry(
  path: string,
  change?: { readonly method: string; readonly body: unknown },
): Promise<unknown> {
  const response = await fetch(`${server.url}/${path}`, {
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    ...(change !== undefined && { method: change.method, body: JSON.stringify(change.body) }),
  });
  return response.json();
}

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw new Error('expected a ConfigError, got none', { cause: error });
  return error.message;
}

test('registers the published schemas as they are, finds them again, and gives their subjects a rule', async () => {
  const registry = open();
  expect((await registry.examine(subjects())).map(({ state }) => state)).toEqual([
    'to-be-registered',
    'to-be-registered',
  ]);
  const ids = await registry.resolve(subjects());
  expect(await open().resolve(subjects())).toEqual(ids);
  expect(await open({ autoRegister: false }).resolve(subjects())).toEqual(ids);
  expect((await registry.examine(subjects())).map(({ state }) => state)).toEqual(['registered', 'registered']);
  for (const { name, schemaText } of subjects()) {
    expect(await inRegistry(`subjects/${name}/versions`)).toEqual([1]);
    expect(await inRegistry(`config/${name}`)).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' });
    expect(JSON.parse(await registry.schema(ids.get(name) ?? 0))).toEqual(JSON.parse(schemaText));
  }
  expect(notes).toEqual([]);
});

test('a schema that is written otherwise but means the same keeps its id', async () => {
  const ids = await open().resolve(subjects());
  const compact = subjects().map(({ name, schemaText }) => ({
    name,
    schemaText: JSON.stringify(JSON.parse(schemaText)),
  }));
  expect(await open({ autoRegister: false }).resolve(compact)).toEqual(ids);
});

test('without leave to register, what is missing is named and stays missing', async () => {
  const message = await refusalOf(open({ autoRegister: false }).resolve(subjects()));
  expect(message).toContain(`subject ${topic}-key: expected it to be there, got no such subject`);
  expect(message).toContain(`subject ${topic}-value: expected it to be there, got no such subject`);
  expect(await inRegistry('subjects')).not.toContain(`${topic}-key`);
});

test('a new field with a default becomes a new version; one without is refused by the name of the rule and the field', async () => {
  const [first] = (await open().resolve([record()])).values();
  const [second] = (await open().resolve([record({ name: 'note', type: ['null', 'string'], default: null })])).values();
  expect(second).not.toBe(first);
  for (const autoRegister of [true, false]) {
    const message = await refusalOf(open({ autoRegister }).resolve([record({ name: 'amount', type: 'long' })]));
    expect(message).toMatch(
      /compatible with those registered, by BACKWARD_TRANSITIVE, the subject's own rule, got: .*amount/,
    );
  }
  expect(await inRegistry(`subjects/${topic}-value/versions`)).toEqual([1, 2]);
});

test('a rule that somebody else chose stays and is told of', async () => {
  await open().resolve([record()]);
  await inRegistry(`config/${topic}-value`, { method: 'PUT', body: { compatibility: 'NONE' } });
  await open().resolve([record({ name: 'amount', type: 'long' })]);
  expect(notes).toEqual([expect.stringMatching(/got NONE .*; nothing keeps an incompatible schema out$/)]);
  expect(await inRegistry(`config/${topic}-value`)).toEqual({ compatibilityLevel: 'NONE' });
});

test('services that register at the same time get the same ids', async () => {
  const unheardOf = record({ name: `field_${Date.now()}`, type: 'long' });
  const all = await Promise.all(Array.from({ length: 8 }, () => open().resolve([unheardOf])));
  for (const ids of all) expect(ids).toEqual(all[0]);
  expect(await inRegistry(`config/${unheardOf.name}`)).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' });
});

test('a registry that comes back empty is waited for and registered in anew, but not without leave', async () => {
  await open().resolve(subjects());
  const restarted = server.restart();
  const ids = await open({ timeoutMs: 60_000 }).resolve([record()]);
  await restarted;
  expect(ids.get(`${topic}-value`)).toBe(1);
  expect(await refusalOf(open({ autoRegister: false }).resolve(subjects()))).toContain('got no such subject');
  expect(await open().resolve(subjects().slice(0, 1))).toEqual(new Map([[`${topic}-key`, 2]]));
});
