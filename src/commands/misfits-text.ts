import type { Misfits } from '../model';

/** Fields whose values did not fit, for a person: `notes (3 records), services.unit (1 record)`. Values are never told. */
export function misfitsText(misfits: Misfits): string {
  return Object.entries(misfits)
    .map(([field, records]) => `${field} (${records} ${records === 1 ? 'record' : 'records'})`)
    .join(', ');
}
