import {
  baseUrlOf,
  formats,
  httpUrlOf,
  isLoopback,
  nipDigits,
  type Format,
  type FormatName,
} from '../../config/formats';

const accepted: readonly (readonly [FormatName, readonly unknown[]])[] = [
  ['infakt-kafka.base-url', ['https://api.infakt.pl/api/v3', 'http://127.0.0.1:8101/api/v3', 'http://[::1]:80/x']],
  ['infakt-kafka.http-url', ['http://registry:8081', 'https://registry.example/apis/ccompat/v7']],
  ['infakt-kafka.compatibility', ['NONE', 'FULL_TRANSITIVE']],
  ['infakt-kafka.requests', [0, 290]],
  ['infakt-kafka.replication-factor', [-1, 1, 3]],
  ['infakt-kafka.brokers', [['a:1'], ['a.b-c:9092', '[::1]:65535']]],
  ['infakt-kafka.volatile-fields', [[], ['invoices.services.id']]],
  ['infakt-kafka.start-date', ['all', '2024-02-29']],
  ['infakt-kafka.date', ['2026-12-31']],
  ['infakt-kafka.api-key', ['0aZ-_/+=']],
  ['infakt-kafka.hook-secrets', ['0aZ-_/+=', 'old,new', 'old, new', 'old \r\n new', 'old\n\nnew']],
  ['infakt-kafka.name', ['a', 'infakt-kafka', 'A.b_c-1']],
  ['infakt-kafka.port', [0, 8080, 65_535]],
  ['infakt-kafka.host', ['127.0.0.1', '0.0.0.0', '::1', '::', 'localhost', 'books.example']],
  ['infakt-kafka.age', [1, 604_800]],
];

test.each(accepted)('%s accepts what is meant by it', (name, values) => {
  for (const value of values) expect([value, formats[name].accepts(value)]).toEqual([value, true]);
});

const refused: readonly (readonly [FormatName, readonly unknown[]])[] = [
  ['infakt-kafka.port', [-1, 65_536, 80.5, '8080']],
  ['infakt-kafka.host', ['', 'http://localhost', 'localhost:8080', '[::1]', 'a b']],
  ['infakt-kafka.age', [0, 1.5, 'an hour']],
  [
    'infakt-kafka.base-url',
    [
      'http://api.infakt.pl/api/v3',
      'http://127.0.0.1.example.com/',
      'http://localhost@example.com/',
      'https://user@api.infakt.pl/',
      'https://api.infakt.pl/?a=1',
      'https://api.infakt.pl/?',
      'https://api.infakt.pl/#a',
      'ftp://localhost/',
      'api.infakt.pl',
      '',
      null,
      5,
    ],
  ],
  [
    'infakt-kafka.http-url',
    ['ftp://localhost', 'https://u:p@localhost', 'http://localhost?a', 'registry:8081', '', null],
  ],
  ['infakt-kafka.compatibility', ['backward', 'NONE ', null]],
  ['infakt-kafka.token', ['', 'a b', 'ą']],
  ['infakt-kafka.requests', [-1, 1.5, 100_001, '290', Number.NaN, null]],
  ['infakt-kafka.replication-factor', [0, -2, 40_000]],
  ['infakt-kafka.brokers', [[], ['a'], ['a:0'], ['a:65536'], ['a:1', 'a:1'], ['http://a:1'], [''], [1], 'a:1', null]],
  ['infakt-kafka.volatile-fields', [['invoices'], ['.a'], ['invoices.'], ['a..b'], 'invoices.a']],
  ['infakt-kafka.streams', [[], ['clients', 'clients'], 'clients']],
  ['infakt-kafka.start-date', ['ALL', '2026-02-30', '2025-02-29', '2026-1-1', '01.02.2026', 20260101]],
  ['infakt-kafka.date', ['all', '2026-13-01', '2026-01-01T00:00:00Z']],
  ['infakt-kafka.api-key', ['', 'a b', 'a\n', 'ą', 5]],
  ['infakt-kafka.hook-secrets', ['', 'a b', ',a', 'a,', 'a,b,c', 'a\nb\nc', 'ą', ['a', 'b']]],
  ['infakt-kafka.name', ['', '.a', '-a', 'a b', 'a/b', 'a'.repeat(201)]],
  ['infakt-kafka.boolean', ['true', 1, null]],
];

test.each(refused)('%s refuses what is not', (name, values) => {
  for (const value of values) expect([value, formats[name].accepts(value)]).toEqual([value, false]);
});

const read: readonly (readonly [FormatName, string, unknown])[] = [
  ['infakt-kafka.requests', '0', 0],
  ['infakt-kafka.requests', '12abc', '12abc'],
  ['infakt-kafka.requests', '1e3', '1e3'],
  ['infakt-kafka.brokers', 'a:1, b:2', ['a:1', 'b:2']],
  ['infakt-kafka.brokers', ' ["a:1","b:2"]', ['a:1', 'b:2']],
  ['infakt-kafka.brokers', '["a:1"', '["a:1"'],
  ['infakt-kafka.compression', 'gzip', 'gzip'],
  ['infakt-kafka.sasl-mechanism', 'SCRAM-SHA-512', 'scram-sha-512'],
  ['infakt-kafka.log-level', 'WARN', 'warn'],
  ['infakt-kafka.compatibility', 'full', 'FULL'],
];

test.each(read)('%s reads the text %j as %j', (name, text, value) => {
  const format: Format = formats[name];
  expect(format.parse?.(text)).toEqual(value);
});

test.each([
  ['1234563218', '1234563218'],
  ['PL 123-456-32-18', '1234563218'],
  ['0100000006', null],
  ['1234563219', null],
  ['123456321', null],
  ['12345632180', null],
  ['', null],
  [1234563218, null],
  [null, null],
])('the digits of the NIP %j are %j', (text, digits) => {
  expect(nipDigits(text)).toBe(digits);
});

test('a base URL loses the slashes at its end, so that a path can follow it', () => {
  expect(baseUrlOf('https://API.infakt.pl/api/v3//')).toBe('https://api.infakt.pl/api/v3');
});

test('a URL of a registry loses the slashes at its end, and may be of any host without TLS', () => {
  expect(httpUrlOf('http://registry:8081/apis/')).toBe('http://registry:8081/apis');
});

test.each(['localhost', '127.0.0.1', '127.9.9.9', '[::1]'])('%s is this machine', (hostname) => {
  expect(isLoopback(hostname)).toBe(true);
});

test.each(['127.0.0.1.example.com', 'localhost.example.com', '10.0.0.1', '::1'])(
  '%s is not this machine',
  (hostname) => {
    expect(isLoopback(hostname)).toBe(false);
  },
);

test('the format of a text that is one of a few names them all', () => {
  expect(formats['infakt-kafka.budget-scope']).toMatchObject({
    kind: ['replica', 'group'],
    expected: 'one of replica, group',
  });
});
