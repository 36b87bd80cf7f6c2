import { salesLists, type ListName } from './account';
import { isDate, isObject, offsetOf } from './rows';
import type { Filter } from './table';

/**
 * Parameters of a list that nobody outside inFakt can tell from the documents whether they do anything, and `ksef`, which is none: what rows
 * of documents show of KSeF without being asked for it.
 */
const unprovenNames = ['paid_date_gteq', 'updated_at_gteq', 'created_at_gteq', 'id_gt', 'fields', 'ksef'] as const;
export type UnprovenName = (typeof unprovenNames)[number];

/**
 * How a list treats one of them: `works`; `ignored`; `refused` with 400; `day-off`: leaves out the first day asked for, or the first id;
 * `week`: works for seven days, then is ignored; `wrong-rows`: the number of rows is right and the rows are others. Of KSeF alone: `some`:
 * works for every other row, `nulls`: gives the fields and no value, `number`: gives `ksef_number` and not `ksef_data`.
 */
const unprovenModes = [
  'works',
  'ignored',
  'refused',
  'day-off',
  'week',
  'wrong-rows',
  'some',
  'nulls',
  'number',
] as const;
export type UnprovenMode = (typeof unprovenModes)[number];

const modesOfFilters = unprovenModes.slice(0, 6);
/** Those of names that are no filter. */
const modesOf: Readonly<Partial<Record<UnprovenName, readonly UnprovenMode[]>>> = {
  fields: ['works', 'ignored', 'refused', 'week', 'wrong-rows', 'some', 'nulls'],
  ksef: ['works', 'ignored', 'week', 'some', 'nulls', 'number'],
};

/** What is not named is ignored; `fields` that is not named cuts rows down, and shows nothing that is the detail's. */
export type UnprovenModes = Readonly<Partial<Record<UnprovenName, UnprovenMode>>>;

/** Checks modes that came as JSON; a TypeError says what is wrong with them. */
export function decodeModes(json: unknown): UnprovenModes {
  if (!isObject(json)) throw new TypeError(`filters must be an object, got ${JSON.stringify(json)}`);
  const modes: Partial<Record<UnprovenName, UnprovenMode>> = {};
  for (const [name, value] of Object.entries(json)) {
    const known = unprovenNames.find((each) => each === name);
    if (known === undefined) {
      throw new TypeError(`filters are ${unprovenNames.join(', ')}; got ${JSON.stringify(name)}`);
    }
    const allowed = modesOf[known] ?? modesOfFilters;
    const mode = allowed.find((each) => each === value);
    if (mode === undefined) {
      throw new TypeError(`${name} must be one of ${allowed.join(', ')}, got ${JSON.stringify(value)}`);
    }
    modes[known] = mode;
  }
  return modes;
}

/** What a request comes to by these parameters. */
export interface UnprovenReading {
  readonly refused: boolean;
  /** Conditions on rows, besides those that are documented. */
  readonly filters: readonly Filter[];
  /** The rows shown are those without the conditions, as many as with them. */
  readonly wrongRows: boolean;
  /**
   * `cut`: rows are cut down to the fields that are named; `detail`: those of the detail included; `foreign`: of another row; `some`: of every
   * other row; `nulls`: as null; `whole`: not.
   */
  readonly fields: 'cut' | 'detail' | 'foreign' | 'some' | 'nulls' | 'whole';
  /** What rows of documents show of KSeF by themselves: nothing, all of it, that of every other row, null, or the number alone. */
  readonly ksef: 'absent' | 'detail' | 'some' | 'nulls' | 'number';
}

/** The modes in force, and what they make of a request. */
export interface Unproven {
  readonly modes: UnprovenModes;
  /** Replaces all modes; a week begins now. */
  set(modes: UnprovenModes): void;
  read(list: ListName, parameters: Iterable<readonly [string, string]>): UnprovenReading;
}

const weekMs = 7 * 24 * 3_600_000;
const dayMs = 24 * 3_600_000;
const documents: ReadonlySet<ListName> = new Set(salesLists);
const lists: ReadonlySet<ListName> = new Set(['clients', ...documents]);

/** Begins with these modes. */
export function createUnproven(given: UnprovenModes, now: () => number): Unproven {
  let modes = given;
  let since = now();

  function modeOf(name: UnprovenName): UnprovenMode | undefined {
    const mode = modes[name];
    if (mode !== 'week') return mode;
    return now() < since + weekMs ? 'works' : 'ignored';
  }

  return {
    get modes() {
      return modes;
    },
    set(next) {
      modes = next;
      since = now();
    },
    read(list, parameters) {
      const filters: Filter[] = [];
      let refused = false;
      let wrongRows = false;
      let fields: UnprovenReading['fields'] = 'cut';
      for (const [name, value] of parameters) {
        const asked = unprovenNames.find((each) => name === (each === 'fields' ? each : `q[${each}]`));
        if (
          asked === undefined ||
          asked === 'ksef' ||
          !lists.has(list) ||
          (asked === 'paid_date_gteq' && !documents.has(list))
        )
          continue;
        const mode = modeOf(asked);
        if (mode === 'refused') refused = true;
        else if (asked === 'fields') fields = fieldsUnder(mode);
        else if (mode !== undefined && mode !== 'ignored') {
          const filter = conditionOf(asked, value, mode === 'day-off');
          if (filter !== undefined) filters.push(filter);
          wrongRows ||= mode === 'wrong-rows';
        }
      }
      return { refused, filters, wrongRows, fields, ksef: documents.has(list) ? ksefUnder(modeOf('ksef')) : 'absent' };
    },
  };
}

function fieldsUnder(mode: UnprovenMode | undefined): UnprovenReading['fields'] {
  if (mode === undefined) return 'cut';
  if (mode === 'some' || mode === 'nulls') return mode;
  return mode === 'works' ? 'detail' : mode === 'wrong-rows' ? 'foreign' : 'whole';
}

function ksefUnder(mode: UnprovenMode | undefined): UnprovenReading['ksef'] {
  if (mode === 'some' || mode === 'nulls' || mode === 'number') return mode;
  return mode === 'works' ? 'detail' : 'absent';
}

/** The condition on a row, undefined for a value that is none: that is ignored without a word. */
function conditionOf(
  asked: Exclude<UnprovenName, 'fields' | 'ksef'>,
  value: string,
  isOff: boolean,
): Filter | undefined {
  const name = `${asked}=${value}${isOff ? ' and a day' : ''}`;
  if (asked === 'id_gt') {
    if (!/^\d{1,16}$/.test(value)) return undefined;
    const above = Number(value) + (isOff ? 1 : 0);
    return { name, field: 'id', test: (id) => typeof id === 'number' && id > above };
  }
  const [, day = '', time] = /^(\d{4}-\d{2}-\d{2})(T.+)?$/.exec(value) ?? [];
  if (!isDate(day)) return undefined;
  if (asked === 'paid_date_gteq') {
    const first = isOff ? new Date(Date.parse(day) + dayMs).toISOString().slice(0, 10) : day;
    return { name, field: 'paid_date', test: (paid) => typeof paid === 'string' && paid >= first };
  }
  const begins = Date.parse(time === undefined ? `${day}T00:00:00${offsetOf(day)}` : value);
  if (Number.isNaN(begins)) return undefined;
  const from = begins + (isOff ? dayMs : 0);
  return {
    name,
    field: asked === 'updated_at_gteq' ? 'updated_at' : 'created_at',
    test: (at) => typeof at === 'number' && at >= from,
  };
}
