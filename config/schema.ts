import type { Compatibility } from '../src/sinks/registry';

/** How a value is spelled in a file or an environment variable, and what is accepted. */
export interface Format {
  /** Ends the sentence "expected ..."; also the type that the documentation shows. */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** Reads text, of an environment variable or of a file; text that it cannot read is returned as it is. */
  readonly parse?: (text: string) => unknown;
}

function matching(pattern: RegExp, expected: string): Format {
  return { expected, accepts: (value) => typeof value === 'string' && pattern.test(value) };
}

function integer(from: number, to: number): Format {
  return {
    expected: `an integer from ${from} to ${to}`,
    accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to,
    parse: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
  };
}

function oneOf(...choices: readonly string[]): Format {
  return {
    expected: `one of ${choices.join(', ')}`,
    accepts: (value) => typeof value === 'string' && choices.includes(value),
    parse: (text) => text.toLowerCase(),
  };
}

function listOf(isItem: (item: string) => boolean, least: number, expected: string): Format {
  return {
    expected,
    accepts: (value) =>
      Array.isArray(value) &&
      value.length >= least &&
      value.every((item) => typeof item === 'string' && isItem(item)) &&
      new Set(value).size === value.length,
  };
}

function isBroker(text: string): boolean {
  const port = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

function parseBrokers(text: string): unknown {
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

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The URL without its trailing slashes, or null where it is not one that the API key may be sent to. */
export function baseUrlOf(value: unknown): string | null {
  const url = httpUrlOf(value);
  return url === null || url.startsWith('https:') || isLoopback(new URL(url).hostname) ? url : null;
}

/** The URL without its trailing slashes, or null where it is not one of http(s) alone. */
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

/** Every kind of value; the names are prefixed because convict keeps one list of formats for the whole process. */
export const formats = {
  'infakt-kafka.boolean': {
    expected: 'true or false',
    accepts: (value) => typeof value === 'boolean',
  },
  'infakt-kafka.text': matching(/\S/, 'text'),
  'infakt-kafka.path': matching(/^[^\0\r\n]+$/, 'the path of a readable file'),
  'infakt-kafka.name': matching(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/,
    'up to 200 letters, digits, dots, dashes and underscores, a letter or digit first',
  ),
  'infakt-kafka.base-url': {
    expected: 'an https:// URL (http:// to a loopback host only) without credentials, query and fragment',
    accepts: (value) => baseUrlOf(value) !== null,
  },
  'infakt-kafka.http-url': {
    expected: 'an https:// or http:// URL without credentials, query and fragment',
    accepts: (value) => httpUrlOf(value) !== null,
  },
  'infakt-kafka.requests': integer(0, 100_000),
  'infakt-kafka.timeout': integer(1, 600_000),
  'infakt-kafka.session-timeout': integer(1_000, 1_800_000),
  'infakt-kafka.seconds': integer(1, 86_400),
  'infakt-kafka.hours': integer(1, 24),
  'infakt-kafka.days': integer(1, 3_650),
  'infakt-kafka.budget-scope': oneOf('replica', 'group'),
  'infakt-kafka.share': {
    expected: 'a number from 0 to 1',
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  'infakt-kafka.partitions': integer(1, 10_000),
  'infakt-kafka.replication-factor': {
    ...integer(-1, 32_767),
    expected: 'an integer from 1 to 32767, or -1',
    accepts: (value) => value !== 0 && integer(-1, 32_767).accepts(value),
  },
  'infakt-kafka.brokers': {
    ...listOf(isBroker, 1, 'a list of host:port without repetition'),
    parse: parseBrokers,
  },
  'infakt-kafka.sasl-mechanism': oneOf('plain', 'scram-sha-256', 'scram-sha-512'),
  'infakt-kafka.compatibility': {
    ...oneOf('NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'),
    parse: (text) => text.toUpperCase(),
  },
  'infakt-kafka.token': matching(/^[\x21-\x7e]+$/, 'a token: visible ASCII characters without spaces'),
  'infakt-kafka.log-level': oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  'infakt-kafka.volatile-fields': listOf(
    (item) => /^[^.\s]+(?:\.[^.\s]+)+$/.test(item),
    0,
    'a list of "stream.path" without repetition',
  ),
  'infakt-kafka.projections': listOf((item) => item !== '', 0, 'a list of names of projections without repetition'),
  'infakt-kafka.streams': listOf((item) => item !== '', 1, 'a list of names of streams without repetition'),
  'infakt-kafka.nip': {
    expected: 'a NIP: text of ten digits with the right check digit',
    accepts: (value) => nipDigits(value) !== null,
  },
  'infakt-kafka.api-key': matching(/^[\x21-\x7e]+$/, 'an API key: visible ASCII characters without spaces'),
  'infakt-kafka.start-date': {
    expected: 'a date as YYYY-MM-DD, or "all"',
    accepts: (value) => value === 'all' || isDate(value),
  },
  'infakt-kafka.date': { expected: 'a date as YYYY-MM-DD', accepts: isDate },
} satisfies Readonly<Record<string, Format>>;

export type FormatName = keyof typeof formats;

/** One key of a file, in the shape that convict reads. */
export type Setting<T> = {
  readonly doc: string;
  readonly format: FormatName;
  /** Null without `nullable` = the key is required. */
  readonly default: T | null;
  readonly nullable?: true;
  /** What holds where a nullable key is not given, for the documentation. */
  readonly otherwise?: string;
  readonly env?: string;
  /** The value is shown in no message. */
  readonly sensitive?: true;
};

type Leaf = string | number | boolean | null | readonly string[];

/** The schema of a file whose values are T. */
export type Schema<T> = { readonly [K in keyof T]: T[K] extends Leaf ? Setting<T[K]> : Schema<T[K]> };

/** Any schema, for walking it without knowing its keys. */
export interface Section {
  readonly [key: string]: Section | Setting<unknown>;
}

/** The values of the service file as written there, with defaults. */
export interface ServiceFile {
  readonly service: { readonly id: string };
  readonly infakt: { readonly baseUrl: string; readonly requestsPerMinute: number; readonly timeoutMs: number };
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly sessionTimeoutMs: number;
    readonly ssl: {
      readonly enabled: boolean;
      readonly caFile: string | null;
      readonly certFile: string | null;
      readonly keyFile: string | null;
    };
    readonly sasl: {
      readonly mechanism: SaslMechanism | null;
      readonly username: string | null;
      readonly password: string | null;
      readonly passwordFile: string | null;
    };
  };
  readonly registry: {
    readonly url: string | null;
    readonly autoRegister: boolean;
    readonly compatibility: Compatibility;
    readonly username: string | null;
    readonly password: string | null;
    readonly passwordFile: string | null;
    readonly token: string | null;
    readonly tokenFile: string | null;
    readonly caFile: string | null;
    readonly timeoutMs: number;
  };
  readonly topics: {
    readonly prefix: string;
    readonly partitions: number;
    readonly replicationFactor: number;
    readonly create: boolean;
  };
  readonly state: { readonly partitions: number };
  readonly budget: { readonly scope: BudgetScope };
  readonly schedule: {
    readonly newestSeconds: number;
    readonly clientsNewestSeconds: number;
    readonly openSeconds: number;
    readonly recentSeconds: number;
    readonly recentDays: number;
    readonly sweepSeconds: number;
    readonly sweepAtLeastHours: number;
  };
  readonly projections: readonly string[];
  readonly volatileFields: readonly string[];
  readonly log: { readonly level: LogLevel };
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

type BudgetScope = 'replica' | 'group';

type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** The values of an entity's file as written there, with defaults. */
export interface EntityFile {
  readonly name: string | null;
  readonly enabled: boolean;
  readonly nip: string | null;
  readonly api_key: string | null;
  readonly api_key_file: string | null;
  readonly start_date: string | null;
  readonly end_date: string | null;
  readonly streams: readonly string[] | null;
  readonly deletions: { readonly maxShare: number; readonly confirm: string | null };
}

export const serviceSchema: Schema<ServiceFile> = {
  service: {
    id: {
      doc: 'Names this service in the state topic, its consumer group and its transactions. A topics.prefix belongs to one id: another id needs another prefix, and starts from nothing.',
      format: 'infakt-kafka.name',
      default: 'infakt-kafka',
      env: 'SERVICE_ID',
    },
  },
  infakt: {
    baseUrl: {
      doc: 'Where the API is. The API keys are sent there and to no other host.',
      format: 'infakt-kafka.base-url',
      default: 'https://api.infakt.pl/api/v3',
      env: 'INFAKT_BASE_URL',
    },
    requestsPerMinute: {
      doc: 'Requests in any 60 s, of all entities together. inFakt allows 300 for each IP address. 0 = no limit, for a simulator.',
      format: 'infakt-kafka.requests',
      default: 290,
      env: 'INFAKT_REQUESTS_PER_MINUTE',
    },
    timeoutMs: {
      doc: 'How long one request may take until its answer is complete, in milliseconds.',
      format: 'infakt-kafka.timeout',
      default: 30_000,
    },
  },
  kafka: {
    brokers: {
      doc: 'The brokers to ask first. As text: comma separated, or a JSON array.',
      format: 'infakt-kafka.brokers',
      default: null,
      env: 'KAFKA_BROKERS',
    },
    sessionTimeoutMs: {
      doc: 'After how many milliseconds without a sign of life another replica takes over. The brokers set bounds of their own (6000 to 1800000 unless changed).',
      format: 'infakt-kafka.session-timeout',
      default: 10_000,
    },
    ssl: {
      enabled: {
        doc: 'Whether the brokers are spoken to over TLS. Their certificate is always checked.',
        format: 'infakt-kafka.boolean',
        default: false,
      },
      caFile: {
        doc: 'The certificates of the authorities that are trusted, PEM.',
        format: 'infakt-kafka.path',
        default: null,
        nullable: true,
        otherwise: 'those that Node.js trusts',
      },
      certFile: {
        doc: 'The certificate by which this service proves who it is, PEM. Needs `kafka.ssl.keyFile`.',
        format: 'infakt-kafka.path',
        default: null,
        nullable: true,
      },
      keyFile: {
        doc: 'The private key of that certificate, PEM, without a pass phrase.',
        format: 'infakt-kafka.path',
        default: null,
        nullable: true,
        sensitive: true,
      },
    },
    sasl: {
      mechanism: {
        doc: 'How this service signs in. Needs a user name and a password.',
        format: 'infakt-kafka.sasl-mechanism',
        default: null,
        nullable: true,
        otherwise: 'no sign-in',
        env: 'KAFKA_SASL_MECHANISM',
      },
      username: {
        doc: 'The user name to sign in with.',
        format: 'infakt-kafka.text',
        default: null,
        nullable: true,
        env: 'KAFKA_SASL_USERNAME',
      },
      password: {
        doc: 'The password to sign in with. In the file it is accepted with a warning.',
        format: 'infakt-kafka.text',
        default: null,
        nullable: true,
        env: 'KAFKA_SASL_PASSWORD',
        sensitive: true,
      },
      passwordFile: {
        doc: 'A file that holds the password and nothing else; one line break at its end is left out.',
        format: 'infakt-kafka.path',
        default: null,
        nullable: true,
        sensitive: true,
      },
    },
  },
  registry: {
    url: {
      doc: "The base URL of a schema registry that speaks Confluent's API. With it, keys and values are in Confluent's wire format. Decide before the first record: what is published under the one encoding is not published again under the other.",
      format: 'infakt-kafka.http-url',
      default: null,
      nullable: true,
      otherwise: "no registry: Avro's single-object encoding",
      env: 'REGISTRY_URL',
    },
    autoRegister: {
      doc: 'Whether schemas that the registry does not have are registered. If not, they are only looked up.',
      format: 'infakt-kafka.boolean',
      default: false,
    },
    compatibility: {
      doc: 'The rule that is set for each subject that this service creates. A rule that is there already stays, with a warning if it is another.',
      format: 'infakt-kafka.compatibility',
      default: 'BACKWARD_TRANSITIVE',
    },
    username: {
      doc: 'The user name to sign in with.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      otherwise: 'no sign-in',
      env: 'REGISTRY_USERNAME',
    },
    password: {
      doc: 'The password of that user. In the file it is accepted with a warning.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      env: 'REGISTRY_PASSWORD',
      sensitive: true,
    },
    passwordFile: {
      doc: 'A file that holds the password and nothing else; one line break at its end is left out.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    token: {
      doc: 'A bearer token to sign in with, instead of user name and password. In the file it is accepted with a warning.',
      format: 'infakt-kafka.token',
      default: null,
      nullable: true,
      env: 'REGISTRY_TOKEN',
      sensitive: true,
    },
    tokenFile: {
      doc: 'A file that holds the token and nothing else; white space around it is left out.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    caFile: {
      doc: 'The certificates of the authorities that are trusted, PEM.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      otherwise: 'those that Node.js trusts',
    },
    timeoutMs: {
      doc: 'How long one question to the registry may take, further tries included, in milliseconds.',
      format: 'infakt-kafka.timeout',
      default: 10_000,
    },
  },
  topics: {
    prefix: {
      doc: 'What the names of all topics begin with, before a dot. Two services never share one.',
      format: 'infakt-kafka.name',
      default: 'infakt',
      env: 'TOPICS_PREFIX',
    },
    partitions: {
      doc: 'Partitions of each topic of records. Cannot be changed once there are records.',
      format: 'infakt-kafka.partitions',
      default: 6,
    },
    replicationFactor: {
      doc: 'Copies of each topic that is created; -1 = what the brokers have as their own default.',
      format: 'infakt-kafka.replication-factor',
      default: -1,
    },
    create: {
      doc: 'Whether topics that do not exist are created. If not, they are only checked.',
      format: 'infakt-kafka.boolean',
      default: true,
    },
  },
  state: {
    partitions: {
      doc: 'Partitions of the state topic: the shards, so also the largest useful number of replicas. Cannot be changed once there is state.',
      format: 'infakt-kafka.partitions',
      default: 12,
    },
  },
  budget: {
    scope: {
      doc: 'Who shares one IP address, and so its `infakt.requestsPerMinute`: `replica` = each replica has an address of its own; `group` = all replicas have the same, and each takes the part of the requests that its part of the enabled entities comes to.',
      format: 'infakt-kafka.budget-scope',
      default: 'replica',
    },
  },
  schedule: {
    newestSeconds: {
      doc: 'From one look for new documents to the next, in seconds. When there are too few requests for everything, this and the following times grow in proportion. That of corrections, which are few, then counts four times.',
      format: 'infakt-kafka.seconds',
      default: 15,
    },
    clientsNewestSeconds: {
      doc: 'From one look for new clients to the next, in seconds.',
      format: 'infakt-kafka.seconds',
      default: 300,
    },
    openSeconds: {
      doc: 'From the start of one walk over the unpaid documents to the start of the next, in seconds: how fast a payment is seen.',
      format: 'infakt-kafka.seconds',
      default: 300,
    },
    recentSeconds: {
      doc: 'From the start of one walk over the recent documents to the start of the next, in seconds.',
      format: 'infakt-kafka.seconds',
      default: 900,
    },
    recentDays: {
      doc: 'How many days back a document counts as recent.',
      format: 'infakt-kafka.days',
      default: 45,
    },
    sweepSeconds: {
      doc: 'From the start of one complete lap over everything to the start of the next, in seconds; a lap that takes longer is followed at once. Laps take the requests that nothing else needs.',
      format: 'infakt-kafka.seconds',
      default: 600,
    },
    sweepAtLeastHours: {
      doc: 'How long a lap may take, in hours: one that falls behind goes before the other scans, as far as that can be without stopping them.',
      format: 'infakt-kafka.hours',
      default: 6,
    },
  },
  projections: {
    doc: 'Tables made of the lines of each document, published beside it in the same transaction: `invoice-lines`, `corrective-invoice-lines`. One that is switched on publishes the lines of everything in scope once.',
    format: 'infakt-kafka.projections',
    default: [],
  },
  volatileFields: {
    doc: 'Fields that no change is judged by, as `stream.path` (`invoices.services.id`), besides those that each stream declares itself.',
    format: 'infakt-kafka.volatile-fields',
    default: [],
  },
  log: {
    level: {
      doc: 'From which level on is logged.',
      format: 'infakt-kafka.log-level',
      default: 'info',
      env: 'LOG_LEVEL',
    },
  },
};

/** The environment variable that holds an entity's API key. */
export function apiKeyVariable(entity: string): string {
  return `INFAKT_API_KEY_${entity.toUpperCase().replaceAll('-', '_')}`;
}

/** The schema of one entity's file; only the name of the environment variable is the entity's own. */
export function entitySchema(entity: string): Schema<EntityFile> {
  return {
    name: {
      doc: 'A name for people, in logs and messages.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      otherwise: 'the id',
    },
    enabled: {
      doc: 'Whether the entity is read. What was published of it stays when it is switched off.',
      format: 'infakt-kafka.boolean',
      default: true,
    },
    nip: {
      doc: 'The tax number that the account behind the key must have; nothing is published before it was seen to. Dashes, spaces and `PL` do not count.',
      format: 'infakt-kafka.nip',
      default: null,
      nullable: true,
      otherwise: 'not checked',
    },
    api_key: {
      doc: 'The API key of the account. In the file it is accepted with a warning.',
      format: 'infakt-kafka.api-key',
      default: null,
      nullable: true,
      env: apiKeyVariable(entity),
      sensitive: true,
    },
    api_key_file: {
      doc: 'A file that holds the API key and nothing else; white space around it is left out. It may change while the service runs.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    start_date: {
      doc: 'The first invoice date in scope, inclusive; `all` = no lower bound, which alone brings invoices without a date too.',
      format: 'infakt-kafka.start-date',
      default: null,
      nullable: true,
      otherwise: '90 days before the first run, then remembered',
    },
    end_date: {
      doc: 'The last invoice date in scope, inclusive.',
      format: 'infakt-kafka.date',
      default: null,
      nullable: true,
      otherwise: 'no upper bound',
    },
    streams: {
      doc: 'Names of the streams that are read.',
      format: 'infakt-kafka.streams',
      default: null,
      nullable: true,
      otherwise: 'all',
    },
    deletions: {
      maxShare: {
        doc: 'Share of the rows of one stream that may be deleted within 24 hours without a question, ten rows always; more are held back until a person agrees.',
        format: 'infakt-kafka.share',
        default: 0.01,
      },
      confirm: {
        doc: 'Id of a hold on deletions that a person has looked at and agrees to; `state show` and the log tell it. It releases that hold and no other.',
        format: 'infakt-kafka.text',
        default: null,
        nullable: true,
      },
    },
  };
}

/** Tells a key of a file from a section that holds keys. */
export function isSetting(node: Section | Setting<unknown>): node is Setting<unknown> {
  return typeof node['format'] === 'string';
}

/** Every key below a section, with its dots, in the order of the schema. */
export function settingsOf(
  section: Section,
  above = '',
): readonly (readonly [key: string, setting: Setting<unknown>])[] {
  return Object.entries(section).flatMap(([name, node]) =>
    isSetting(node) ? [[above + name, node] as const] : settingsOf(node, `${above}${name}.`),
  );
}
