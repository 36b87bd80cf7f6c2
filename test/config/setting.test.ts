import { isSetting, settingsOf, type Section, type Setting } from '../../config/setting';

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
