import type { Declared } from './setting';

/** The section `kafka` of the service file. */
export const kafkaSchema = {
  brokers: {
    doc: 'The brokers to ask first.',
    format: 'infakt-kafka.brokers',
    default: null,
  },
  sessionTimeoutMs: {
    doc: 'Another replica takes over after so long without a sign of life. The brokers have bounds of their own (6000 to 1800000 unless changed).',
    format: 'infakt-kafka.session-timeout',
    default: 10_000,
  },
  compression: {
    doc: 'Compression of the data topics; the state topic is never compressed. `gzip` makes an invoice of 730 bytes one of 150, and costs 5 to 12 ms of processor time for 1000 records, beside 24 to 29 ms for sending them.',
    format: 'infakt-kafka.compression',
    default: 'none',
  },
  ssl: {
    enabled: {
      doc: 'Whether the brokers are reached over TLS. Their certificate is always checked.',
      format: 'infakt-kafka.boolean',
      default: false,
    },
    caFile: {
      doc: 'Certificates of the trusted authorities, PEM.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      otherwise: 'those that Node.js trusts',
    },
    certFile: {
      doc: 'The client certificate, PEM. Needs `kafka.ssl.keyFile`.',
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
      doc: 'How this service signs in. `plain` and `scram-sha-...` need a user name and a password; `oauthbearer` a token URL, a client id and its secret; `aws-msk-iam` credentials of AWS, and the package `aws-msk-iam-sasl-signer-js`.',
      format: 'infakt-kafka.sasl-mechanism',
      default: null,
      nullable: true,
      otherwise: 'no sign-in',
    },
    username: {
      doc: 'The user name to sign in with.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
    },
    password: {
      doc: 'The password to sign in with.',
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
    tokenUrl: {
      doc: 'Where `oauthbearer` asks for tokens, by the grant of client credentials (OAuth 2.0). A token is renewed before it ends.',
      format: 'infakt-kafka.base-url',
      default: null,
      nullable: true,
    },
    clientId: {
      doc: 'The client id to ask for tokens with.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
    },
    clientSecret: {
      doc: 'The secret of that client.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
      sensitive: true,
    },
    clientSecretFile: {
      doc: 'A file that holds only that secret; one line break at its end is left out.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    scope: {
      doc: 'The scope to ask for, where the endpoint wants one.',
      format: 'infakt-kafka.text',
      default: null,
      nullable: true,
    },
    region: {
      doc: 'The region of the cluster, for `aws-msk-iam`.',
      format: 'infakt-kafka.region',
      default: null,
      nullable: true,
      otherwise: 'that in the names of `kafka.brokers`',
    },
  },
} as const satisfies Declared;
