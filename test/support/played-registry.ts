import { ConfigError, TransientError } from '../../src/errors';
import { createRegistry, type Registry, type RegistrySettings } from '../../src/sinks/registry';
import type { SubjectSchema } from '../../src/sinks/registry-subjects';
import { type HttpServer, json, type Reaction, startHttpServer } from './http-server';

export const SCHEMA = '{ "type": "record", "name": "A", "fields": [ { "name": "id", "type": "long" } ] }';
export const KEY: SubjectSchema = { name: 'infakt.a-key', schemaText: '"long"' };
export const VALUE: SubjectSchema = { name: 'infakt.a-value', schemaText: SCHEMA };

export const noSubject = json(404, { error_code: 40401, message: "Subject 'infakt.a-value' not found." });
export const noVersion = json(404, { error_code: 40403, message: 'Schema not found' });
export const noRule = json(404, {
  error_code: 40408,
  message: "Subject 'infakt.a-value' does not have compatibility set",
});
export const found = json(200, { subject: 'infakt.a-value', version: 1, id: 7, schema: SCHEMA });
export const compatible = json(200, { is_compatible: true, messages: [] });
export const unavailable = json(503, { error_code: 50003, message: 'Error while forwarding the request' });
export const rule = (level: string): Reaction => json(200, { compatibilityLevel: level });

/** A question as the registry saw it. */
export interface RegistryQuestion {
  /** Method and path. */
  readonly what: string;
  readonly query: string;
  readonly body: unknown;
}

/** A registry played by a real HTTP server, and clients of it that end with each test. */
export interface PlayedRegistry {
  readonly server: () => HttpServer;
  readonly asked: () => readonly RegistryQuestion[];
  readonly whatWasAsked: () => readonly string[];
  readonly notes: () => readonly string[];
  readonly open: (settings?: Partial<RegistrySettings>) => Registry;
  /** Lets the server play a registry: by method and path, one answer after the other, the last one for ever. */
  readonly play: (answers: Readonly<Record<string, Reaction | readonly [Reaction, ...Reaction[]]>>) => void;
  readonly failureOf: (promise: Promise<unknown>) => Promise<ConfigError | TransientError>;
  /** The message of the ConfigError that the promise fails with, the server's address as `http://registry`. */
  readonly refusalOf: (promise: Promise<unknown>) => Promise<string>;
}

/** Starts a new registry before each test of the file and stops it afterwards. */
export function playedRegistry(): PlayedRegistry {
  let server: HttpServer;
  let asked: RegistryQuestion[] = [];
  let notes: string[] = [];
  let opened: Registry[] = [];

  beforeEach(async () => {
    server = await startHttpServer();
    asked = [];
    notes = [];
  });

  afterEach(async () => {
    for (const registry of opened) registry.close();
    opened = [];
    await server.close();
  });

  function open(settings: Partial<RegistrySettings> = {}): Registry {
    const registry = createRegistry({
      settings: {
        url: `${server.url}/sr`,
        auth: null,
        ca: null,
        autoRegister: false,
        compatibility: 'BACKWARD_TRANSITIVE',
        timeoutMs: 5_000,
        ...settings,
      },
      userAgent: 'infakt-kafka/test',
      onNote: (note) => notes.push(note),
    });
    opened.push(registry);
    return registry;
  }

  function play(answers: Readonly<Record<string, Reaction | readonly [Reaction, ...Reaction[]]>>): void {
    const given = new Map<string, number>();
    server.react((request, response) => {
      const url = new URL(request.url ?? '', server.url);
      const what = `${request.method ?? ''} ${url.pathname.replace(/^\/sr\//, '')}`;
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (part: string) => (text += part));
      request.on('end', () => {
        asked.push({ what, query: url.search, body: text === '' ? undefined : JSON.parse(text) });
        const times = given.get(what) ?? 0;
        given.set(what, times + 1);
        const script = answers[what] ?? json(404, { error_code: 404, message: 'HTTP 404 Not Found' });
        const reaction = typeof script === 'function' ? script : (script[times] ?? script.at(-1));
        reaction?.(request, response);
      });
    });
  }

  async function failureOf(promise: Promise<unknown>): Promise<ConfigError | TransientError> {
    const error: unknown = await promise.then(
      () => new Error('expected a failure, got an answer'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof ConfigError || error instanceof TransientError)) throw error;
    return error;
  }

  async function refusalOf(promise: Promise<unknown>): Promise<string> {
    const error = await failureOf(promise);
    expect(error).toBeInstanceOf(ConfigError);
    return error.message.replaceAll(server.url, 'http://registry');
  }

  return {
    server: () => server,
    asked: () => asked,
    whatWasAsked: () => asked.map(({ what }) => what),
    notes: () => notes,
    open,
    play,
    failureOf,
    refusalOf,
  };
}
