import { html } from 'hono/html';

import type { StreamHealth } from '../status/health';
import type { Html } from './page-text';

/** What a list does with each filter that may or may not work, and why where the verdict alone does not say it. */
export function filtersItem({ filters }: Pick<StreamHealth, 'filters'>): Html | '' {
  if (filters === null || filters.length === 0) return '';
  const texts = filters.map(({ filter, verdict, why }) => {
    const isPlain = verdict === 'works' || verdict === 'ignored' || verdict === 'refused';
    return html`<li title="${why}">${filter} ${verdict}${isPlain ? '' : `: ${why}`}</li>`;
  });
  return html`<div>
    <dt>Filters</dt>
    <dd>
      <ul class="filters">
        ${texts}
      </ul>
    </dd>
  </div>`;
}
