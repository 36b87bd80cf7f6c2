import { createHash } from 'node:crypto';

import type { EntityConfig } from '../../config/config';

/**
 * A digest of what the entities' files have read: two replicas have the same one if they read the same of the same entities. Keys, tax ids
 * and names are no part of it: a digest of a short number gives the number away, and keys are changed one replica after the other.
 */
export function entitySetOf(entities: readonly EntityConfig[]): string {
  const read = entities
    .map(({ id, enabled, streams, startDate, endDate, accept, deletions: { maxShare, confirm } }) => {
      const accepted = Object.entries(accept).sort(([one], [other]) => (one < other ? -1 : 1));
      return [id, enabled, [...streams].sort(), startDate, endDate, accepted, maxShare, confirm] as const;
    })
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(read)).digest('hex').slice(0, 16);
}
