import type { SubjectSchema } from '../../src/sinks/registry-subjects';
import { json } from '../support/http-server';
import {
  compatible,
  found,
  KEY,
  noSubject,
  noVersion,
  rule,
  SCHEMA,
  VALUE,
  playedRegistry,
} from '../support/played-registry';

const { notes, open, play, refusalOf, whatWasAsked } = playedRegistry();

describe('resolving', () => {
  test('names every subject that is missing in one error', async () => {
    play({
      'POST subjects/infakt.a-key': noSubject,
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('FULL'),
      'POST compatibility/subjects/infakt.a-value/versions': compatible,
    });
    expect(await refusalOf(open().resolve([KEY, VALUE]))).toBe(
      [
        'cannot use 2 of 2 subjects of the schema registry at http://registry/sr:',
        'subject infakt.a-key: expected it to be there, got no such subject; register it, or set registry.autoRegister',
        'subject infakt.a-value: expected this schema to be there, got others (compatible ones); register it, or set registry.autoRegister',
      ].join('\n'),
    );
  });

  test('registers nothing where another subject is refused', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'POST subjects/infakt.a-key': json(422, { error_code: 42201, message: 'Invalid schema' }),
    });
    expect(await refusalOf(open({ autoRegister: true }).resolve([VALUE, KEY]))).toMatch(/1 of 2 subjects/);
    expect(whatWasAsked()).toEqual(['POST subjects/infakt.a-value', 'POST subjects/infakt.a-key']);
  });

  test('asks again after a failure', async () => {
    play({
      'POST subjects/infakt.a-value': [noSubject, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
    });
    const registry = open();
    await refusalOf(registry.resolve([VALUE]));
    expect((await registry.resolve([VALUE])).get('infakt.a-value')).toBe(7);
  });
});

test('examining tells of each subject and changes nothing', async () => {
  const other: SubjectSchema = { name: 'infakt.b-value', schemaText: SCHEMA };
  play({
    'POST subjects/infakt.a-key': noSubject,
    'POST subjects/infakt.a-value': found,
    'GET config/infakt.a-value': rule('NONE'),
    'POST subjects/infakt.b-value': json(403, {}),
  });
  expect(await open({ autoRegister: true }).examine([KEY, VALUE, other])).toEqual([
    { subject: 'infakt.a-key', notes: [], state: 'to-be-registered' },
    { subject: 'infakt.a-value', notes: [expect.stringMatching(/got NONE/)], state: 'registered', id: 7 },
    {
      subject: 'infakt.b-value',
      notes: [],
      state: 'refused',
      reason: 'expected the right to be looked up, got 403 with 2 characters of application/json',
    },
  ]);
  expect(whatWasAsked()).toHaveLength(4);
  expect(notes()).toEqual([]);
});

describe('the schema of an id', () => {
  test('is the text that the registry has', async () => {
    play({ 'GET schemas/ids/7': json(200, { schema: SCHEMA }) });
    expect(await open().schema(7)).toBe(SCHEMA);
  });

  test('is an error where there is none, and asked for again', async () => {
    play({
      'GET schemas/ids/7': [
        json(404, { error_code: 40403, message: 'Schema 7 not found' }),
        json(200, { schema: SCHEMA }),
      ],
    });
    const registry = open();
    expect(await refusalOf(registry.schema(7))).toBe(
      'GET http://registry/sr/schemas/ids/7 expected a schema, got 404 with Schema 7 not found',
    );
    expect(await registry.schema(7)).toBe(SCHEMA);
  });
});
