import { ConfigError } from '../errors';
import { isObject } from '../json';
import { createRegistryRequests, type RequestSettings } from './registry-requests';
import { createRegistrySubjects, type SubjectSchema, type SubjectSettings } from './registry-subjects';

/** The rules of Confluent's API for a new version of a schema. */
export type Compatibility =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE';

/** A schema registry, and how far it may be changed. */
export interface RegistrySettings extends RequestSettings, SubjectSettings {
  readonly compatibility: Compatibility;
}

/** What the registry has of a subject, found without changing it. */
export type ExaminedSubject = {
  readonly subject: string;
  /** What a person should know of, though nothing is wrong. */
  readonly notes: readonly string[];
} & (
  | { readonly state: 'registered'; readonly id: number }
  | { readonly state: 'to-be-registered' }
  | { readonly state: 'refused'; readonly reason: string }
);

/** The way to a schema registry that speaks Confluent's API. Nothing is remembered between two questions. */
export interface Registry {
  /**
   * Ids by the subjects' names; what is not there is registered where that is allowed.
   *
   * One ConfigError names every subject at fault; a TransientError says that the registry could not be used in time.
   */
  readonly resolve: (subjects: readonly SubjectSchema[]) => Promise<ReadonlyMap<string, number>>;
  /** What `resolve` would find, subject by subject; changes nothing. */
  readonly examine: (subjects: readonly SubjectSchema[]) => Promise<readonly ExaminedSubject[]>;
  /** The text of the schema with this id. */
  readonly schema: (id: number) => Promise<string>;
  /** Gives up what is under way. */
  readonly close: () => void;
}

export interface RegistryOptions {
  readonly settings: RegistrySettings;
  readonly userAgent: string;
  /** Called with each thing that a person should know of, though nothing is wrong. */
  readonly onNote?: (note: string) => void;
}

/** Opens the way to a registry; nothing is sent yet. */
export function createRegistry({ settings, userAgent, onNote = () => undefined }: RegistryOptions): Registry {
  const { url: base } = settings;
  const requests = createRegistryRequests(settings, userAgent);
  const { inspect, register } = createRegistrySubjects(requests, settings, onNote);

  async function resolve(subjects: readonly SubjectSchema[]): Promise<ReadonlyMap<string, number>> {
    const faults: string[] = [];
    const ids = new Map<string, number>();
    const absent: { readonly subject: SubjectSchema; readonly creates: boolean }[] = [];
    for (const subject of subjects) {
      const inspected = await inspect(subject);
      if ('reason' in inspected) {
        faults.push(`subject ${subject.name}: ${inspected.reason}`);
        continue;
      }
      for (const note of inspected.notes) onNote(note);
      if (inspected.id === undefined) absent.push({ subject, creates: inspected.creates });
      else ids.set(subject.name, inspected.id);
    }
    // Nothing is changed unless all of it can be.
    if (faults.length === 0) {
      for (const { subject, creates } of absent) {
        const id = await register(subject, creates);
        if (typeof id === 'number') ids.set(subject.name, id);
        else faults.push(`subject ${subject.name}: ${id.reason}`);
      }
    }
    if (faults.length > 0) {
      const count = `${faults.length} of ${subjects.length} subjects`;
      throw new ConfigError([`cannot use ${count} of the schema registry at ${base}:`, ...faults].join('\n'), {
        mayPass: true,
      });
    }
    return ids;
  }

  async function examine(subjects: readonly SubjectSchema[]): Promise<readonly ExaminedSubject[]> {
    const examined: ExaminedSubject[] = [];
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
  }

  async function schema(id: number): Promise<string> {
    const path = `schemas/ids/${id}`;
    const { status, body, words } = await requests.ask('GET', path);
    const text = isObject(body) ? body['schema'] : undefined;
    if (status === 200 && typeof text === 'string') return text;
    throw new ConfigError(`GET ${base}/${path} expected a schema, got ${status} with ${words}`, { status });
  }

  return { resolve, examine, schema, close: requests.close };
}
