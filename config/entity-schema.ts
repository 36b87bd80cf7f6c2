import type { Declared, ValuesOf } from './setting';

/** The values of an entity's file as written there, with defaults. */
export type EntityFile = ValuesOf<ReturnType<typeof entitySchema>>;

/** The environment variable that holds an entity's API key. */
export function apiKeyVariable(entity: string): string {
  return `INFAKT_API_KEY_${entity.toUpperCase().replaceAll('-', '_')}`;
}

/** The environment variable that holds the secrets of an entity's webhook. */
export function hookSecretVariable(entity: string): string {
  return `INFAKT_HOOK_SECRET_${entity.toUpperCase().replaceAll('-', '_')}`;
}

const accepted = {
  doc: 'Ids of rows of the stream that a person accepts as they are: dead letters, missing rows that stay pending, and rows that cannot be read, by any id that they may have. They stay listed, and make no sweep incomplete.',
  format: 'infakt-kafka.ids',
  default: [],
} as const;

/** The schema of one entity's file; entities differ only by the name of the environment variable. */
export function entitySchema(entity: string) {
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
      doc: 'The tax number that the account of the key must have, checked before anything is published. Dashes, spaces and `PL` do not count.',
      format: 'infakt-kafka.nip',
      default: null,
      nullable: true,
      otherwise: 'not checked',
    },
    api_key: {
      doc: 'The API key of the account.',
      format: 'infakt-kafka.api-key',
      default: null,
      nullable: true,
      env: apiKeyVariable(entity),
      sensitive: true,
    },
    api_key_file: {
      doc: 'A file that holds only the API key; white space around it is left out. It may change while the service runs.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    hook_secret: {
      doc: 'The secret that inFakt shows for the webhook of the account (`hooks.enabled`); while it is being replaced, the old and the new one with a comma between.',
      format: 'infakt-kafka.hook-secrets',
      default: null,
      nullable: true,
      otherwise: 'no delivery of a webhook is believed',
      env: hookSecretVariable(entity),
      sensitive: true,
    },
    hook_secret_file: {
      doc: 'A file that holds only that secret, or two of them in two lines. It is read again at each delivery.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
    start_date: {
      doc: 'The first invoice date in scope, inclusive; `all` = no lower bound, the only way to read invoices without a date too.',
      format: 'infakt-kafka.start-date',
      default: null,
      nullable: true,
      otherwise: '90 days before the first run, then remembered',
    },
    end_date: {
      doc: 'The last invoice date in scope, inclusive; needs `start_date`.',
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
      otherwise: '`clients`, `invoices` and `corrective-invoices`',
    },
    accept: {
      clients: accepted,
      invoices: accepted,
      'corrective-invoices': accepted,
      'advance-invoices': accepted,
      'final-invoices': accepted,
      'margin-invoices': accepted,
      'oss-invoices': accepted,
      'corrective-oss-invoices': accepted,
    },
    deletions: {
      maxShare: {
        doc: 'Share of the rows of one stream that may be deleted within 24 hours without a question, ten rows always; more are held until a person agrees.',
        format: 'infakt-kafka.share',
        default: 0.01,
      },
      confirm: {
        doc: 'Id of a hold on deletions that a person agrees to, from `state show` or the log. It releases that hold and no other.',
        format: 'infakt-kafka.text',
        default: null,
        nullable: true,
      },
    },
  } as const satisfies Declared;
}
