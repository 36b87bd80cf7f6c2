import { kafkaSchema } from './kafka-schema';
import { operationSchema } from './operation-schema';
import { type Declared, type ValuesOf, withVariables } from './setting';

/** The values of the service file as written there, with defaults. */
export type ServiceFile = ValuesOf<typeof serviceSchema>;

/** The schema of the service file; each key has the environment variable that `withVariables` gives it. */
export const serviceSchema = withVariables({
  service: {
    id: {
      doc: 'The name of this service in the state topic, its consumer group and its transactions. Another id needs another `topics.prefix`, and starts from nothing.',
      format: 'infakt-kafka.name',
      default: 'infakt-kafka',
    },
  },
  infakt: {
    baseUrl: {
      doc: 'Where the API is. The API keys are sent there and to no other host.',
      format: 'infakt-kafka.base-url',
      default: 'https://api.infakt.pl/api/v3',
    },
    requestsPerMinute: {
      doc: 'Requests in any 60 s, of all entities together. inFakt allows 300 for each IP address. 0 = no limit, for a simulator.',
      format: 'infakt-kafka.requests',
      default: 290,
    },
    timeoutMs: {
      doc: 'How long one request may take until its answer is complete.',
      format: 'infakt-kafka.timeout',
      default: 30_000,
    },
  },
  kafka: kafkaSchema,
  registry: {
    url: {
      doc: "The base URL of a schema registry with Confluent's API; keys and values are then in Confluent's wire format. Decide before the first record: the encoding cannot be changed later.",
      format: 'infakt-kafka.http-url',
      default: null,
      nullable: true,
      otherwise: "no registry: Avro's single-object encoding",
    },
    autoRegister: {
      doc: 'Whether schemas that the registry does not have are registered. If not, they are only looked up.',
      format: 'infakt-kafka.boolean',
      default: false,
    },
    compatibility: {
      doc: 'The rule that is set for each subject that this service creates. An existing rule stays, with a warning if it is another.',
      format: 'infakt-kafka.compatibility',
      default: 'BACKWARD_TRANSITIVE',
    },
    username: {
      doc: 'The user name to sign in with.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      otherwise: 'no sign-in',
    },
    password: {
      doc: 'The password of that user.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      sensitive: true,
    },
    passwordFile: {
      doc: 'A file that holds only the password; one line break at its end is left out.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    token: {
      doc: 'A bearer token to sign in with, instead of user name and password.',
      format: 'infakt-kafka.token',
      default: null,
      nullable: true,
      sensitive: true,
    },
    tokenFile: {
      doc: 'A file that holds only the token; white space around it is left out.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    caFile: {
      doc: 'Certificates of the trusted authorities, PEM.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      otherwise: 'those that Node.js trusts',
    },
    timeoutMs: {
      doc: 'How long one question to the registry may take, further tries included.',
      format: 'infakt-kafka.timeout',
      default: 10_000,
    },
  },
  topics: {
    prefix: {
      doc: 'The beginning of the names of all topics, before a dot. Two services never share one.',
      format: 'infakt-kafka.name',
      default: 'infakt',
    },
    partitions: {
      doc: 'Partitions of each topic of records. Cannot be changed once there are records.',
      format: 'infakt-kafka.partitions',
      default: 6,
    },
    replicationFactor: {
      doc: 'Copies of each topic that is created; -1 = the default of the brokers.',
      format: 'infakt-kafka.replication-factor',
      default: -1,
    },
    create: {
      doc: 'Whether missing topics are created. If not, they are only checked.',
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
      doc: 'Who shares one IP address, and so its `infakt.requestsPerMinute`: `replica` = each replica has an address of its own; `group` = all replicas have the same, and each takes the share of the requests that its share of the enabled entities comes to.',
      format: 'infakt-kafka.budget-scope',
      default: 'replica',
    },
  },
  schedule: {
    allowance: {
      doc: 'Part of `infakt.requestsPerMinute` that reading for freshness may use while there is something to gain; a first sweep, `once` and `resync` use all of it.',
      format: 'infakt-kafka.part',
      default: 0.9,
    },
    newestSeconds: {
      doc: 'The longest time from one look for new documents to the next. Like the following times it is a guarantee: requests go where changes are, mostly much sooner, and what is older than its guarantee gets every second request. All guarantees grow in proportion when there are too few requests for them.',
      format: 'infakt-kafka.seconds',
      default: 300,
    },
    correctionsNewestSeconds: {
      doc: 'The longest time from one look for new corrections to the next.',
      format: 'infakt-kafka.seconds',
      default: 1_800,
    },
    clientsNewestSeconds: {
      doc: 'The longest time from one look for new clients to the next.',
      format: 'infakt-kafka.seconds',
      default: 1_800,
    },
    openSeconds: {
      doc: 'The longest time from one walk over the unpaid documents to the next.',
      format: 'infakt-kafka.seconds',
      default: 7_200,
    },
    recentSeconds: {
      doc: 'The longest time from one walk over the recent documents to the next.',
      format: 'infakt-kafka.seconds',
      default: 14_400,
    },
    recentDays: {
      doc: 'How many days back a document counts as recent.',
      format: 'infakt-kafka.days',
      default: 45,
    },
    sweepSeconds: {
      doc: 'The longest time from one sweep over everything to the next.',
      format: 'infakt-kafka.seconds',
      default: 21_600,
    },
    sweepAtLeastHours: {
      doc: 'Has no effect any more: `sweepSeconds` says how old a sweep may be. It is taken with a warning.',
      format: 'infakt-kafka.hours',
      nullable: true,
      default: null,
    },
  },
  ...operationSchema,
  projections: {
    doc: 'Topics beside those of the streams; a list that is given stands for the default, so name `ksef` in it to keep that. `ksef` is the topic of what KSeF says of each document, which costs requests of its own (docs/ksef.md). `invoice-lines` and `corrective-invoice-lines` are topics of lines, published in the transaction of their document; one that is switched on publishes the lines of everything in scope once. `dictionaries` is that of the codes for the ids in documents, read once a day (docs/dictionaries.md).',
    format: 'infakt-kafka.projections',
    default: ['ksef'],
  },
  ksef: {
    from: {
      doc: 'The first day of documents that are asked for what KSeF says of them, where `projections` names `ksef`: those dated before it are left alone.',
      format: 'infakt-kafka.date',
      default: '2026-02-01',
    },
  },
  volatileFields: {
    doc: 'Fields whose change alone publishes nothing, as `stream.path` (`invoices.services.id`), besides those that each stream declares itself.',
    format: 'infakt-kafka.volatile-fields',
    default: [],
  },
  log: {
    level: {
      doc: 'The lowest level that is logged.',
      format: 'infakt-kafka.log-level',
      default: 'info',
    },
    format: {
      doc: 'How the log is written: `text` = lines for people, `json` = an object a line, for programs, `auto` = text on a terminal, JSON otherwise.',
      format: 'infakt-kafka.log-format',
      default: 'auto',
    },
  },
} as const satisfies Declared);
