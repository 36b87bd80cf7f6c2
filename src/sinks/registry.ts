import {
  defer,
  firstValueFrom,
  map,
  merge,
  type Observable,
  retry,
  Subject as Signal,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { ConfigError, TransientError } from '../errors';
import { createHttp, type HttpAnswer, type HttpRequest, retryAfterOf } from '../http';

/** The rules of Confluent's API for a new version of a schema. */
export type Compatibility =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE';

/** A schema registry, and how far it may be changed. */
export interface RegistrySettings {
  /** Without a slash at its end. */
  readonly url: string;
  /** Null = no sign-in. */
  readonly auth: { readonly username: string; readonly password: string } | { readonly token: string } | null;
  /** The authorities that are trusted, PEM; null = those that Node.js trusts. */
  readonly ca: string | null;
  readonly autoRegister: boolean;
  /** The rule of the subjects that we create. */
  readonly compatibility: Compatibility;
  /** How long one question may take, further tries included. */
  readonly timeoutMs: number;
}

/** A schema under its name in the registry, `<topic>-key` or `<topic>-value`. */
export interface Subject {
  readonly name: string;
  readonly schemaText: string;
}

/** What the registry has of a subject, found without changing it. */
export type Examined = {
  readonly subject: string;
  /** What a person should know of, though nothing is wrong. */
  readonly notes: readonly string[];
} & (
  | { readonly state: 'registered'; readonly id: number }
  | { readonly state: 'to-be-registered' }
  | { readonly state: 'refused'; readonly reason: string }
);

/** The way to a schema registry that speaks Confluent's API. */
export interface Registry {
  /**
   * Ids by the subjects' names; what is not there is registered where that is allowed.
   *
   * One ConfigError names every subject at fault; a TransientError says that the registry could not be used in time.
   */
  readonly resolve: (subjects: readonly Subject[]) => Promise<ReadonlyMap<string, number>>;
  /** What `resolve` would find, subject by subject; changes nothing. */
  readonly examine: (subjects: readonly Subject[]) => Promise<readonly Examined[]>;
  /** The text of the schema with this id. */
  readonly schema: (id: number) => Promise<string>;
  /** Gives up what is under way. */
  readonly close: () => void;
}

export interface RegistryOptions {
  readonly settings: RegistrySettings;
  readonly userAgent: string;
  /** Is told once of each thing that a person should know of, though nothing is wrong. */
  readonly onNote?: (note: string) => void;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
const LONGEST_WAIT_MS = 2_000;
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;
const LONGEST_QUOTE = 1_500;
const HOW_TO_REGISTER = 'register it, or set registry.autoRegister';
const NOT_THERE: ReadonlySet<number> = new Set([40401, 40402, 40403, 40404, 40405, 40406, 40407, 40408]);
const NO_SUBJECT: ReadonlySet<number> = new Set([40401, 40404, 40407]);
/** The codes by which Node.js refuses a certificate, and by which TLS meets something else. */
const TLS_FAULT = /CERT|UNABLE_TO_|INVALID_CA|HOSTNAME_MISMATCH|^ERR_(?:OS)?SSL_|^EPROTO$/;

type Json = Readonly<Record<string, unknown>>;

/** An answer that is about the question, whether yes or no. */
interface Reply {
  readonly status: number;
  /** Confluent's number of the error; undefined where the body names none. */
  readonly code: number | undefined;
  /** Undefined unless the body is a JSON object or array. */
  readonly body: unknown;
  /** The registry's own words, or the shape of the body. */
  readonly words: string;
}

/** The rule that a subject's next version is held against. */
interface Rule {
  readonly level: string;
  readonly own: boolean;
}

/** A subject that can be used, perhaps once it is registered. */
interface Inspected {
  /** Undefined = to be registered. */
  readonly id: number | undefined;
  /** Whether the subject is new too, not only this version of its schema. */
  readonly creates: boolean;
  readonly notes: readonly string[];
}

/** Why one subject cannot be used; the registry itself can. */
class Refused extends Error {}

/** Opens the way to a registry; nothing is sent yet. */
export function createRegistry({ settings, userAgent, onNote = () => undefined }: RegistryOptions): Registry {
  const { url: base, auth, ca, autoRegister, compatibility, timeoutMs } = settings;
  const http = createHttp({
    // One that hangs leaves time for another try.
    timeoutMs: Math.ceil(timeoutMs / 2),
    maxBytes: MAX_ANSWER_BYTES,
    userAgent,
    ...(ca !== null && { ca }),
  });
  const headers = {
    Accept: 'application/vnd.schemaregistry.v1+json, application/json',
    'Content-Type': 'application/vnd.schemaregistry.v1+json',
    ...(auth !== null && { Authorization: authorization(auth) }),
  };
  const closed = new Signal<void>();
  /** By name and text of the subject. */
  const ids = new Map<string, number>();
  const underWay = new Map<string, Promise<ReadonlyMap<string, number>>>();
  const texts = new Map<number, Promise<string>>();
  const told = new Set<string>();

  function tell(notes: readonly string[]): void {
    for (const note of notes) {
      if (!told.has(note)) onNote(note);
      told.add(note);
    }
  }

  /** Asks until there is an answer about the question, or time is up. */
  function ask(method: NonNullable<HttpRequest['method']>, path: string, body?: unknown): Promise<Reply> {
    const url = new URL(`${base}/${path}`);
    const title = `${method} ${url.origin}${url.pathname}`;
    const question = defer(() => {
      const deadline = performance.now() + timeoutMs;
      let last: Error | undefined;
      const request = { method, url: url.href, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
      return http.exchange(request).pipe(
        map((answer) => read(title, answer)),
        retry({
          delay: (error: Error, tries) => {
            last = judge(title, error);
            if (!(last instanceof TransientError)) return fail(last);
            const waitMs = last.retryAfterMs ?? Math.min(LONGEST_WAIT_MS, 100 * 2 ** tries);
            return performance.now() + waitMs < deadline ? timer(waitMs) : fail(last);
          },
        }),
        timeout({
          first: timeoutMs,
          with: () => fail(last ?? new TransientError(`${title} expected an answer in ${timeoutMs} ms, got none`)),
        }),
      );
    });
    const over = closed.pipe(
      map((): Reply => {
        throw new TransientError(`${title} expected to be let finish, got closed`);
      }),
    );
    return firstValueFrom(merge(question, over));
  }

  /** The one place where an answer that is not about the question becomes an error class. */
  function read(title: string, answer: HttpAnswer): Reply {
    const { status, text, contentType } = answer;
    const body = parse(text);
    const shape = `${text.length} characters of ${contentType === '' ? 'no content type' : contentType.slice(0, 50)}`;
    const message = isObject(body) ? body['message'] : undefined;
    const code = isObject(body) ? body['error_code'] : undefined;
    const words = typeof message === 'string' ? quote(message) : shape;
    const got = `got ${status} with ${words}`;
    if (status === 401) throw new ConfigError(`${title} expected ${signIn()}, got 401`, { status, mayPass: true });
    if (status === 408 || status === 429 || status >= 500) {
      const retryAfterMs = retryAfterOf(answer, Date.now) ?? 0;
      throw new TransientError(`${title} expected an answer, ${got}`, {
        status,
        ...(retryAfterMs > 0 && { retryAfterMs: Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) }),
      });
    }
    const about = body !== undefined || status === 403 || status === 404 || status === 405;
    if (status < 200 || (status >= 300 && status < 400) || !about) throw noRegistry(title, status, shape);
    return { status, code: typeof code === 'number' ? code : undefined, body, words };
  }

  function judge(title: string, error: Error): Error {
    if (!(error instanceof TransientError) || !TLS_FAULT.test(error.networkFault ?? '')) return error;
    const trusted = ca === null ? 'an authority that Node.js trusts (or set registry.caFile)' : 'registry.caFile';
    const expected = `a valid certificate for ${new URL(base).hostname}, signed by ${trusted}`;
    return new ConfigError(`${title} expected ${expected}, got ${error.networkFault ?? ''}`, {
      cause: error,
      mayPass: true,
    });
  }

  function signIn(): string {
    if (auth === null) return 'no sign-in (or set registry.username and its password, or registry.token)';
    return 'token' in auth ? 'registry.token to be accepted' : 'registry.username and registry.password to be accepted';
  }

  /** What the registry says, cut where it repeats whole schemas, and without what it may repeat of our headers. */
  function quote(text: string): string {
    const secrets = auth === null ? [] : 'token' in auth ? [auth.token] : [auth.password, authorization(auth).slice(6)];
    const plain = secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text);
    const short = plain.replace(/[,;]? ?\{oldSchema: .*$/s, '').trim();
    return short.length > LONGEST_QUOTE ? `${short.slice(0, LONGEST_QUOTE)}...` : short;
  }

  const pathOf = ({ name }: Subject): string => encodeURIComponent(name);
  const schemaOf = ({ schemaText }: Subject) => ({ schema: schemaText });

  /** The id, or what of it is missing. */
  async function lookUp(subject: Subject): Promise<number | 'no-subject' | 'no-version'> {
    const path = `subjects/${pathOf(subject)}`;
    const reply = await ask('POST', `${path}?normalize=true`, schemaOf(subject));
    if (reply.status === 200) return idOf(`POST ${base}/${path}`, reply);
    if (reply.status === 404 && reply.code !== undefined && NOT_THERE.has(reply.code)) {
      return NO_SUBJECT.has(reply.code) ? 'no-subject' : 'no-version';
    }
    if (reply.status === 404 || reply.status === 405) {
      throw noRegistry(`POST ${base}/${path}`, reply.status, reply.words);
    }
    throw refusal('to be looked up', reply);
  }

  /** Undefined where the registry has, or tells of, no rule. */
  async function ruleOf(subject: Subject): Promise<Rule | undefined> {
    const own = await ownLevel(subject);
    if (own !== undefined) return { level: own, own: true };
    const global = levelOf(await ask('GET', 'config'));
    return global === undefined ? undefined : { level: global, own: false };
  }

  /** What differs, in the registry's words, or null where its rule allows the schema. */
  async function differences(subject: Subject): Promise<string | null> {
    const path = `compatibility/subjects/${pathOf(subject)}/versions`;
    const all = await ask('POST', `${path}?verbose=true`, schemaOf(subject));
    // Older registries compare with one version only.
    const older = all.status === 404 || all.status === 405;
    const reply = older ? await ask('POST', `${path}/latest?verbose=true`, schemaOf(subject)) : all;
    if (reply.status === 404) return null;
    if (reply.status !== 200 || !isObject(reply.body)) throw refusal('to be compared with its versions', reply);
    const { is_compatible: compatible, messages, reason } = reply.body;
    if (compatible !== false) return null;
    const said: readonly unknown[] = Array.isArray(messages) ? messages : [reason];
    const lines = said.map((line) => (typeof line === 'string' ? quote(line) : '')).filter((line) => line !== '');
    return lines.length > 0 ? lines.join('; ') : 'one that is not';
  }

  /** What is to be known of a subject before anything is changed. */
  function inspect(subject: Subject) {
    return orReason(async (): Promise<Inspected> => {
      const found = await lookUp(subject);
      if (found === 'no-subject') {
        if (!autoRegister) throw new Refused(`expected it to be there, got no such subject; ${HOW_TO_REGISTER}`);
        return { id: undefined, creates: true, notes: [] };
      }
      const rule = await ruleOf(subject);
      const notes = notesOn(subject, rule);
      if (typeof found === 'number') return { id: found, creates: false, notes };
      const differs = await differences(subject);
      if (differs !== null) {
        const by = rule === undefined ? 'their rule' : `${rule.level}, ${whose(rule)}`;
        throw new Refused(`expected a schema that is compatible with those registered, by ${by}, got: ${differs}`);
      }
      if (!autoRegister) {
        throw new Refused(`expected this schema to be there, got others (compatible ones); ${HOW_TO_REGISTER}`);
      }
      return { id: undefined, creates: false, notes };
    });
  }

  function notesOn({ name }: Subject, rule: Rule | undefined): readonly string[] {
    const level = rule?.level ?? 'NONE';
    if (level === compatibility) return [];
    const got = rule === undefined ? 'none' : `${rule.level} (${whose(rule)})`;
    const risk = level === 'NONE' ? '; nothing keeps an incompatible schema out' : '';
    return [
      `subject ${name}: expected the compatibility ${compatibility} of registry.compatibility, got ${got}, which is left alone${risk}`,
    ];
  }

  async function register(subject: Subject, creates: boolean): Promise<number> {
    const path = `subjects/${pathOf(subject)}/versions`;
    const bare = creates && (await ownLevel(subject)) === undefined;
    // First, so that no version is ever without it.
    if (bare) await setRule(subject);
    const reply = await ask('POST', `${path}?normalize=true`, schemaOf(subject));
    if (reply.status === 409) {
      // Another writer may have been faster with the same schema.
      const found = await lookUp(subject);
      if (typeof found === 'number') return found;
    }
    if (reply.status !== 200) throw refusal('to be registered', reply);
    // Apicurio Registry forgets a rule that is set before there is a version.
    if (bare && (await ownLevel(subject)) !== compatibility) {
      const { status, words } = await setRule(subject);
      if (status !== 200) {
        const expected = `expected the compatibility ${compatibility} of registry.compatibility to be set`;
        tell([`subject ${subject.name}: ${expected}, got ${status} with ${words}`]);
      }
    } else if (creates && !bare) tell(notesOn(subject, await ruleOf(subject)));
    return idOf(`POST ${base}/${path}`, reply);
  }

  async function ownLevel(subject: Subject): Promise<string | undefined> {
    return levelOf(await ask('GET', `config/${pathOf(subject)}`));
  }

  function setRule(subject: Subject): Promise<Reply> {
    return ask('PUT', `config/${pathOf(subject)}`, { compatibility });
  }

  async function readSchema(id: number): Promise<string> {
    const path = `schemas/ids/${id}`;
    const { status, body, words } = await ask('GET', path);
    const text = isObject(body) ? body['schema'] : undefined;
    if (status === 200 && typeof text === 'string') return text;
    throw new ConfigError(`GET ${base}/${path} expected a schema, got ${status} with ${words}`, { status });
  }

  async function resolveAll(subjects: readonly Subject[]): Promise<ReadonlyMap<string, number>> {
    const faults: string[] = [];
    const absent: { readonly subject: Subject; readonly creates: boolean }[] = [];
    for (const subject of subjects.filter((one) => !ids.has(keyOf(one)))) {
      const inspected = await inspect(subject);
      if ('reason' in inspected) {
        faults.push(`subject ${subject.name}: ${inspected.reason}`);
        continue;
      }
      tell(inspected.notes);
      if (inspected.id === undefined) absent.push({ subject, creates: inspected.creates });
      else ids.set(keyOf(subject), inspected.id);
    }
    // Nothing is changed unless all of it can be.
    if (faults.length === 0) {
      for (const { subject, creates } of absent) {
        const id = await orReason(() => register(subject, creates));
        if (typeof id === 'number') ids.set(keyOf(subject), id);
        else faults.push(`subject ${subject.name}: ${id.reason}`);
      }
    }
    if (faults.length > 0) {
      const count = `${faults.length} of ${subjects.length} subjects`;
      throw new ConfigError([`cannot use ${count} of the schema registry at ${base}:`, ...faults].join('\n'), {
        mayPass: true,
      });
    }
    return new Map(subjects.map((subject) => [subject.name, ids.get(keyOf(subject)) ?? 0]));
  }

  return {
    resolve: (subjects) => {
      const key = subjects.map(keyOf).join('\n');
      const begun = underWay.get(key);
      if (begun !== undefined) return begun;
      const resolved = resolveAll(subjects).finally(() => underWay.delete(key));
      underWay.set(key, resolved);
      return resolved;
    },
    examine: async (subjects) => {
      const examined: Examined[] = [];
      for (const subject of subjects) {
        const { name } = subject;
        const inspected = await inspect(subject);
        if ('reason' in inspected) {
          examined.push({ subject: name, notes: [], state: 'refused', reason: inspected.reason });
        } else {
          const { id, notes } = inspected;
          const state =
            id === undefined ? ({ state: 'to-be-registered' } as const) : ({ state: 'registered', id } as const);
          examined.push({ subject: name, notes, ...state });
        }
      }
      return examined;
    },
    schema: (id) => {
      const known = texts.get(id);
      if (known !== undefined) return known;
      const text = readSchema(id);
      texts.set(id, text);
      text.catch(() => texts.delete(id));
      return text;
    },
    close: () => {
      closed.next();
      http.close();
    },
  };
}

function authorization(auth: NonNullable<RegistrySettings['auth']>): string {
  if ('token' in auth) return `Bearer ${auth.token}`;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

function fail(error: Error): Observable<never> {
  return throwError(() => error);
}

function keyOf({ name, schemaText }: Subject): string {
  return JSON.stringify([name, schemaText]);
}

function noRegistry(title: string, status: number, words: string): ConfigError {
  return new ConfigError(
    `${title} expected the answer of a schema registry at registry.url, got ${status} with ${words}`,
    {
      status,
    },
  );
}

function refusal(expected: string, { status, words }: Reply): Refused {
  const right = status === 403 ? 'the right ' : '';
  return new Refused(`expected ${right}${expected}, got ${status} with ${words}`);
}

/** What a refused subject comes to; any other failure passes. */
async function orReason<T>(attempt: () => Promise<T>): Promise<T | { readonly reason: string }> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message };
    throw error;
  }
}

function idOf(title: string, { status, body, words }: Reply): number {
  const id = isObject(body) ? body['id'] : undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 31) return id;
  throw noRegistry(title, status, words);
}

function levelOf({ status, body }: Reply): string | undefined {
  if (status !== 200 || !isObject(body)) return undefined;
  // Some say it as they are told it.
  const level = body['compatibilityLevel'] ?? body['compatibility'];
  return typeof level === 'string' ? level.toUpperCase() : undefined;
}

function whose({ own }: Rule): string {
  return own ? "the subject's own rule" : 'the rule for all subjects';
}

/** An object or array, or undefined. */
function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
