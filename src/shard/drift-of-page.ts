import { filterDrift, type Drift } from '../changes/drift';
import { RecordError } from '../errors';
import type { Cursor, Page, ScanName } from '../model';
import { finishedSweeps } from '../rules/completeness';
import type { StreamState } from './memory';

/** What was found of the API's drift, and whether that is news. */
export interface FoundDrift {
  readonly found: readonly Drift[];
  /** False where it was there when the stream was first looked at. */
  readonly isNews: boolean;
}

/** Prepares a stream to be looked at for drift: what comes up to the end of a whole sweep is what was there before. */
export function learnDrift({ drift, walks }: StreamState): void {
  const sweep = walks.get('sweep')?.cursor;
  if (sweep !== undefined) drift.learn({ number: sweep.number, hasBegun: sweep.position.offset > 0 });
}

/** What a page that was just compared shows of the API that its stream had not shown before; to be asked before the cursor moves. */
export function driftOfPage(state: StreamState, page: Page, scan: ScanName): FoundDrift | null {
  const { codec, drift, walks } = state;
  const sweep = walks.get('sweep')?.cursor;
  // A first sweep publishes every row, so all were looked at; later most are known and are not decoded.
  if (scan === 'sweep' && finishedSweeps(sweep) > 0 && !isSettled(state, sweep)) lookAtRows(state, page);
  if (page.cappedAt !== undefined) drift.note({ what: 'page-size', name: 'limit', detail: String(page.cappedAt) });
  if (page.outsideQuery > 0) drift.note(filterDrift(codec.declaration, scan));
  return takeDrift(state);
}

/** What was found and not yet taken; null = nothing. */
export function takeDrift(state: StreamState): FoundDrift | null {
  const found = state.drift.take();
  return found.length === 0 ? null : { found, isNews: isSettled(state, state.walks.get('sweep')?.cursor) };
}

function isSettled({ drift }: StreamState, sweep: Cursor | undefined): boolean {
  return drift.isSettled(finishedSweeps(sweep));
}

function lookAtRows({ codec, drift, entity }: StreamState, page: Page): void {
  for (const row of page.rows) {
    try {
      codec.decode(row, entity, 0, drift);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  }
}
