import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parse, parseAllDocuments } from 'yaml';

import { loadConfig } from '../../config/load';
import { allStreams, projectionNames, usualStreams } from '../../src/sources/streams/all-streams';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { version } = JSON.parse(read('package.json')) as { readonly version: string };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deploy-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Loads a configuration as the program does; throws where it is not accepted. */
function load(service: string, entities: Readonly<Record<string, string>>): ReturnType<typeof loadConfig> {
  writeFileSync(join(folder, 'key'), 'an-api-key');
  writeFileSync(join(folder, 'service.json'), service);
  mkdirSync(join(folder, 'entities'));
  for (const [name, text] of Object.entries(entities))
    writeFileSync(join(folder, 'entities', name), text.replaceAll(/\/run\/secrets\/[\w/]+/g, join(folder, 'key')));
  return loadConfig({
    configFile: join(folder, 'service.json'),
    entitiesDirectory: join(folder, 'entities'),
    env: {},
    knownStreams: allStreams.map(({ name }) => name),
    usualStreams: usualStreams.map(({ name }) => name),
    knownProjections: projectionNames,
  });
}

describe('the image', () => {
  const lines = read('Dockerfile').split('\n');
  const instructions = lines.filter((line) => /^[A-Z]+ /.test(line));

  test('is built on Node 24 and runs what the build made as a user without rights', () => {
    const stages = instructions.filter((line) => line.startsWith('FROM '));
    expect(stages).toEqual(['FROM node:24-slim AS build', 'FROM node:24-slim']);
    const last = instructions.slice(instructions.indexOf('FROM node:24-slim'));
    expect(last).toEqual(expect.arrayContaining(['COPY --from=build /app ./', 'USER node']));
    expect(last.filter((line) => line.startsWith('RUN '))).toEqual([]);
    expect(last.indexOf('USER node')).toBeLessThan(last.findIndex((line) => line.startsWith('ENTRYPOINT ')));
  });

  test('asks the service itself whether it is alive', () => {
    expect(read('Dockerfile')).toMatch(/^HEALTHCHECK .*\\\n +CMD \["node", "-e", ".*\/livez.*"\]$/m);
  });

  test('is built from sources alone: no file that may hold a key, and nothing that the build lacks', () => {
    const patterns = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(patterns[0]).toBe('*');
    const kept = patterns.slice(1);
    expect(kept.filter((pattern) => !pattern.startsWith('!'))).toEqual([]);
    const names = kept.map((pattern) => pattern.slice(1));
    expect(names.filter((name) => !existsSync(join(root, name.replace('/*.ts', ''))))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(['src', 'config/*.ts', 'simulator', 'tools', 'schemas']));
  });
});

describe('compose.yaml', () => {
  interface Service {
    readonly image?: string;
    readonly build?: unknown;
    readonly read_only?: boolean;
    readonly volumes?: readonly string[];
    readonly depends_on?: Readonly<Record<string, unknown>>;
    readonly network_mode?: string;
  }
  const { services } = parse(read('compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  };

  test('has the whole way from the simulator to PostgreSQL, and mounts only what is there', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['connect', 'connectors', 'kafka', 'postgres', 'registry', 'service', 'simulator'].sort(),
    );
    for (const { depends_on = {}, volumes = [] } of Object.values(services)) {
      expect(Object.keys(depends_on).filter((name) => !(name in services))).toEqual([]);
      const mounted = volumes.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':')[0] ?? '');
      expect(mounted.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    }
  });

  test('gives PostgreSQL every file that views.sql includes, at the place from which it is included', () => {
    const folder = '/docker-entrypoint-initdb.d';
    const mounted = (services['postgres']?.volumes ?? []).map((volume) => volume.split(':'));
    const included = [...read('deploy/postgres/views.sql').matchAll(/^\\ir (.+)$/gm)].map(([, path]) => path ?? '');
    expect(included.length).toBeGreaterThan(5);
    for (const path of ['views.sql', ...included]) {
      const places = mounted.filter(
        ([from = '', to = '']) =>
          `./deploy/postgres/${path}`.startsWith(from) &&
          `./deploy/postgres/${path}`.replace(from, to) === `${folder}/${path}`,
      );
      expect({ path, places: places.length }).toEqual({ path, places: 1 });
    }
  });

  test('runs service and simulator from the image, with a root that cannot be written to, and a configuration that is accepted', () => {
    for (const name of ['service', 'simulator']) {
      expect(services[name]).toMatchObject({ image: 'infakt-kafka', read_only: true, cap_drop: ['ALL'] });
    }
    const names = readdirSync(join(root, 'deploy/compose/entities'));
    const entities = Object.fromEntries(names.map((name) => [name, read(`deploy/compose/entities/${name}`)]));
    expect(load(read('deploy/compose/service.json'), entities).config.entities).toHaveLength(3);
  });
});

describe('the unit of systemd', () => {
  const unit = 'deploy/systemd/infakt-kafka.service';

  test('ends for good where a person must set something right, and may write nothing', () => {
    expect(read(unit).split('\n')).toEqual(
      expect.arrayContaining(['RestartPreventExitStatus=2', 'ProtectSystem=strict', 'NoNewPrivileges=yes']),
    );
  });

  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
  (hasSystemd ? test : test.skip)('is accepted by systemd-analyze verify, where that is there', () => {
    // The program and its page are not installed here.
    const text = read(unit)
      .replace(/\/opt\/\S+\/infakt-kafka run/, '/bin/true run')
      .replace(/^Documentation=.*$/m, '');
    const file = join(folder, 'infakt-kafka.service');
    writeFileSync(file, text);
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect({ status, said: stderr + stdout }).toEqual({ status: 0, said: '' });
  });
});

describe('the manifests of Kubernetes', () => {
  interface Manifest {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec?: unknown;
    readonly data?: Readonly<Record<string, string>>;
  }
  const manifests = readdirSync(join(root, 'deploy/kubernetes')).flatMap((file) =>
    parseAllDocuments(read(`deploy/kubernetes/${file}`)).map((document) => {
      expect(document.errors).toEqual([]);
      return document.toJS() as Manifest;
    }),
  );
  const named = (kind: string, name = 'infakt-kafka'): Manifest => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
    if (found === undefined) throw new Error(`expected ${kind} ${name} in deploy/kubernetes, got none`);
    return found;
  };
  interface Pod {
    readonly containers: readonly [
      {
        readonly image: string;
        readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
      },
    ];
    readonly volumes: readonly { readonly name: string }[];
  }
  const { replicas, selector, template } = named('Deployment').spec as {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: unknown };
    readonly template: { readonly metadata: { readonly labels: unknown }; readonly spec: Pod };
  };

  test('are a deployment, its configuration and a disruption budget for the same pods; secrets are only referred to', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'ConfigMap',
      'Deployment',
      'PodDisruptionBudget',
    ]);
    expect(template.metadata.labels).toEqual(selector.matchLabels);
    expect(named('PodDisruptionBudget').spec).toEqual({ maxUnavailable: 1, selector });
    expect(replicas).toBeGreaterThan(1);
    expect(template.spec.volumes).toEqual(
      expect.arrayContaining([
        { name: 'api-keys', secret: { secretName: 'infakt-kafka-api-keys', defaultMode: 0o440 } },
      ]),
    );
  });

  test('run this version as nobody, on a root that cannot be written to, with probes of their own', () => {
    expect(template.spec).toMatchObject({
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    const [container] = template.spec.containers;
    expect(container).toMatchObject({
      image: `infakt-kafka:${version}`,
      ports: [{ name: 'http', containerPort: 8080 }],
      livenessProbe: { httpGet: { path: '/livez', port: 'http' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'http' } },
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
    expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(
      template.spec.volumes.map(({ name }) => name).sort(),
    );
  });

  test('mount a configuration that is accepted, with the keys where the entities look for them', () => {
    const dataOf = (name: string): Readonly<Record<string, string>> => named('ConfigMap', name).data ?? {};
    const entities = dataOf('infakt-kafka-entities');
    const { config, warnings } = load(dataOf('infakt-kafka')['service.json'] ?? '', entities);
    expect({ ids: config.entities.map(({ id }) => id), warnings }).toEqual({ ids: ['alfa'], warnings: [] });
    const paths = template.spec.containers[0].volumeMounts.map(({ mountPath }) => mountPath);
    expect(paths).toEqual(['/etc/infakt-kafka', '/etc/infakt-kafka/entities', '/run/secrets/infakt']);
    expect(entities['alfa.json']).toContain('"/run/secrets/infakt/alfa"');
  });
});
