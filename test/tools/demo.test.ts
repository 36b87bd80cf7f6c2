import { isGivenToNpm } from '../../tools/demo';

test('npm run demo --keep means what npm run demo -- --keep does: npm takes the option for its own and hands it on', () => {
  expect(isGivenToNpm('keep', { npm_config_keep: 'true' })).toBe(true);
  expect(isGivenToNpm('keep', { npm_config_keep: '' })).toBe(false);
  expect(isGivenToNpm('keep', {})).toBe(false);
});
