import type { Cursor } from '../model';
import { completenessOf, finishedSweeps, type Completeness, type LedgerView } from '../rules/completeness';
import { unreadableInFinished } from '../rules/cursor';
import type { StreamState } from './memory';

/** Whether the stream's last finished sweep is complete, after its deletions were decided. */
export function completenessOfStream(state: StreamState): Completeness {
  const sweep = state.walks.get('sweep')?.cursor;
  return completenessIn(state, sweep, finishedSweeps(sweep));
}

/** Whether a finished sweep is complete, its deletions decided up to that sweep. */
export function completenessIn(
  { ledger, hold, accepted, absences }: StreamState,
  sweep: Cursor | undefined,
  decidedSweep: number,
): Completeness {
  const view: LedgerView = {
    live: ledger.live,
    deadLettered: () => ledger.deadLettered(),
    // What was first missed less than a minute ago is not overdue, unless the list shows nothing at all.
    missingSince: (number) =>
      ledger.missingSince(number).filter((id) => ledger.live === 0 || absences.confirmableAtMs(id) === null),
  };
  return completenessOf({ ledger: view, hold, decidedSweep, unreadable: unreadableInFinished(sweep) }, accepted);
}
