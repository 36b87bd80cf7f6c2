import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  type Kafka,
  ResourcePatternTypes,
} from 'kafkajs';

import { choosePort, findJava, HOST } from '../../tools/java';
import { javaOptions, kafkaLibrary, startKafka } from '../../tools/kafka';
import { kafkaClient, until, withAdmin } from './kafka';

/** The one user that signs in; on the listener of client certificates it is the common name. */
export const USER = 'books';

const LISTENERS = {
  /** A certificate that is in order, no sign-in. */
  TLS: 'SSL',
  /** The same, and a client certificate is asked for. */
  MUTUAL: 'SSL',
  /** PLAIN and SCRAM-SHA-256 over TLS. */
  SASL: 'SASL_SSL',
  /** SCRAM-SHA-512 over TLS and nothing else. */
  STRONG: 'SASL_SSL',
  /** OAUTHBEARER over TLS, with tokens that nobody has signed. */
  OAUTH: 'SASL_SSL',
  /** A certificate that ended yesterday. */
  EXPIRED: 'SSL',
  /** A certificate of another host. */
  ELSEWHERE: 'SSL',
} as const;
type ListenerName = keyof typeof LISTENERS;

/** What the user may do, as `kafka-acls` takes it. */
export interface Right {
  readonly operation: 'READ' | 'WRITE' | 'CREATE' | 'DESCRIBE_CONFIGS';
  readonly resource: 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID';
  readonly name: string;
  /** Whether it holds for every name that begins so. */
  readonly prefixed?: boolean;
}

/** A broker that lets in whom it knows, and lets each do what it was allowed to. */
export interface SecureKafka {
  /** Open, and allowed everything: for the test itself. */
  readonly bootstrap: string;
  readonly client: Kafka;
  readonly listeners: Readonly<Record<ListenerName, string>>;
  /** Where the certificates and keys are. */
  readonly folder: string;
  /** Of PLAIN and, until changed, of SCRAM. */
  readonly password: string;
  /** Gives the user rights; resolves when they hold. */
  allow(rights: readonly Right[]): Promise<void>;
  /** Takes them away again. */
  withdraw(rights: readonly Right[]): Promise<void>;
  /** Gives the user another password for SCRAM-SHA-256. */
  setPassword(password: string): Promise<void>;
  stop(): Promise<void>;
}

const run = promisify(execFile);

/** Starts a broker with ACLs, TLS, client certificates, SASL PLAIN and SCRAM, each on a listener of its own. */
export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = mkdtempSync(join(tmpdir(), 'secure-kafka-'));
  const password = 'p4ss-0f-the-b00ks';
  const taken = new Set<number>();
  const addresses = new Map<ListenerName, string>();
  const listeners: Record<string, string> = {};
  for (const [name, protocol] of Object.entries(LISTENERS) as [ListenerName, string][]) {
    const port = await choosePort('Kafka', 0, taken);
    taken.add(port);
    addresses.set(name, `${HOST}:${port}`);
    listeners[`${name}://${HOST}:${port}`] = protocol;
  }
  const addressOf = (name: ListenerName): string => addresses.get(name) ?? '';
  try {
    await makeCertificates(folder);
    const kafka = await startKafka({
      listeners,
      scramUsers: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map(
        (mechanism) => `${mechanism}=[name=${USER},iterations=4096,password=${password}]`,
      ),
      overrides: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'false',
        'super.users': 'User:ANONYMOUS',
        'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+).*$/$1/',
        ...certificate(folder, 'broker', ['TLS', 'MUTUAL', 'SASL', 'STRONG', 'OAUTH']),
        ...certificate(folder, 'expired', ['EXPIRED']),
        ...certificate(folder, 'elsewhere', ['ELSEWHERE']),
        'listener.name.mutual.ssl.client.auth': 'required',
        'listener.name.mutual.ssl.truststore.type': 'PEM',
        'listener.name.mutual.ssl.truststore.location': join(folder, 'ca.pem'),
        'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER}="${password}";`,
        'listener.name.sasl.scram-sha-256.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'listener.name.oauth.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.oauth.oauthbearer.sasl.jaas.config':
          'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
        'listener.name.strong.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
        'listener.name.strong.scram-sha-512.sasl.jaas.config':
          'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      },
    });
    const client = kafkaClient({ brokers: [kafka.bootstrap] });
    return {
      bootstrap: kafka.bootstrap,
      client,
      listeners: {
        TLS: addressOf('TLS'),
        MUTUAL: addressOf('MUTUAL'),
        SASL: addressOf('SASL'),
        STRONG: addressOf('STRONG'),
        OAUTH: addressOf('OAUTH'),
        EXPIRED: addressOf('EXPIRED'),
        ELSEWHERE: addressOf('ELSEWHERE'),
      },
      folder,
      password,
      allow: (rights) => setRights(client, rights, true),
      withdraw: (rights) => setRights(client, rights, false),
      setPassword: (next) => alterPassword(kafka.bootstrap, next),
      async stop() {
        await kafka.stop();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

async function setRights(client: Kafka, rights: readonly Right[], given: boolean): Promise<void> {
  const acl = rights.map(entryOf);
  await withAdmin(client, async (admin) => {
    if (given) await admin.createAcls({ acl });
    else await admin.deleteAcls({ filters: acl });
    // The broker learns of it later than the controller that has answered.
    for (const { resourceType, resourceName, resourcePatternType, operation } of acl) {
      await until(
        async () => {
          const filter = { resourceType, resourceName, resourcePatternType, operation };
          const { resources } = await admin.describeAcls({ ...filter, permissionType: AclPermissionTypes.ALLOW });
          return resources.length > 0 === given;
        },
        { what: `the broker to know who may do what with ${resourceName}` },
      );
    }
  });
}

function entryOf({ operation, resource, name, prefixed = false }: Right): AclEntry {
  return {
    principal: `User:${USER}`,
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: AclResourceTypes[resource],
    resourceName: name,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  };
}

function certificate(folder: string, name: string, listeners: readonly ListenerName[]): Record<string, string> {
  return Object.fromEntries(
    listeners.flatMap((listener) => [
      [`listener.name.${listener.toLowerCase()}.ssl.keystore.type`, 'PEM'],
      [`listener.name.${listener.toLowerCase()}.ssl.keystore.location`, join(folder, `${name}.both.pem`)],
    ]),
  );
}

const CA_SETTINGS = `[ca]
default_ca = test
[test]
database = issued
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`;

/** A CA with the certificates of the brokers and of the user, and another CA that signed none of them. */
async function makeCertificates(folder: string): Promise<void> {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const openssl = (...options: readonly string[]) => run('openssl', options, { cwd: folder });
  writeFileSync(join(folder, 'ca.cnf'), CA_SETTINGS);
  writeFileSync(join(folder, 'issued'), '');
  for (const name of ['ca', 'other-ca']) {
    const ends = ['-days', '30', '-subj', `/CN=${name}`];
    await openssl('req', '-x509', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.pem`, ...ends);
  }
  const issue = async (name: string, subject: string, host: string, until = '20991231000000Z'): Promise<void> => {
    const who = ['-subj', `/CN=${subject}`, '-addext', `subjectAltName=${host}`];
    await openssl('req', '-new', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...who);
    const by = ['-batch', '-notext', '-config', 'ca.cnf', '-cert', 'ca.pem', '-keyfile', 'ca.key'];
    const when = ['-startdate', '20200101000000Z', '-enddate', until];
    await openssl('ca', ...by, '-in', `${name}.csr`, '-out', `${name}.pem`, ...when);
    const both = ['key', 'pem'].map((kind) => readFileSync(join(folder, `${name}.${kind}`), 'utf8'));
    writeFileSync(join(folder, `${name}.both.pem`), both.join(''));
  };
  await issue('broker', 'broker', `IP:${HOST}`);
  await issue('expired', 'broker', `IP:${HOST}`, '20200102000000Z');
  await issue('elsewhere', 'broker', 'DNS:kafka.example');
  await issue('client', USER, 'DNS:client.example');
}

/** By Kafka's own tool: kafkajs has no request for it. */
async function alterPassword(bootstrap: string, password: string): Promise<void> {
  const [java, library] = await Promise.all([findJava(), kafkaLibrary()]);
  await run(java, [
    ...javaOptions(library, 128),
    'kafka.admin.ConfigCommand',
    ...['--bootstrap-server', bootstrap, '--alter', '--entity-type', 'users', '--entity-name', USER],
    ...['--add-config', `SCRAM-SHA-256=[iterations=4096,password=${password}]`],
  ]);
}
