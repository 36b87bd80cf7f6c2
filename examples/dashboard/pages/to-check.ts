import { html, section, table, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { count } from '../text.ts';
import { companyOf, documentOf } from './shared.ts';

/** Words of a view, which begin small, as a sentence with its code marked. */
function sentence(words: string): readonly Html[] {
  const said = words.charAt(0).toUpperCase() + words.slice(1);
  return said.split('`').map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
}

/** All findings, those of one company together. */
export function toCheck({ to_check: findings }: Books): Html {
  if (findings.length === 0) return html`<p class="empty good">There is nothing to check.</p>`;
  const all = findings[0]?.findings ?? '0';
  const more = Number(all) > findings.length ? html`<p class="note">The first ${findings.length} are here.</p>` : null;
  const entities = [...new Set(findings.map(({ entity }) => entity))];
  return html`
    <p class="note">
      ${count(all, 'finding')}. Each is gone as soon as inFakt, or the table that it names, is put right.
    </p>
    ${more}
    ${entities.map((entity) => {
      const rows = findings.filter((finding) => finding.entity === entity);
      const [first] = rows;
      const company = first === undefined ? '' : companyOf(first);
      return section(
        company,
        null,
        table({
          caption: `${count(rows.length, 'finding')} of ${company}`,
          columns: [
            { title: 'Document', of: documentOf },
            { title: 'What is odd', of: ({ what }) => sentence(what), kind: 'text' },
            { title: 'What to do', of: ({ what_to_do: what }) => sentence(what), kind: 'text' },
          ],
          rows,
          empty: '',
        }),
      );
    })}
  `;
}
