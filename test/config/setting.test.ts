import {
  type Declared,
  isSetting,
  type Section,
  type Setting,
  settingsOf,
  variableOf,
  withVariables,
} from '../../config/setting';

const leaf: Setting<unknown> = { doc: 'A text.', format: 'infakt-kafka.text', default: null };
const section: Section = { first: leaf, nested: { second: leaf, deeper: { third: leaf } } };

test('a key is told from a section that holds keys', () => {
  expect(isSetting(leaf)).toBe(true);
  expect(isSetting(section)).toBe(false);
});

test('a section whose key is called format is no key', () => {
  expect(isSetting({ format: leaf })).toBe(false);
});

test('every key is listed once, with its dots, in the order of the schema', () => {
  expect(settingsOf(section).map(([key]) => key)).toEqual(['first', 'nested.second', 'nested.deeper.third']);
});

test.each([
  ['service.id', 'SERVICE_ID'],
  ['infakt.requestsPerMinute', 'INFAKT_REQUESTS_PER_MINUTE'],
  ['kafka.ssl.caFile', 'KAFKA_SSL_CA_FILE'],
  ['projections', 'PROJECTIONS'],
])('the variable of %s is %s', (key, variable) => {
  expect(variableOf(key)).toBe(variable);
});

test('every key of a schema gets its variable, and keeps all else', () => {
  const { first, nested } = withVariables({
    first: leaf,
    nested: { secondOne: { ...leaf, sensitive: true } },
  } as Declared);
  expect(first).toEqual({ ...leaf, env: 'FIRST' });
  expect(nested).toEqual({ secondOne: { ...leaf, sensitive: true, env: 'NESTED_SECOND_ONE' } });
});
