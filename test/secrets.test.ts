import { createSecrets, type Secrets } from '../src/secrets';
import type { SecretText } from '../config/secret-files';

function secretsIn(files: Map<string, SecretText>): { readonly secrets: Secrets; readonly told: string[] } {
  const told: string[] = [];
  const secrets = createSecrets({
    read: (_kind, file) => files.get(file) ?? { unusable: 'nothing there' },
    onChange: (kind, file, value) => told.push(`${kind} in ${file} is ${value}`),
    onUnusable: (file, got) => told.push(`${file}: ${got}`),
  });
  return { secrets, told };
}

test('a value without a file is the one that was loaded', () => {
  const { secrets, told } = secretsIn(new Map());
  expect(secrets.latest('password', null, 'loaded')).toBe('loaded');
  expect(told).toEqual([]);
});

test('a value in a file is what the file holds now, and one that is new is told of once, before it is given', () => {
  const files = new Map<string, SecretText>([['f', { value: 'one' }]]);
  const { secrets, told } = secretsIn(files);
  expect(secrets.latest('password', 'f', 'one')).toBe('one');
  expect(told).toEqual([]);
  files.set('f', { value: 'two' });
  expect(secrets.latest('password', 'f', 'one')).toBe('two');
  expect(secrets.latest('password', 'f', 'one')).toBe('two');
  expect(told).toEqual(['password in f is two']);
});

test('where the file is gone or unusable the last value is kept, which is said once until it can be used again', () => {
  const files = new Map<string, SecretText>([['f', { value: 'two' }]]);
  const { secrets, told } = secretsIn(files);
  secrets.latest('api-key', 'f', 'one');
  files.delete('f');
  expect([1, 2].map(() => secrets.latest('api-key', 'f', 'one'))).toEqual(['two', 'two']);
  files.set('f', { value: 'two' });
  secrets.latest('api-key', 'f', 'one');
  files.set('f', { unusable: 'an empty file' });
  secrets.latest('api-key', 'f', 'one');
  expect(told).toEqual(['api-key in f is two', 'f: nothing there', 'f: an empty file']);
});
