import { volatilePaths } from '../changes/fingerprint';
import { isObject } from '../json';

/** Names of fields whose values differ between two records of one row; never a value. */
export interface DifferingFields {
  /** Fields by which a change is judged, such as `status` or `services.unit`, each once. */
  readonly counted: readonly string[];
  /** Volatile fields: no change is judged by them, so they may differ for good. */
  readonly uncounted: readonly string[];
}

type RecordValue = Readonly<Record<string, unknown>>;

/** What the service itself writes into a record beside what the API said. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['entity', 'observed_at', 'fingerprint', 'fingerprint_definition']);

/**
 * Names the fields in which two decoded records differ. Null and an absent field are equal, so that records of an older schema can be
 * compared; what a record keeps in `extra` counts under the name that the API gave it.
 */
export function differingFields(
  published: RecordValue,
  current: RecordValue,
  volatileFields: readonly string[],
): DifferingFields {
  const found = new Set<string>();
  compareObjects(published, current, '', found);
  const currency = current['currency'] ?? '';
  const volatile = new Set(volatilePaths(volatileFields, currency === 'PLN' || currency === ''));
  const names = [...found].filter((name) => !OWN_FIELDS.has(name)).sort();
  const isVolatile = (name: string): boolean => name.split('.').some((_, at, all) => volatile.has(pathUpTo(all, at)));
  return { counted: names.filter((name) => !isVolatile(name)), uncounted: names.filter(isVolatile) };
}

function pathUpTo(parts: readonly string[], at: number): string {
  return parts.slice(0, at + 1).join('.');
}

function compareObjects(one: RecordValue, other: RecordValue, prefix: string, found: Set<string>): void {
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (name === 'extra') compareObjects(extraOf(one), extraOf(other), prefix, found);
    else compareValues(one[name] ?? null, other[name] ?? null, prefix + name, found);
  }
}

function compareValues(one: unknown, other: unknown, path: string, found: Set<string>): void {
  if (areLines(one) && areLines(other)) {
    if (one.length !== other.length) found.add(path);
    for (const [index, element] of one.entries()) {
      const counterpart = other[index];
      if (counterpart !== undefined) compareObjects(element, counterpart, `${path}.`, found);
    }
  } else if (canonical(one) !== canonical(other)) found.add(path);
}

function areLines(value: unknown): value is readonly RecordValue[] {
  return Array.isArray(value) && value.every(isObject);
}

/** What a record keeps of fields that its schema does not know, and of values that are not of their field's kind. */
function extraOf({ extra }: RecordValue): RecordValue {
  if (typeof extra !== 'string') return {};
  try {
    const parsed: unknown = JSON.parse(extra);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** The JSON text of a value, the members of its objects in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
