import { ConfigError } from '../errors';
import { isObject } from '../json';
import { noRegistry, type RegistryReply, type RegistryRequests } from './registry-requests';

/** A schema under its name in the registry, `<topic>-key` or `<topic>-value`. */
export interface SubjectSchema {
  readonly name: string;
  readonly schemaText: string;
  /** Released schemas that the subject goes on with if the registry has one of them, as another schema has another id; none unless given. */
  readonly formerTexts?: readonly string[];
}

/** How far the registry may be changed. */
export interface SubjectSettings {
  /** The registry's address, to be named in errors. */
  readonly url: string;
  readonly autoRegister: boolean;
  /** The rule of the subjects that we create. */
  readonly compatibility: string;
}

/** A subject that can be used, perhaps once it is registered. */
export interface InspectedSubject {
  /** Undefined = to be registered. */
  readonly id: number | undefined;
  /** Whether the subject is new too, not only this version of its schema. */
  readonly creates: boolean;
  /** What a person should know of, though nothing is wrong. */
  readonly notes: readonly string[];
}

/** Why one subject cannot be used; the registry itself can. */
export interface SubjectRefusal {
  readonly reason: string;
}

/** The subjects of one registry. */
export interface RegistrySubjects {
  /** Finds what the registry has of a subject, and changes nothing. */
  readonly inspect: (subject: SubjectSchema) => Promise<InspectedSubject | SubjectRefusal>;
  /** Registers a version of a subject's schema, and gives a new subject its rule; resolves with the schema's id. */
  readonly register: (subject: SubjectSchema, creates: boolean) => Promise<number | SubjectRefusal>;
}

/** The rule that a subject's next version is compared by. */
interface CompatibilityRule {
  /** Null = the registry did not show it. */
  readonly level: string | null;
  readonly scope: 'subject' | 'registry';
  /** Status of the answer that did not show it. */
  readonly status: number;
}

const HOW_TO_REGISTER = 'register it, or set registry.autoRegister';
const NOT_THERE: ReadonlySet<number> = new Set([40401, 40402, 40403, 40404, 40405, 40406, 40407, 40408]);
const NO_SUBJECT: ReadonlySet<number> = new Set([40401, 40404, 40407]);

class Refused extends Error {}

/** Looks subjects up and registers them. `onNote` gets each remark that a person should read though nothing is wrong. */
export function createRegistrySubjects(
  { ask, quote }: Pick<RegistryRequests, 'ask' | 'quote'>,
  { url: base, autoRegister, compatibility }: SubjectSettings,
  onNote: (note: string) => void,
): RegistrySubjects {
  /** The id of the oldest former schema that is there, else of the newest, or which part is missing. */
  async function lookUp(subject: SubjectSchema): Promise<number | 'no-subject' | 'no-version'> {
    const { formerTexts = [], name, schemaText } = subject;
    for (const text of formerTexts) {
      const found = await lookUpText({ name, schemaText: text });
      if (found !== 'no-version') return found;
    }
    return lookUpText({ name, schemaText });
  }

  async function lookUpText(subject: SubjectSchema): Promise<number | 'no-subject' | 'no-version'> {
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

  async function levelOfSubject(subject: SubjectSchema): Promise<string | undefined> {
    return levelOf(await ask('GET', `config/${pathOf(subject)}`));
  }

  /** The rule of a subject's next version; undefined where the registry says that there is none. */
  async function ruleOf(subject: SubjectSchema): Promise<CompatibilityRule | undefined> {
    const own = await ask('GET', `config/${pathOf(subject)}`);
    const level = levelOf(own);
    if (level !== undefined) return { level, scope: 'subject', status: own.status };
    if (own.status !== 404 && own.status !== 200) return { level: null, scope: 'subject', status: own.status };
    const all = await ask('GET', 'config');
    const global = levelOf(all);
    if (global !== undefined) return { level: global, scope: 'registry', status: all.status };
    return all.status === 404 || all.status === 200
      ? undefined
      : { level: null, scope: 'registry', status: all.status };
  }

  function setRule(subject: SubjectSchema): Promise<RegistryReply> {
    return ask('PUT', `config/${pathOf(subject)}`, { compatibility });
  }

  /** The differences in the registry's words, or null where its rule allows the schema. */
  async function differences(subject: SubjectSchema): Promise<string | null> {
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

  async function inspect(subject: SubjectSchema): Promise<InspectedSubject> {
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
      const by = rule === undefined || rule.level === null ? 'their rule' : `${rule.level}, ${scopeText(rule)}`;
      throw new Refused(`expected a schema that is compatible with those registered, by ${by}, got: ${differs}`);
    }
    if (!autoRegister) {
      throw new Refused(`expected this schema to be there, got others (compatible ones); ${HOW_TO_REGISTER}`);
    }
    return { id: undefined, creates: false, notes };
  }

  function notesOn({ name }: SubjectSchema, rule: CompatibilityRule | undefined): readonly string[] {
    if (rule?.level === null)
      return [
        `subject ${name}: expected to read ${scopeText(rule)}, got ${rule.status}; whether the compatibility is ${compatibility}, as registry.compatibility has it, is not known`,
      ];
    const level = rule?.level ?? 'NONE';
    if (level === compatibility) return [];
    const got = rule === undefined ? 'none' : `${rule.level} (${scopeText(rule)})`;
    const risk = level === 'NONE' ? '; nothing keeps an incompatible schema out' : '';
    return [
      `subject ${name}: expected the compatibility ${compatibility} of registry.compatibility, got ${got}, which is left alone${risk}`,
    ];
  }

  async function register(subject: SubjectSchema, creates: boolean): Promise<number> {
    const path = `subjects/${pathOf(subject)}/versions`;
    const bare = creates && (await levelOfSubject(subject)) === undefined;
    // The rule is set first, so that no version is ever without it.
    if (bare) await setRule(subject);
    const reply = await ask('POST', `${path}?normalize=true`, schemaOf(subject));
    if (reply.status === 409) {
      // Another writer may have been faster with the same schema.
      const found = await lookUp(subject);
      if (typeof found === 'number') return found;
    }
    if (reply.status !== 200) throw refusal('to be registered', reply);
    // Apicurio Registry forgets a rule that is set before there is a version.
    if (bare && (await levelOfSubject(subject)) !== compatibility) {
      const { status, words } = await setRule(subject);
      if (status !== 200) {
        const expected = `expected the compatibility ${compatibility} of registry.compatibility to be set`;
        onNote(`subject ${subject.name}: ${expected}, got ${status} with ${words}`);
      }
    } else if (creates && !bare) for (const note of notesOn(subject, await ruleOf(subject))) onNote(note);
    return idOf(`POST ${base}/${path}`, reply);
  }

  return {
    inspect: (subject) => orReason(inspect(subject)),
    register: (subject, creates) => orReason(register(subject, creates)),
  };
}

function pathOf({ name }: SubjectSchema): string {
  return encodeURIComponent(name);
}

function schemaOf({ schemaText }: SubjectSchema): { readonly schema: string } {
  return { schema: schemaText };
}

function refusal(expected: string, { status, words }: RegistryReply): Refused {
  const right = status === 403 ? 'the right ' : '';
  return new Refused(`expected ${right}${expected}, got ${status} with ${words}`);
}

/** The reason where the subject was refused; any other failure passes. */
async function orReason<T>(work: Promise<T>): Promise<T | SubjectRefusal> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message };
    throw error;
  }
}

function idOf(title: string, { status, body, words }: RegistryReply): number {
  const id = isObject(body) ? body['id'] : undefined;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < 2 ** 31) return id;
  if (typeof id === 'number' && Number.isInteger(id) && id >= 2 ** 31)
    throw new ConfigError(
      `${title} expected an id below 2147483648, as the wire format of records holds no larger one, got ${id}; let the registry count from lower ids`,
      { status },
    );
  throw noRegistry(title, status, words);
}

function levelOf({ status, body }: RegistryReply): string | undefined {
  if (status !== 200 || !isObject(body)) return undefined;
  // Some registries answer with the name of the setting instead.
  const level = body['compatibilityLevel'] ?? body['compatibility'];
  return typeof level === 'string' ? level.toUpperCase() : undefined;
}

function scopeText({ scope }: CompatibilityRule): string {
  return scope === 'subject' ? "the subject's own rule" : 'the rule for all subjects';
}
