import { lastValueFrom } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import type { FilterProof } from '../rules/filter-proof';
import { pagesOf } from '../rules/rhythm';
import { PAGE_ROWS } from '../rules/paging';
import { listParams, sweepQuery } from '../rules/scope';
import { allStreams } from '../sources/streams/all-streams';
import { ksefStreamOf } from '../sources/streams/ksef';
import type { Rest } from '../sources/rest';
import { spanText } from '../status/scan-text';

/** Of which documents it would be read what KSeF says, and how fast. */
export interface KsefToCheck {
  /** The first day of them. */
  readonly from: string;
  /** Requests a minute that one entity has of those for freshness; 0 = no limit. */
  readonly requestsPerMinute: number;
}

/** What is known of an entity by then. */
export interface KsefKnown {
  /** The day of its first run. */
  readonly firstRun: string;
  /** What its list of documents does with parameters that may do something; null = that was not tried. */
  readonly proofs: readonly FilterProof[] | null;
}

/** How many requests it takes to count an entity's documents that KSeF may know. */
export function requestsToCount(streams: EntityConfig['streams']): number {
  return streamsInKsef(streams).length;
}

/** How many documents of an entity are to be asked for once it is read what KSeF says of them, and how long that takes; no finding is a fault. */
export async function checkKsef(
  entity: EntityConfig,
  rest: Pick<Rest, 'list'>,
  { from, requestsPerMinute }: KsefToCheck,
  { firstRun, proofs }: KsefKnown,
): Promise<{ readonly value: null; readonly text: string }> {
  const counts = await Promise.all(
    streamsInKsef(entity.streams).map(async (stream) => {
      const scope = sweepQuery(stream, entity, firstRun);
      const since = scope.from !== null && scope.from > from ? scope.from : from;
      if (scope.to !== null && scope.to < since) return 0;
      const params = listParams(stream, { ...scope, from: since });
      const { totalCount } = await lastValueFrom(rest.list(stream.name, stream.path, params, 0, 1));
      return totalCount;
    }),
  );
  const documents = counts.reduce((sum, count) => sum + count, 0);
  const pages = counts.reduce((sum, count) => sum + (count === 0 ? 0 : pagesOf(count, PAGE_ROWS)), 0);
  const lasts = (requests: number): string =>
    requestsPerMinute === 0 ? '' : `, ${spanText((requests * 60_000) / requestsPerMinute)} at least`;
  const pace =
    requestsPerMinute === 0 ? '' : ` with ${Math.round(requestsPerMinute)} requests a minute and no other use of them`;
  const verdict = proofs?.find(({ candidate }) => candidate.kind === 'fields')?.verdict ?? 'not tried';
  const byPages = `by pages of named fields ${pages} requests${lasts(pages)}`;
  return {
    value: null,
    text: `the back-fill of ${documents} documents dated since ${from}: by details ${documents} requests${lasts(documents)}${pace}; ${verdict === 'works' ? byPages : `${byPages}, which lists do not tell (fields ${verdict})`}`,
  };
}

function streamsInKsef(streams: EntityConfig['streams']) {
  return allStreams.filter(({ name }) => streams.includes(name) && ksefStreamOf(name) !== undefined);
}
