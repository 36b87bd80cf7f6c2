import type {
  AlertsConfig,
  ConfigSources,
  Environment,
  HttpConfig,
  ProxyConfig,
  RegistryConfig,
  ServiceConfig,
  TlsConfig,
} from './config';
import { nothing, type Fault, type Findings } from './findings';
import { baseUrlOf, formats, httpUrlOf, isLoopback } from './formats';
import { loadProxies } from './proxies';
import { loadSasl } from './sasl';
import { serviceSchema, type ServiceFile } from './schema';
import { fileInUse, loadPem, loadSecret, trimAll, trimLineBreak } from './secret-files';
import { loadSheet, type Sheet } from './sheet';

/** Reads and checks the service file; null = it holds no JSON object. Faults and warnings are added to the findings. */
export function loadService(
  file: string,
  env: Environment,
  { knownStreams, knownProjections }: Pick<ConfigSources, 'knownStreams' | 'knownProjections'>,
  findings: Findings,
): ServiceConfig | null {
  const sheet = loadSheet<ServiceFile>(file, serviceSchema, env, findings);
  if (sheet === null) return null;
  const { values, faulty } = sheet;
  const { infakt, kafka, volatileFields } = values;

  const unknownPaths = faulty.has('volatileFields')
    ? []
    : volatileFields.filter((path) => !knownStreams.some((stream) => path.startsWith(`${stream}.`)));
  if (unknownPaths.length > 0) {
    const expected = `paths that begin with a stream's name and a dot (${knownStreams.join(', ')})`;
    findings.faults.push({ file, key: 'volatileFields', expected, got: { value: unknownPaths } });
  }
  const unknownProjections = faulty.has('projections')
    ? []
    : values.projections.filter((projection) => !knownProjections.includes(projection));
  if (unknownProjections.length > 0) {
    const expected = `projections that exist (${knownProjections.join(', ')})`;
    findings.faults.push({ file, key: 'projections', expected, got: { value: unknownProjections } });
  }
  const baseUrl = baseUrlOf(infakt.baseUrl);
  const { requestsPerMinute: requests } = infakt;
  if (baseUrl?.startsWith('https://api.infakt.pl/') === true && (requests === 0 || requests > 300)) {
    const allowed = requests === 0 ? 'any number' : String(requests);
    findings.warnings.push(
      `${file}: infakt.requestsPerMinute: inFakt answers no more than 300 requests in 60 s, this allows ${allowed}`,
    );
  }
  if (values.schedule.sweepAtLeastHours !== null && !faulty.has('schedule.sweepAtLeastHours')) {
    findings.warnings.push(
      `${file}: schedule.sweepAtLeastHours has no effect any more: schedule.sweepSeconds says how old a sweep may be`,
    );
  }
  if (values.hooks.enabled && values.http.port === 0 && !faulty.has('http.port'))
    findings.warnings.push(`${file}: hooks.enabled: no webhook can come, as http.port is 0`);
  const ssl = loadTls(sheet, env, findings);
  const sasl = loadSasl(sheet, env, findings);
  const shown =
    sasl === null || sasl.mechanism.startsWith('scram') ? null : sasl.mechanism === 'plain' ? 'password' : 'token';
  if (shown !== null && !ssl.enabled && !faulty.has('kafka.brokers')) {
    const remote = kafka.brokers.find((broker) => !isLoopback(broker.replace(/:\d+$/, '')));
    if (remote !== undefined) {
      findings.warnings.push(`${file}: kafka.sasl: without kafka.ssl the ${shown} goes to ${remote} in the clear`);
    }
  }
  const proxies = loadProxies(env, findings);
  return {
    ...values,
    infakt: { ...infakt, baseUrl: baseUrl ?? infakt.baseUrl },
    kafka: {
      brokers: kafka.brokers,
      sessionTimeoutMs: kafka.sessionTimeoutMs,
      compression: kafka.compression,
      ssl,
      sasl,
    },
    registry: loadRegistry(sheet, env, proxies, findings),
    proxies,
    http: loadHttp(sheet, env, findings),
    alerts: loadAlerts(sheet, env, findings),
  };
}

function loadHttp(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): HttpConfig {
  const { file, values, faulty } = sheet;
  const { port, host } = values.http;
  const token = loadSecret(
    sheet,
    {
      key: 'http.token',
      fileKey: 'http.tokenFile',
      variable: 'HTTP_TOKEN',
      format: formats['infakt-kafka.token'],
    },
    env,
    trimAll,
    findings,
  );
  const isOpen = port !== 0 && token === null && !faulty.has('http.host') && !isLoopback(host) && host !== '::1';
  if (isOpen)
    findings.warnings.push(
      `${file}: http.host: without http.token whoever reaches ${host}:${port} may read how every company is read`,
    );
  return { port, host, token: token ?? null, tokenFile: fileInUse(sheet, 'http.tokenFile', env, 'HTTP_TOKEN') };
}

function loadAlerts(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): AlertsConfig {
  const variable = 'ALERTS_URL';
  const format = formats['infakt-kafka.hook'];
  const keys = { key: 'alerts.url', fileKey: 'alerts.urlFile', variable, format };
  const url = loadSecret(sheet, keys, env, trimAll, findings);
  return { url: url ?? null, urlFile: fileInUse(sheet, 'alerts.urlFile', env, variable) };
}

function loadTls(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): TlsConfig {
  const { file, values, faulty } = sheet;
  const { enabled, ...files } = values.kafka.ssl;
  const fault = (key: string, expected: string, got: string): void => {
    findings.faults.push({ file, key: `kafka.ssl.${key}`, expected, got: { words: got } });
  };
  const [first] = Object.entries(files).flatMap(([key, path]) => (path === null ? [] : [key]));
  if (!enabled && !faulty.has('kafka.ssl.enabled') && first !== undefined) {
    fault('enabled', `true, as kafka.ssl.${first} is given`, 'false');
  }
  if (files.certFile !== null && files.keyFile === null) fault('keyFile', 'the key of kafka.ssl.certFile', 'nothing');
  if (files.keyFile !== null && files.certFile === null) {
    fault('certFile', 'the certificate of kafka.ssl.keyFile', 'nothing');
  }
  const pem = (key: keyof typeof files): string | null => loadPem(sheet, `kafka.ssl.${key}`, findings);
  const key = pem('keyFile');
  if (key !== null) findings.secrets.add(key);
  const inUse = (name: keyof typeof files): string | null => fileInUse(sheet, `kafka.ssl.${name}`, env, null);
  return {
    enabled,
    ca: pem('caFile'),
    cert: pem('certFile'),
    key,
    files: { ca: inUse('caFile'), cert: inUse('certFile'), key: inUse('keyFile') },
  };
}

function loadRegistry(
  sheet: Sheet<ServiceFile>,
  env: Environment,
  proxies: ProxyConfig,
  findings: Findings,
): RegistryConfig | null {
  const { file, values, faulty } = sheet;
  const { url: given, autoRegister, compatibility, username, caFile, timeoutMs } = values.registry;
  const fault = (key: string, expected: string, got: Fault['got'] = nothing): void => {
    findings.faults.push({ file, key: `registry.${key}`, expected, got });
  };
  const password = loadSecret(
    sheet,
    {
      key: 'registry.password',
      fileKey: 'registry.passwordFile',
      variable: 'REGISTRY_PASSWORD',
      format: formats['infakt-kafka.text'],
    },
    env,
    trimLineBreak,
    findings,
  );
  const token = loadSecret(
    sheet,
    {
      key: 'registry.token',
      fileKey: 'registry.tokenFile',
      variable: 'REGISTRY_TOKEN',
      format: formats['infakt-kafka.token'],
    },
    env,
    trimAll,
    findings,
  );
  const ca = loadPem(sheet, 'registry.caFile', findings);
  const url = httpUrlOf(given);
  const secure = url?.startsWith('https:') === true;
  if (url !== null && !secure && caFile !== null) {
    fault('url', 'an https:// URL, as registry.caFile is given', { value: given });
  }
  if ([...faulty].some((key) => key.startsWith('registry.')) || password === undefined || token === undefined) {
    return null;
  }
  if (url === null) {
    const without = { autoRegister: autoRegister ? true : null, username, password, token, caFile };
    const [first] = Object.entries(without).flatMap(([key, value]) => (value === null ? [] : [key]));
    if (first !== undefined) fault('url', `one, as registry.${first} is given`);
    return null;
  }
  if (username !== null && password === null) fault('password', 'one, as registry.username is given');
  if (password !== null && username === null) fault('username', 'one, as registry.password is given');
  if (token !== null && (username !== null || password !== null)) {
    const other = username === null ? 'password' : 'username';
    fault('token', `either registry.${other} or registry.token`, { words: 'both' });
  }
  const basic = username === null || password === null ? null : { username, password };
  const auth = token === null ? basic : { token };
  const { hostname, host } = new URL(url);
  if (auth !== null && !secure && !isLoopback(hostname)) {
    const what = 'token' in auth ? 'token' : 'password';
    findings.warnings.push(`${file}: registry.url: without https the ${what} goes to ${host} in the clear`);
  }
  const files = {
    auth:
      token === null
        ? fileInUse(sheet, 'registry.passwordFile', env, 'REGISTRY_PASSWORD')
        : fileInUse(sheet, 'registry.tokenFile', env, 'REGISTRY_TOKEN'),
    ca: fileInUse(sheet, 'registry.caFile', env, null),
  };
  return { url, auth, ca, autoRegister, compatibility, timeoutMs, files, proxies };
}
