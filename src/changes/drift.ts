import { ExactNumber } from '../json';
import type { EntityId, ScanName, StreamDeclaration, StreamName } from '../model';

/**
 * How the API differs from what was seen of it before. `field`: one that the schema does not know. `value`: a word of a field whose words are
 * documented. `page-size`: pages have fewer rows than asked for. `filter`: a filter has no effect, or is refused. `ordering`: a list is not in
 * the order asked for.
 */
export type DriftKind = 'field' | 'value' | 'page-size' | 'filter' | 'ordering';

/** One way in which the API differs, by name and type: nothing that a row says, but for short lower-case words of a field whose words are documented. */
export interface Drift {
  readonly what: DriftKind;
  /** The field, such as `services.tax_symbol`; of `page-size` and `ordering` the parameter. */
  readonly name: string;
  /** Of a field the JSON type of its value, of a value the word; null = there is none that may be told. */
  readonly detail: string | null;
}

/** Takes in what a row has that is not documented. */
export interface DriftSink {
  field(name: string, value: unknown): void;
  value(name: string, value: string): void;
}

/** What is remembered of a stream's drift across restarts. */
export interface StoredDrift {
  readonly seen: readonly string[];
  /** What came up to the end of the sweep of this number was there before, and is no news. */
  readonly bySweep: number;
}

/** So many are told of a stream; one more stands for all further ones. */
const MOST = 100;
/** A name or word that may be told: a field of the API never looks otherwise, and what a person typed seldom looks so. */
const FIELD_NAME = /^[A-Za-z][\w.]{0,63}$/;
const WORD = /^[a-z_0-9]{1,32}$/;
const OTHERS: Drift = { what: 'field', name: 'others', detail: null };

/** Whose drift is seen, and who else looks. */
export interface SeenDriftSetting {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly finders: FirstFinders;
}

/** Which stream of a process was the first to show a difference, by the difference: the API is one for all entities. */
export type FirstFinders = Map<string, string>;

/** All ways in which the API was seen to differ in one stream: each is found once, and only where no other stream has shown it first. */
export class SeenDrift implements DriftSink {
  readonly #stream: StreamName;
  readonly #self: string;
  readonly #finders: FirstFinders;
  #seen = new Set<string>();
  #bySweep: number | null = null;
  #found: Drift[] = [];
  #hasChanged = false;

  constructor({ entity, stream, finders }: SeenDriftSetting) {
    this.#stream = stream;
    this.#self = `${entity} ${stream}`;
    this.#finders = finders;
  }

  /** Forgets all but what is stored; undefined = nothing is. */
  restore(stored: StoredDrift | undefined): void {
    this.#seen = new Set(stored?.seen);
    for (const name of this.#seen) this.#isFirst(name);
    this.#bySweep = stored?.bySweep ?? null;
    this.#found = [];
    this.#hasChanged = false;
  }

  /** Whether what comes now is news, given how many sweeps of the stream have finished. */
  isSettled(finishedSweeps: number): boolean {
    return this.#bySweep !== null && finishedSweeps >= this.#bySweep;
  }

  /** Begins to learn what is there, up to the end of the sweep under way, or of the next one where this one has read something already. */
  learn({ number, hasBegun }: { readonly number: number; readonly hasBegun: boolean }): void {
    // The count of sweeps begins anew where the state was reset.
    if (this.#bySweep !== null && this.#bySweep <= number + 1) return;
    this.#bySweep = hasBegun ? number + 1 : number;
    this.#hasChanged = true;
  }

  field(name: string, value: unknown): void {
    const isName = FIELD_NAME.test(name);
    this.note({ what: 'field', name: isName ? name : 'unnameable', detail: isName ? typeOf(value) : null });
  }

  value(name: string, value: string): void {
    this.note({ what: 'value', name, detail: WORD.test(value) ? value : null });
  }

  /** Takes in what was seen; nothing where it was seen before. */
  note(drift: Drift): void {
    const name = nameOf(drift);
    if (this.#seen.has(name)) return;
    if (this.#seen.size > MOST) return;
    this.#seen.add(name);
    this.#hasChanged = true;
    if (this.#isFirst(name)) this.#found.push(this.#seen.size > MOST ? OTHERS : drift);
  }

  #isFirst(name: string): boolean {
    // Rows of several streams share fields; lists and their filters do not.
    const isOfRows = name.startsWith('field ') || name.startsWith('value ');
    const shared = isOfRows ? name : `${this.#stream} ${name}`;
    const finder = this.#finders.get(shared) ?? this.#self;
    this.#finders.set(shared, finder);
    return finder === this.#self;
  }

  /** What was found since the last call. */
  take(): readonly Drift[] {
    const found = this.#found;
    if (found.length > 0) this.#found = [];
    return found;
  }

  /** Whether what is to be stored has changed since the last call. */
  takeChange(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  /** What is to be stored; undefined = nothing yet. */
  stored(): StoredDrift | undefined {
    return this.#bySweep === null ? undefined : { seen: [...this.#seen], bySweep: this.#bySweep };
  }
}

/** That a filter has no effect, or is refused. */
export function filterDrift({ openField, scopeField }: StreamDeclaration, scan: ScanName): Drift {
  return { what: 'filter', name: (scan === 'open' ? openField : scopeField) ?? 'scope', detail: null };
}

/** What a person reads of it: `field foo (string)`, `value archived of status`. */
export function driftText({ what, name, detail }: Drift): string {
  switch (what) {
    case 'field':
      if (name === 'others') return 'further differences, too many to name';
      return name === 'unnameable' ? 'a field whose name is no word' : `field ${name} (${detail ?? 'unknown'})`;
    case 'value':
      return detail === null ? `another value of ${name}` : `value ${detail} of ${name}`;
    case 'page-size':
      return `pages of ${detail ?? 'fewer'} rows, fewer than asked for`;
    case 'filter':
      return `the filter by ${name} has no effect`;
    case 'ordering':
      return `a list is not in the order by ${name} that was asked for`;
  }
}

/** Pages may have another number of rows each. */
function nameOf({ what, name, detail }: Drift): string {
  return what === 'page-size' || detail === null ? `${what} ${name}` : `${what} ${name} ${detail}`;
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value instanceof ExactNumber ? 'number' : typeof value;
}
