import { apiKeyVariable, entitySchema } from '../../config/entity-schema';
import { formats } from '../../config/formats';
import { settingsOf } from '../../config/setting';

test("the variable of an entity's key is its id in upper case with underscores", () => {
  expect(apiKeyVariable('acme-pl-2')).toBe('INFAKT_API_KEY_ACME_PL_2');
  expect(entitySchema('acme-pl-2').api_key.env).toBe('INFAKT_API_KEY_ACME_PL_2');
});

test("every key of an entity's file has a doc, and every default is accepted by its format", () => {
  for (const [key, setting] of settingsOf(entitySchema('alfa'))) {
    expect([key, setting.doc]).toEqual([key, expect.stringMatching(/\.$/)]);
    if (setting.default !== null) expect([key, formats[setting.format].accepts(setting.default)]).toEqual([key, true]);
  }
});
