import type { Shape } from '../changes/shape';
import { exitCodeFor } from '../errors';
import type { StreamName } from '../model';
import type { FilterProof } from '../rules/filter-proof';
import { adviceOn } from './advice';
import { painted, plainPage, type Page } from './page';

const NAMED_FAILURES = 10;

/** Outcome of one check. */
export interface Finding {
  readonly check: string;
  readonly entity: string | null;
  readonly ok: boolean;
  readonly text: string;
  readonly code: 0 | 2 | 3;
  /** Only of a look at the fields of a stream's rows. */
  readonly fields?: StreamFields;
  /** Only of a look at what a list does with filters that may or may not work. */
  readonly filters?: StreamFilters;
}

/** What asking a list for each such filter came to. */
export interface StreamFilters {
  readonly stream: StreamName;
  readonly proofs: readonly FilterProof[];
}

/** How the rows of a stream that were looked at differ from its schema. */
export interface StreamFields {
  readonly stream: StreamName;
  readonly shape: Shape;
}

/** What a check found: `text` for a person, the rest for `--json`. */
export interface Found<T> extends Pick<Finding, 'fields' | 'filters'> {
  readonly value: T;
  readonly text: string;
}

/** Runs one check; null = it failed, which is a finding then. A bug is thrown. */
export type Attempt = <T>(check: string, entity: string | null, work: () => Promise<Found<T>>) => Promise<T | null>;

/** The outcomes of all checks of one command. */
export interface CheckFindings {
  readonly attempt: Attempt;
  /** Findings so far, in the order in which their checks ended. */
  readonly all: readonly Finding[];
  /** 2 where a person must set something right, else 3 where something could not be reached, else 0. */
  readonly exitCode: () => 0 | 2 | 3;
}

/** Begins a list of findings; each is also handed out as soon as it is there. */
export function createFindings(onFinding: (finding: Finding) => void): CheckFindings {
  const all: Finding[] = [];
  const add = (finding: Finding): void => {
    all.push(finding);
    onFinding(finding);
  };
  return {
    all,
    async attempt(check, entity, work) {
      try {
        const { value, text, fields, filters } = await work();
        add({ check, entity, ok: true, text, code: 0, ...(fields && { fields }), ...(filters && { filters }) });
        return value;
      } catch (error) {
        const advice = adviceOn(error);
        const code = advice === null ? exitCodeFor(error) : 2;
        if (code === 1 || !(error instanceof Error)) throw error;
        const text = advice === null || advice === '' ? error.message : `${error.message}; ${advice}`;
        add({ check, entity, ok: false, text, code });
        return null;
      }
    },
    exitCode: () =>
      all.reduce<0 | 2 | 3>((worst, { code }) => (worst === 2 || code === 2 ? 2 : worst === 3 ? 3 : code), 0),
  };
}

/**
 * The findings as one JSON object; `fields` has what was seen of each stream's rows, in names and JSON types alone, `filters` what a list
 * does with each filter that may or may not work.
 */
export function findingsJson({ all, exitCode }: Pick<CheckFindings, 'all' | 'exitCode'>): Record<string, unknown> {
  return {
    ok: exitCode() === 0,
    checks: all.map(({ check, entity, ok, text }) => ({ check, entity, ok, text })),
    fields: all.flatMap(({ entity, fields }) => (fields === undefined ? [] : [fieldsJson(entity, fields)])),
    filters: all.flatMap(({ entity, filters }) => (filters === undefined ? [] : filtersJson(entity, filters))),
  };
}

function filtersJson(entity: string | null, { stream, proofs }: StreamFilters): readonly Record<string, unknown>[] {
  return proofs.map(({ candidate: { parameter }, verdict, why }) => ({
    entity,
    stream,
    filter: parameter,
    verdict,
    why,
  }));
}

function fieldsJson(entity: string | null, { stream, shape }: StreamFields): Record<string, unknown> {
  const { rows, unfit, unknown, absent } = shape;
  return {
    entity,
    stream,
    rows,
    misfits: unfit,
    unknown: unknown.map(({ field, types }) => ({ field, types })),
    absent: rows === 0 ? [] : absent,
  };
}

/** A finding as one line for a person. */
export function findingLine(finding: Finding, page: Page = plainPage): string {
  const { ok, text } = finding;
  return `${ok ? painted('green', 'ok  ', page) : painted('red', 'FAIL', page)} ${nameOf(finding)}: ${text}`;
}

/** The last line of all findings: how many checks failed, and which. */
export function verdictText(all: readonly Finding[]): string {
  const failed = all.filter(({ ok }) => !ok);
  if (failed.length === 0) return `All ${all.length} checks are ok.`;
  const named = failed.slice(0, NAMED_FAILURES).map(nameOf).join(', ');
  const more = failed.length > NAMED_FAILURES ? ` and ${failed.length - NAMED_FAILURES} more` : '';
  return `${failed.length} of ${all.length} failed: ${named}${more}`;
}

function nameOf({ check, entity }: Finding): string {
  return `${check}${entity === null ? '' : ` ${entity}`}`;
}
