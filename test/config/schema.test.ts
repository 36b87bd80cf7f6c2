import { formats } from '../../config/formats';
import { serviceSchema } from '../../config/schema';
import { settingsOf } from '../../config/setting';

test('every key of the service file has a doc, and every default is accepted by its format', () => {
  for (const [key, setting] of settingsOf(serviceSchema)) {
    expect([key, setting.doc]).toEqual([key, expect.stringMatching(/\.$/)]);
    if (setting.default !== null) expect([key, formats[setting.format].accepts(setting.default)]).toEqual([key, true]);
  }
});

test('every secret of the service file is marked as one, so that no message shows it', () => {
  const secrets = settingsOf(serviceSchema).filter(([key]) => /password|token|keyFile/i.test(key));
  expect(secrets).toHaveLength(9);
  for (const [key, { sensitive }] of secrets) expect([key, sensitive]).toEqual([key, true]);
});
