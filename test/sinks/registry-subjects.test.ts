import { html, json } from '../support/http-server';
import {
  compatible,
  found,
  noRule,
  noSubject,
  noVersion,
  rule,
  SCHEMA,
  VALUE,
  playedRegistry,
} from '../support/played-registry';

const { asked, failureOf, notes, open, play, refusalOf, server, whatWasAsked } = playedRegistry();

describe('looking up', () => {
  test('goes on with a former schema where the subject has one, and with the newest where it has none', async () => {
    const key = { ...VALUE, formerTexts: ['"former"'] };
    const looks = () => asked().filter(({ what }) => what === 'POST subjects/infakt.a-value');
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE') });
    expect(await open().resolve([key])).toEqual(new Map([['infakt.a-value', 7]]));
    expect(looks().map(({ body }) => body)).toEqual([{ schema: '"former"' }]);
    play({
      'POST subjects/infakt.a-value': [noVersion, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
    });
    expect(await open().resolve([key])).toEqual(new Map([['infakt.a-value', 7]]));
    expect(
      looks()
        .slice(-2)
        .map(({ body }) => body),
    ).toEqual([{ schema: '"former"' }, { schema: SCHEMA }]);
  });

  test('asks for the original text, normalised, and changes nothing', async () => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE') });
    expect(await open().resolve([VALUE])).toEqual(new Map([['infakt.a-value', 7]]));
    expect(asked()).toEqual([
      { what: 'POST subjects/infakt.a-value', query: '?normalize=true', body: { schema: SCHEMA } },
      { what: 'GET config/infakt.a-value', query: '', body: undefined },
    ]);
    expect(server().requests[0]?.headers).toMatchObject({
      'content-type': 'application/vnd.schemaregistry.v1+json',
      'user-agent': 'infakt-kafka/test',
    });
    expect(server().requests[0]?.headers.authorization).toBeUndefined();
    expect(notes()).toEqual([]);
  });

  test.each([
    [
      'a rule of its own',
      { own: rule('FULL'), all: rule('NONE') },
      /got FULL \(the subject's own rule\), which is left/,
    ],
    [
      'the rule for all',
      { own: noRule, all: rule('BACKWARD') },
      /got BACKWARD \(the rule for all subjects\), which is/,
    ],
    ['no rule', { own: noRule, all: rule('NONE') }, /got NONE \(the rule for all subjects\).*keeps an incompatible/],
    ['a rule that is not there', { own: noRule, all: noRule }, /got none, which is left alone; nothing keeps/],
    [
      'a rule that may not be read',
      { own: noRule, all: html(403) },
      /read the rule for all subjects, got 403; .* not known$/,
    ],
    [
      'a rule of its own that may not be read',
      { own: html(403), all: rule('NONE') },
      /own rule, got 403; .* not known$/,
    ],
    [
      'a rule that asks for another sign-in',
      { own: json(405, {}), all: rule('NONE') },
      /own rule, got 405; .* not known$/,
    ],
  ])('leaves a subject with %s alone, and says so', async (_title, { own, all }, note) => {
    play({ 'POST subjects/infakt.a-value': found, 'GET config/infakt.a-value': own, 'GET config': all });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes()).toEqual([expect.stringMatching(note)]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });
});

describe('registering', () => {
  const registration = 'POST subjects/infakt.a-value/versions';

  test('gives a new subject its rule before its first schema', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': [noRule, rule('FULL')],
      'PUT config/infakt.a-value': json(200, { compatibility: 'FULL' }),
      [registration]: json(200, { id: 8 }),
    });
    const ids = await open({ autoRegister: true, compatibility: 'FULL' }).resolve([VALUE]);
    expect(ids.get('infakt.a-value')).toBe(8);
    expect(asked().slice(2, 4)).toEqual([
      { what: 'PUT config/infakt.a-value', query: '', body: { compatibility: 'FULL' } },
      { what: registration, query: '?normalize=true', body: { schema: SCHEMA } },
    ]);
    expect(asked()).toHaveLength(5);
  });

  test.each([2 ** 31, 2 ** 31 + 1, 2 ** 40])('an id of %d is said to be one that records cannot hold', async (id) => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': rule('BACKWARD'),
      [registration]: json(200, { id }),
    });
    const failure = await failureOf(open({ autoRegister: true }).resolve([VALUE]));
    expect(failure.message).toContain(
      `expected an id below 2147483648, as the wire format of records holds no larger one, got ${id}`,
    );
  });

  test('gives it once more where the registry forgot it', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': [noSubject, rule('NONE')],
      'PUT config/infakt.a-value': [json(404, {}), json(200, {})],
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toHaveLength(2);
    expect(notes()).toEqual([]);
  });

  test('goes on without the rule, and says so, where it may not be set', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': noRule,
      'PUT config/infakt.a-value': json(403, { error_code: 40301, message: 'not authorized' }),
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes()).toEqual([expect.stringMatching(/BACKWARD_TRANSITIVE .* to be set, got 403 with not authorized$/)]);
  });

  test('leaves a rule that is there before the first schema alone', async () => {
    play({
      'POST subjects/infakt.a-value': noSubject,
      'GET config/infakt.a-value': rule('FORWARD'),
      [registration]: json(200, { id: 8 }),
    });
    await open({ autoRegister: true }).resolve([VALUE]);
    expect(notes()).toEqual([expect.stringMatching(/got FORWARD \(the subject's own rule\), which is left alone/)]);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });

  test.each([
    ['every version', 'POST compatibility/subjects/infakt.a-value/versions'],
    [
      'the latest version, which is all that older registries can',
      'POST compatibility/subjects/infakt.a-value/versions/latest',
    ],
  ])('compares a new version with %s, and names the rule and what differs', async (_title, comparison) => {
    const difference =
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'm' at path '/fields/1' in the new schema has no default value and is missing in the old schema', additionalInfo:'m'}";
    play({
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('BACKWARD'),
      [comparison]: json(200, {
        is_compatible: false,
        messages: [difference, '{oldSchemaVersion: 1}', `{oldSchema: '${SCHEMA}'}`],
      }),
    });
    const message = await refusalOf(open({ autoRegister: true }).resolve([VALUE]));
    expect(message.split('\n')[1]).toBe(
      `subject infakt.a-value: expected a schema that is compatible with those registered, by BACKWARD, the subject's own rule, got: ${difference}; {oldSchemaVersion: 1}`,
    );
    expect(asked().at(-1)).toMatchObject({ query: '?verbose=true', body: { schema: SCHEMA } });
    expect(whatWasAsked()).not.toContain(registration);
  });

  test('registers a version that is compatible', async () => {
    play({
      'POST subjects/infakt.a-value': noVersion,
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
      'POST compatibility/subjects/infakt.a-value/versions': compatible,
      [registration]: json(200, { id: 9, version: 2 }),
    });
    expect((await open({ autoRegister: true }).resolve([VALUE])).get('infakt.a-value')).toBe(9);
    expect(whatWasAsked().filter((what) => what.startsWith('PUT'))).toEqual([]);
  });

  test('takes the id of another writer that was faster', async () => {
    play({
      'POST subjects/infakt.a-value': [noSubject, found],
      'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
      [registration]: json(409, { error_code: 409, message: 'already exists' }),
    });
    expect((await open({ autoRegister: true }).resolve([VALUE])).get('infakt.a-value')).toBe(7);
  });

  test.each([
    [
      409,
      40901,
      `Schema being registered is incompatible with an earlier schema for subject "infakt.a-value", details: [{errorType:'TYPE_MISMATCH'}, {oldSchemaVersion: 4}, {oldSchema: '${SCHEMA}'}]`,
      `got 409 with Schema being registered is incompatible with an earlier schema for subject "infakt.a-value", details: [{errorType:'TYPE_MISMATCH'}, {oldSchemaVersion: 4}`,
    ],
    [422, 42201, 'Invalid schema', 'got 422 with Invalid schema'],
    [403, 40301, 'not authorized', 'got 403 with not authorized'],
  ])(
    'a registration that is answered with %i is refused in the words of the registry',
    async (status, code, message, got) => {
      play({
        'POST subjects/infakt.a-value': noSubject,
        'GET config/infakt.a-value': rule('BACKWARD_TRANSITIVE'),
        [registration]: json(status, { error_code: code, message }),
      });
      const right = status === 403 ? 'the right ' : '';
      expect((await refusalOf(open({ autoRegister: true }).resolve([VALUE]))).split('\n').slice(1)).toEqual([
        `subject infakt.a-value: expected ${right}to be registered, ${got}`,
      ]);
    },
  );
});
