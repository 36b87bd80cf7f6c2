/** What an accepted value is; of a text that is one of a few, these. */
export type ValueKind = 'boolean' | 'number' | 'numbers' | 'text' | 'texts' | readonly string[];

/** The shape of a value as JSON Schema has it, for editors: as near as that can say. */
export type JsonShape = Readonly<Record<string, unknown>>;

/** How a value is spelled in a file or an environment variable, and what is accepted. */
export interface Format<Kind extends ValueKind = ValueKind> {
  readonly kind: Kind;
  /** Ends the sentence "expected ..."; also the type that the documentation shows. */
  readonly expected: string;
  readonly json: JsonShape;
  readonly accepts: (value: unknown) => boolean;
  /** Reads text, of an environment variable or of a file; text that it cannot read is returned as it is. */
  readonly parse?: (text: string) => unknown;
}

function matching(pattern: RegExp, expected: string): Format<'text'> {
  return {
    kind: 'text',
    expected,
    json: { type: 'string', pattern: pattern.source },
    accepts: (value) => typeof value === 'string' && pattern.test(value),
  };
}

function integer(from: number, to: number): Format<'number'> {
  return {
    kind: 'number',
    expected: `an integer from ${from} to ${to}`,
    json: { type: 'integer', minimum: from, maximum: to },
    accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to,
    parse: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
  };
}

function oneOf<const Choices extends readonly string[]>(...choices: Choices): Format<Choices> {
  return {
    kind: choices,
    expected: `one of ${choices.join(', ')}`,
    json: { enum: choices },
    accepts: (value) => typeof value === 'string' && choices.includes(value),
    parse: (text) => text.toLowerCase(),
  };
}

function listOf(isItem: (item: string) => boolean, least: number, expected: string): Format<'texts'> {
  return {
    kind: 'texts',
    expected,
    json: { type: 'array', items: { type: 'string' }, minItems: least, uniqueItems: true },
    accepts: (value) =>
      Array.isArray(value) &&
      value.length >= least &&
      value.every((item) => typeof item === 'string' && isItem(item)) &&
      new Set(value).size === value.length,
    parse: parseList,
  };
}

function isBroker(text: string): boolean {
  const port = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** A list as text: comma separated, or a JSON array. */
function parseList(text: string): unknown {
  if (!text.trimStart().startsWith('[')) return text.split(',').map((part) => part.trim());
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

/** Whether a host name means this machine, so that nothing sent there passes a network. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The URL without its trailing slashes; null for a text that is no URL to which the API key may be sent. */
export function baseUrlOf(value: unknown): string | null {
  const url = httpUrlOf(value);
  return url === null || url.startsWith('https:') || isLoopback(new URL(url).hostname) ? url : null;
}

/** The URL without its trailing slashes; null for a text that is no http(s) URL, or has credentials, a query or a fragment. */
export function httpUrlOf(value: unknown): string | null {
  if (typeof value !== 'string' || /[?#]/.test(value) || !URL.canParse(value)) return null;
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return null;
  return /^https?:$/.test(url.protocol) ? url.href.replace(/\/+$/, '') : null;
}

/** The ten digits of a NIP written with or without dashes, spaces and `PL`, or null where the check digit is wrong. */
export function nipDigits(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const digits = value.replace(/^PL/i, '').replace(/[\s-]/g, '');
  if (!/^\d{10}$/.test(digits)) return null;
  const sum = [6, 5, 7, 2, 3, 4, 5, 6, 7].reduce((total, weight, at) => total + weight * Number(digits[at]), 0);
  return sum % 11 === Number(digits[9]) ? digits : null;
}

/** Every format of a value; the names are prefixed because convict keeps one list of formats for the whole process. */
export const formats = {
  'infakt-kafka.boolean': {
    kind: 'boolean',
    expected: 'true or false',
    json: { type: 'boolean' },
    accepts: (value) => typeof value === 'boolean',
    parse: (text) => ({ true: true, false: false })[text.toLowerCase()] ?? text,
  },
  'infakt-kafka.text': matching(/\S/, 'text'),
  'infakt-kafka.path': matching(/^[^\0\r\n]+$/, 'the path of a readable file'),
  'infakt-kafka.name': matching(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
    'up to 200 letters, digits, dots, dashes and underscores, a letter or digit first',
  ),
  'infakt-kafka.base-url': {
    kind: 'text',
    expected: 'an https:// URL (http:// to a loopback host only) without credentials, query and fragment',
    json: { type: 'string', pattern: '^https?://[^?#]+$' },
    accepts: (value) => baseUrlOf(value) !== null,
  },
  'infakt-kafka.http-url': {
    kind: 'text',
    expected: 'an https:// or http:// URL without credentials, query and fragment',
    json: { type: 'string', pattern: '^https?://[^?#]+$' },
    accepts: (value) => httpUrlOf(value) !== null,
  },
  'infakt-kafka.hook': {
    kind: 'text',
    expected: 'an https:// or http:// URL',
    json: { type: 'string', pattern: '^https?://.' },
    accepts: (value) => typeof value === 'string' && /^https?:\/\/./.test(value) && URL.canParse(value),
  },
  'infakt-kafka.requests': integer(0, 100_000),
  'infakt-kafka.timeout': integer(1, 600_000),
  'infakt-kafka.session-timeout': integer(1_000, 1_800_000),
  'infakt-kafka.seconds': integer(1, 86_400),
  'infakt-kafka.hours': integer(1, 24),
  'infakt-kafka.age': integer(1, 31_536_000),
  'infakt-kafka.port': integer(0, 65_535),
  'infakt-kafka.host': matching(/^[A-Za-z0-9._-]+$|^[0-9A-Fa-f:.]+$/, 'an IP address or the name of a host'),
  'infakt-kafka.days': integer(1, 3_650),
  'infakt-kafka.budget-scope': oneOf('replica', 'group'),
  'infakt-kafka.share': {
    kind: 'number',
    expected: 'a number from 0 to 1',
    json: { type: 'number', minimum: 0, maximum: 1 },
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  'infakt-kafka.part': {
    kind: 'number',
    expected: 'a number from 0.05 to 1',
    json: { type: 'number', minimum: 0.05, maximum: 1 },
    accepts: (value) => typeof value === 'number' && value >= 0.05 && value <= 1,
    parse: (text) => (/^\d(\.\d{1,10})?$/.test(text) ? Number(text) : text),
  },
  'infakt-kafka.partitions': integer(1, 10_000),
  'infakt-kafka.replication-factor': {
    ...integer(-1, 32_767),
    expected: 'an integer from 1 to 32767, or -1',
    json: { type: 'integer', minimum: -1, maximum: 32_767, not: { const: 0 } },
    accepts: (value) => value !== 0 && integer(-1, 32_767).accepts(value),
  },
  'infakt-kafka.brokers': listOf(isBroker, 1, 'a list of host:port without repetition'),
  'infakt-kafka.compression': oneOf('none', 'gzip'),
  'infakt-kafka.sasl-mechanism': oneOf('plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'),
  'infakt-kafka.region': matching(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region of AWS, such as eu-central-1'),
  'infakt-kafka.compatibility': {
    ...oneOf('NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'),
    parse: (text) => text.toUpperCase(),
  },
  'infakt-kafka.token': matching(/^[\x21-\x7e]+$/, 'a token: visible ASCII characters without spaces'),
  'infakt-kafka.log-level': oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  'infakt-kafka.log-format': oneOf('auto', 'text', 'json'),
  'infakt-kafka.volatile-fields': listOf(
    (item) => /^[^.\s]+(?:\.[^.\s]+)+$/.test(item),
    0,
    'a list of "stream.path" without repetition',
  ),
  'infakt-kafka.projections': listOf((item) => item !== '', 0, 'a list of names of projections without repetition'),
  'infakt-kafka.streams': listOf((item) => item !== '', 1, 'a list of names of streams without repetition'),
  'infakt-kafka.ids': {
    kind: 'numbers',
    expected: 'a list of ids of rows, whole numbers from 1, without repetition',
    json: { type: 'array', items: { type: 'integer', minimum: 1 }, uniqueItems: true },
    accepts: (value) =>
      Array.isArray(value) &&
      value.every((item) => typeof item === 'number' && Number.isSafeInteger(item) && item > 0) &&
      new Set(value).size === value.length,
  },
  'infakt-kafka.nip': {
    kind: 'text',
    expected: 'a NIP: text of ten digits with the right check digit',
    json: { type: 'string', pattern: String.raw`^(?:[Pp][Ll])?[\s-]*(?:\d[\s-]*){10}$` },
    accepts: (value) => nipDigits(value) !== null,
  },
  'infakt-kafka.api-key': matching(
    /^(?!(["']).*\1$)[\x21-\x7e]+$/,
    'an API key: visible ASCII characters without spaces',
  ),
  'infakt-kafka.hook-secrets': matching(
    /^[\x21-\x2b\x2d-\x7e]+(?:(?: *, *|\s*\n\s*)[\x21-\x2b\x2d-\x7e]+)?$/,
    'a secret of visible ASCII characters without spaces and commas, or two of them with a comma or a line break between',
  ),
  'infakt-kafka.start-date': {
    kind: 'text',
    expected: 'a date as YYYY-MM-DD, or "all"',
    json: { type: 'string', pattern: String.raw`^(?:\d{4}-\d{2}-\d{2}|all)$` },
    accepts: (value) => value === 'all' || isDate(value),
  },
  'infakt-kafka.date': {
    kind: 'text',
    expected: 'a date as YYYY-MM-DD',
    json: { type: 'string', pattern: String.raw`^\d{4}-\d{2}-\d{2}$` },
    accepts: isDate,
  },
} satisfies Readonly<Record<string, Format>>;

/** Name of a format, as a schema gives it. */
export type FormatName = keyof typeof formats;

/** Type of the values that a format accepts. */
export type ValueOf<Name extends FormatName> = Accepted<(typeof formats)[Name]['kind']>;

type Accepted<Kind extends ValueKind> = Kind extends readonly (infer Choice)[]
  ? Choice
  : Kind extends 'boolean'
    ? boolean
    : Kind extends 'number'
      ? number
      : Kind extends 'numbers'
        ? readonly number[]
        : Kind extends 'texts'
          ? readonly string[]
          : string;
