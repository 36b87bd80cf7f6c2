import type { Environment, SaslConfig } from './config';
import { nothing, type Findings } from './findings';
import { formats } from './formats';
import type { ServiceFile } from './schema';
import { fileInUse, loadSecret, trimLineBreak } from './secret-files';
import type { Sheet } from './sheet';

type Mechanism = NonNullable<ServiceFile['kafka']['sasl']['mechanism']>;
type Part = 'username' | 'password' | 'tokenUrl' | 'clientId' | 'clientSecret' | 'scope' | 'region';

const PASSWORD = { needs: ['username', 'password'], takes: [] } as const;
/** What each mechanism must have and may have; whatever else is given is a mistake. */
const MECHANISMS: Readonly<Record<Mechanism, { readonly needs: readonly Part[]; readonly takes: readonly Part[] }>> = {
  plain: PASSWORD,
  'scram-sha-256': PASSWORD,
  'scram-sha-512': PASSWORD,
  oauthbearer: { needs: ['tokenUrl', 'clientId', 'clientSecret'], takes: ['scope'] },
  'aws-msk-iam': { needs: [], takes: ['region'] },
};
/** The names that Amazon gives to brokers. */
const MSK_BROKER = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?:\d+$/;

/** How the service signs in to the brokers; null = it does not, or cannot, and the reason is among the faults. */
export function loadSasl(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): SaslConfig | null {
  const { file, values, faulty } = sheet;
  const { mechanism, username, tokenUrl, clientId, scope, region } = values.kafka.sasl;
  const secret = (name: 'password' | 'clientSecret', variable: string): string | null | undefined => {
    const key = `kafka.sasl.${name}`;
    const where = { key, fileKey: `${key}File`, variable, format: formats['infakt-kafka.text'] };
    return loadSecret(sheet, where, env, trimLineBreak, findings);
  };
  const password = secret('password', 'KAFKA_SASL_PASSWORD');
  const clientSecret = secret('clientSecret', 'KAFKA_SASL_CLIENT_SECRET');
  if (password === undefined || clientSecret === undefined) return null;
  if ([...faulty].some((key) => key.startsWith('kafka.sasl.'))) return null;

  const parts: Readonly<Record<Part, string | null>> = {
    username,
    password,
    tokenUrl,
    clientId,
    clientSecret,
    scope,
    region,
  };
  const given = (Object.keys(parts) as Part[]).filter((part) => parts[part] !== null);
  const fault = (key: string, expected: string, words = nothing.words): void => {
    findings.faults.push({ file, key: `kafka.sasl.${key}`, expected, got: { words } });
  };
  if (mechanism === null) {
    if (given[0] !== undefined) fault('mechanism', `one, as kafka.sasl.${given[0]} is given`);
    return null;
  }
  const { needs, takes } = MECHANISMS[mechanism];
  const missing = needs.filter((part) => parts[part] === null);
  const surplus = given.filter((part) => !needs.includes(part) && !takes.includes(part));
  for (const part of missing) fault(part, `one, as kafka.sasl.mechanism is ${mechanism}`);
  for (const part of surplus) fault(part, `none, as kafka.sasl.mechanism is ${mechanism}`, 'one');
  if (missing.length + surplus.length > 0) return null;

  const fileOf = (name: 'password' | 'clientSecret', variable: string): string | null =>
    fileInUse(sheet, `kafka.sasl.${name}File`, env, variable);
  if (mechanism === 'oauthbearer') {
    const clientSecretFile = fileOf('clientSecret', 'KAFKA_SASL_CLIENT_SECRET');
    return {
      mechanism,
      tokenUrl: tokenUrl ?? '',
      clientId: clientId ?? '',
      clientSecret: clientSecret ?? '',
      scope,
      clientSecretFile,
    };
  }
  if (mechanism === 'aws-msk-iam') {
    const told = region ?? values.kafka.brokers.flatMap((broker) => MSK_BROKER.exec(broker)?.[1] ?? [])[0];
    if (told !== undefined) return { mechanism, region: told };
    fault('region', 'the region of the cluster, as no name in kafka.brokers has one');
    return null;
  }
  const passwordFile = fileOf('password', 'KAFKA_SASL_PASSWORD');
  return { mechanism, username: username ?? '', password: password ?? '', passwordFile };
}
