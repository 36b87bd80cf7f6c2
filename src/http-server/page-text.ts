import { html } from 'hono/html';

import type { ChangeCounts } from '../status/recent-changes';

/** Text in which every value is escaped. */
export type Html = ReturnType<typeof html>;

const MINUTE_MS = 60_000;

/** The text of what is rendered, none of which has to be waited for. */
export function textOf(rendered: Html): string {
  if (rendered instanceof Promise) throw new Error('a piece of the page has a part that is waited for');
  return rendered.toString();
}

/** A time in full; the page's script says how long ago that is. */
export function time(at: number | string): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`;
}

/** Since when something lasts; the page's script says for how long. */
export function lasting(since: string): Html {
  return html`<time datetime="${since}" data-lasts>since ${since.slice(0, 10)} ${since.slice(11, 19)} UTC</time>`;
}

/** Counts in words, those that are 0 left out. */
export function countsText(counts: ChangeCounts): string {
  const words = Object.entries({
    created: counts.created,
    updated: counts.updated,
    deleted: counts.deleted,
    'published again': counts.republished,
  }).flatMap(([word, count]) => (count === 0 ? [] : [`${number(count)} ${word}`]));
  return words.length === 0 ? 'none' : words.join(', ');
}

/** About how long, in one unit. */
export function duration(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / MINUTE_MS));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** A time that something took at most, in one unit and never less than it was. */
export function latest(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(ms / MINUTE_MS);
  return minutes < 120 ? `${minutes} min` : `${Math.ceil(minutes / 60)} h`;
}

/** How many, with the word for one or for several. */
export function counted(count: number, one: string, many: string): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** Digits in groups of three, by spaces that do not break. */
export function number(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, '\u00a0');
}

/** A list in a box that scrolls by itself, and what is said where it is empty. */
export function listOf(list: {
  readonly name: string;
  readonly version: string;
  readonly items: readonly Html[];
  readonly none: string;
}): Html {
  const { name, version, items, none } = list;
  return html`<div data-part="${name}" data-v="${version}">
    ${
      items.length === 0
        ? html`<p class="none">${none}</p>`
        : html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${name}-title">
            <ol class="timeline">
              ${items}
            </ol>
          </div>`
    }
  </div>`;
}
