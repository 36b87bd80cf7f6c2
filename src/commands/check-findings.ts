import { exitCodeFor } from '../errors';
import { adviceOn } from './advice';

/** Outcome of one check. */
export interface Finding {
  readonly check: string;
  readonly entity: string | null;
  readonly ok: boolean;
  readonly text: string;
  readonly code: 0 | 2 | 3;
}

/** Runs one check; null = it failed, which is a finding then. A bug is thrown. */
export type Attempt = <T>(
  check: string,
  entity: string | null,
  work: () => Promise<{ readonly value: T; readonly text: string }>,
) => Promise<T | null>;

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
        const { value, text } = await work();
        add({ check, entity, ok: true, text, code: 0 });
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

/** A finding as one line for a person. */
export function findingLine({ check, entity, ok, text }: Finding): string {
  return `${ok ? 'ok  ' : 'FAIL'} ${check}${entity === null ? '' : ` ${entity}`}: ${text}`;
}
