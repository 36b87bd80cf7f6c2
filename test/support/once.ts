import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from '../../src/main';
import { onceCommand } from '../../src/commands/once';
import { exitCodeFor } from '../../src/errors';
import type { Patience } from '../../src/service/patience';
import type { ServiceOptions } from '../../src/service/run-context';
import type { Io } from '../../src/commands/io';
import { brokers, cleanUp, uniqueName, withAdmin, kafkaClient } from './kafka';

/** Waits short enough for tests; the real ones are in `usualPatience`. */
export const impatient: Patience = {
  parkMs: () => 20,
  reopenMs: () => 50,
  reopenTries: 8,
  confirmMs: 20_000,
  stopMs: 10_000,
  commitMs: 10_000,
  restoreMs: 20_000,
  topicsMs: 1_000,
  entitiesMs: 100,
  idleCommitMs: 100,
  absentForMs: 0,
  ksefReadAfterMs: [50, 200, 500, 1_000, 2_000],
  dictionaries: { everyMs: 500, spreadMs: 0, absentForMs: 0 },
  retry: { attempts: 3, waitMs: () => 5, secondOpinionMs: 5 },
};

/** A stream's line in the result of `once --json`. */
export interface StreamResult {
  readonly entity: string;
  readonly stream: string;
  readonly requests: number;
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly unchanged: number;
  readonly dead_letters: number;
  readonly complete: boolean;
  readonly reason: string | null;
}

/** What one run of the program came to. */
export interface RunResult {
  readonly code: number;
  /** By `entity stream`. */
  readonly streams: Readonly<Record<string, StreamResult>>;
  readonly complete: boolean;
  readonly stdout: string;
  /** Logs, one JSON object each, and other text. */
  readonly stderr: string;
  readonly logs: readonly Readonly<Record<string, unknown>>[];
}

/** A service of its own: its configuration in a temporary folder, its topics under a unique prefix, both removed after the test. */
export interface TestService {
  readonly prefix: string;
  readonly folder: string;
  /** Command-line options that name the configuration. */
  readonly options: readonly string[];
  /** Full name of one of its topics. */
  topic(name: string): string;
  /** Writes (again) the service file and the entities' files. */
  configure(changes: ServiceSetting): void;
  /** `once --json` with short waits. */
  once(how?: {
    readonly patience?: Partial<Patience>;
    readonly stop?: Io['stop'];
    readonly args?: readonly string[];
    readonly outside?: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>>;
  }): Promise<RunResult>;
  /** Any command line, without the options that name the configuration. */
  command(argv: readonly string[]): Promise<Omit<RunResult, 'streams' | 'complete'>>;
}

/** What a test sets of the configuration. */
export interface ServiceSetting {
  /** Base URL of the API, without the path. */
  readonly url: string;
  /** Content of each entity's file, by its id; `api_key` included. */
  readonly entities: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Merged into the service file, section by section. */
  readonly service?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Of the service file. */
  readonly projections?: readonly string[];
}

/** Makes a service for the test at hand. */
export function testService(setting: ServiceSetting): TestService {
  const prefix = uniqueName('t');
  const folder = mkdtempSync(join(tmpdir(), 'infakt-kafka-'));
  const entitiesFolder = join(folder, 'entities');
  mkdirSync(entitiesFolder);
  const options = ['--config', join(folder, 'service.json'), '--entities', entitiesFolder];

  const configure = ({ url, entities, service = {}, projections = [] }: ServiceSetting): void => {
    rmSync(entitiesFolder, { recursive: true });
    mkdirSync(entitiesFolder);
    for (const [id, entity] of Object.entries(entities)) {
      writeFileSync(join(entitiesFolder, `${id}.json`), JSON.stringify({ start_date: 'all', ...entity }));
    }
    const file: Record<string, Readonly<Record<string, unknown>>> = {
      service: { id: prefix },
      infakt: { baseUrl: `${url}/api/v3`, requestsPerMinute: 0, timeoutMs: 30_000 },
      kafka: { brokers: brokers(), sessionTimeoutMs: 6_000 },
      topics: { prefix, partitions: 3, replicationFactor: 1 },
      state: { partitions: 2 },
      // Several runs share this machine.
      http: { port: 0 },
    };
    for (const [section, values] of Object.entries(service)) file[section] = { ...file[section], ...values };
    writeFileSync(join(folder, 'service.json'), JSON.stringify({ ...file, projections }));
  };
  configure(setting);
  cleanUp(async () => {
    rmSync(folder, { recursive: true });
    await withAdmin(kafkaClient(), async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
  });

  const capture = (stop: Io['stop']): { readonly io: Io; readonly out: { stdout: string; stderr: string } } => {
    const out = { stdout: '', stderr: '' };
    const io: Io = {
      stdout: (text) => void (out.stdout += text),
      stderr: (text) => void (out.stderr += text),
      columns: null,
      env: {},
      stop,
      version: '0.0.0-test',
      replica: 'here',
    };
    return { io, out };
  };
  return {
    prefix,
    folder,
    options,
    topic: (name) => `${prefix}.${name}`,
    configure,
    async once({ patience = {}, stop = new AbortController().signal, args = [], outside = {} } = {}) {
      const { io, out } = capture(stop);
      let code: number;
      try {
        code = await onceCommand({ ...impatient, ...patience }, outside)([...options, '--json', ...args], io);
      } catch (error) {
        code = exitCodeFor(error);
        io.stderr(
          `${error instanceof Error ? (code === 1 ? (error.stack ?? error.message) : error.message) : String(error)}\n`,
        );
      }
      const result =
        out.stdout === ''
          ? { complete: false, streams: [] }
          : (JSON.parse(out.stdout) as { complete: boolean; streams: StreamResult[] });
      return {
        code,
        ...out,
        logs: logsOf(out.stderr),
        complete: result.complete,
        streams: Object.fromEntries(result.streams.map((stream) => [`${stream.entity} ${stream.stream}`, stream])),
      };
    },
    async command(argv) {
      const { io, out } = capture(new AbortController().signal);
      const code = await run([...argv, ...options], io);
      return { code, ...out, logs: logsOf(out.stderr) };
    },
  };
}

function logsOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
