import { createHash } from 'node:crypto';

import { html, raw } from 'hono/html';

import type { Shown } from '../status/activity';
import { rowsOf, type EntityView, type StreamView, type Verdict } from '../status/overview';
import { totalOf, type RecentChange } from '../status/recent-changes';
import { ASKERS, type Asker, type RequestHour } from '../status/request-minutes';
import type { StateChange, Standing } from '../status/timeline';
import { filtersItem } from './filters-item';
import { counted, countsText, duration, lasting, latest, listOf, number, textOf, time, type Html } from './page-text';

/** A piece of the page that is replaced as a whole when its version changes. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** Rendered at the first call. */
  readonly html: () => string;
}

/** Who shows the page. */
export interface PageSetting {
  readonly replica: string;
  readonly version: string;
}

const WORDS: Readonly<Record<Verdict, string>> = {
  wrong: 'needs attention',
  unsettled: 'on its way',
  noted: 'well, with a note',
  well: 'well',
};
const OP_WORDS = { c: 'created', u: 'updated', d: 'deleted' } as const;
const ASKER_WORDS: Readonly<Record<Asker, string>> = {
  newest: 'newest',
  open: 'open documents',
  recent: 'recent',
  paid: 'payments by filter',
  changed: 'edits by filter',
  sweep: 'sweeps',
  search: 'searches',
  spot: 'single rows',
  other: 'other',
};
/** So few entities are shown with all their streams at once. */
const OPEN_UP_TO = 3;

/** The page as it is when it is asked for. */
export function pageOf(shown: Shown, { replica, version }: PageSetting): string {
  const parts = new Map(partsOf(shown).map((part) => [part.name, part]));
  const part = (name: string): Html => raw(parts.get(name)?.html() ?? '');
  const entities = [...parts.values()].filter(({ name }) => name.startsWith('entity '));
  return textOf(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>infakt-kafka</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href="/assets/uPlot.min.css" />
          <link rel="stylesheet" href="/assets/page.css" />
          <script src="/assets/uPlot.iife.min.js" defer></script>
          <script src="/assets/page.js" defer></script>
        </head>
        <body>
          <a class="skip" href="#companies">Skip to the companies</a>
          <header>
            <h1>infakt-kafka</h1>
            <p class="by">Version ${version}, replica <span class="name">${replica}</span></p>
            <p id="live" role="status">As of ${time(shown.atMs)}</p>
          </header>
          <main>
            ${part('summary')}
            <section id="companies" aria-labelledby="companies-title">
              <h2 id="companies-title">Companies</h2>
              <form id="filter" role="search">
                <label for="search">Search</label>
                <input id="search" type="search" autocomplete="off" spellcheck="false" aria-describedby="found" />
                <label class="check"><input id="only-wrong" type="checkbox" /> only what needs attention</label>
                <p id="found" role="status">${counted(entities.length, 'company', 'companies')}</p>
              </form>
              <div id="entities" role="list">${entities.map((entity) => raw(entity.html()))}</div>
              ${entities.length === 0 ? html`<p class="none">No company is configured.</p>` : ''}
            </section>
            <section aria-labelledby="allowance-title">
              <h2 id="allowance-title">Requests of the last hour</h2>
              <div id="plot" role="img" aria-labelledby="allowance-title" aria-describedby="allowance-text"></div>
              ${part('requests')}
            </section>
            <section aria-labelledby="changes-title">
              <h2 id="changes-title">Newest changes</h2>
              ${part('changes')}
            </section>
            <section aria-labelledby="timeline-title">
              <h2 id="timeline-title">Changes of state</h2>
              ${part('timeline')}
            </section>
          </main>
          <footer>
            <p>
              This page only shows. The same for programs: <a href="/health">/health</a> and
              <a href="/metrics">/metrics</a>. Requests, changes of today and the newest changes are those of this
              replica since it was started.
            </p>
          </footer>
        </body>
      </html>`,
  );
}

/** The page in pieces: what happened, each entity, what was asked, changed and became otherwise. */
export function partsOf(shown: Shown): readonly Part[] {
  const { overview, requests, changes, timeline } = shown;
  const { entities, ...totals } = overview;
  const isOpen = entities.length <= OPEN_UP_TO;
  return [
    partOf('summary', [totals, usedLately(requests), entities.length], (version) => summary(shown, version)),
    ...entities.map((entity) =>
      partOf(`entity ${entity.entity}`, entityFacts(entity), (version) =>
        entityItem(entity, { version, isOpen: isOpen || entity.verdict === 'wrong', nowMs: shown.atMs }),
      ),
    ),
    partOf('requests', requests, (version) => requestsFigure(requests, version)),
    partOf('changes', changes, (version) => changesList(changes, version)),
    partOf('timeline', timeline, (version) => timelineList(timeline, version)),
  ];
}

function partOf(name: string, facts: unknown, render: (version: string) => Html): Part {
  const version = createHash('sha1').update(JSON.stringify(facts)).digest('base64url').slice(0, 12);
  let html: string | null = null;
  return { name, version, html: () => (html ??= withoutIndents(textOf(render(version)))) };
}

function withoutIndents(text: string): string {
  return text.replace(/\n +/g, '\n');
}

/** What of an entity is news; how old things are is left to the reader's clock. */
function entityFacts({ streams, ...entity }: EntityView): unknown {
  return [
    entity,
    streams.map(({ scans, ...stream }) => ({ ...stream, age_seconds: null, scans: scans?.map(({ why }) => why) })),
  ];
}

function summary({ overview, requests }: Shown, version: string): Html {
  const { verdicts, entities, streams, rows, today } = overview;
  const { used, limit } = usedLately(requests);
  const verdict =
    entities.length === 0
      ? 'Nothing is read.'
      : verdicts.wrong > 0
        ? `${counted(verdicts.wrong, 'company needs', 'companies need')} attention.`
        : verdicts.unsettled > 0
          ? `All well; ${counted(verdicts.unsettled, 'company is', 'companies are')} on the way.`
          : 'All well: every stream is fresh and complete.';
  return html`<section id="summary" data-part="summary" data-v="${version}" aria-label="Summary">
    <p class="verdict ${verdicts.wrong > 0 ? 'wrong' : verdicts.unsettled > 0 ? 'unsettled' : 'well'}">${verdict}</p>
    <dl class="figures">
      ${figure('Companies', number(entities.length), counted(streams, 'stream', 'streams'))}
      ${figure('Need attention', number(verdicts.wrong), `${number(verdicts.unsettled)} on the way`)}
      ${figure('Rows', number(rows), 'by the last sweeps')} ${figure('Changes today', number(today), 'by this replica')}
      ${figure('Requests, last minute', number(used), limit === null ? 'no limit' : `of ${number(limit)}`)}
    </dl>
  </section>`;
}

function figure(name: string, value: string, more: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd><b>${value}</b> <span>${more}</span></dd>
  </div> `;
}

interface EntityShape {
  readonly version: string;
  readonly isOpen: boolean;
  readonly nowMs: number;
}

function entityItem({ entity, verdict, rank, streams }: EntityView, { version, isOpen, nowMs }: EntityShape): Html {
  const rows = streams.reduce((sum, stream) => sum + (rowsOf(stream) ?? 0), 0);
  const today = streams.reduce((sum, stream) => sum + (stream.today === null ? 0 : totalOf(stream.today)), 0);
  const completes = streams.map(({ complete_at: complete }) => complete);
  const oldest = completes.includes(null) ? undefined : completes.filter((at) => at !== null).sort()[0];
  const worst = streams.flatMap(({ problems }) => problems).find(({ unhealthy }) => unhealthy);
  const words = worst?.reason ?? (verdict === 'unsettled' ? unsettledWord(streams) : WORDS[verdict]);
  return html`<div
    role="listitem"
    class="entity ${verdict}"
    data-part="entity ${entity}"
    data-v="${version}"
    data-rank="${rank}"
    data-entity="${entity}"
  >
    <details ${isOpen ? 'open' : ''}>
      <summary>
        <span class="name">${entity}</span>
        <span class="badge ${verdict}">${words}</span>
        <span class="brief"
          >${oldest === undefined ? '' : html`complete ${time(oldest)}, `}${number(rows)}
          rows${today > 0 ? `, ${number(today)} changed today` : ''}</span
        >
      </summary>
      ${problemList(streams)}
      <ul class="streams">
        ${streams.map((stream) => streamItem(stream, nowMs))}
      </ul>
    </details>
  </div>`;
}

/** What is wrong and what to do, each reason once, with the streams that it concerns. */
function problemList(streams: readonly StreamView[]): Html | '' {
  const all = streams.flatMap(({ problems }) => problems);
  const reasons = [...new Set(all.map(({ reason }) => reason))];
  if (reasons.length === 0) return '';
  return html`<ul class="problems">
    ${reasons.map((reason) => {
      const same = all.filter((problem) => problem.reason === reason);
      const since = same.flatMap((problem) => problem.since ?? []).sort()[0];
      return html`<li class="${same.some(({ unhealthy }) => unhealthy) ? 'wrong' : 'noted'}">
        <b>${reason}</b> ${since === undefined ? '' : lasting(since)} (${same.map(({ stream }) => stream).join(', ')}):
        ${same[0]?.do ?? ''}
      </li>`;
    })}
  </ul>`;
}

function unsettledWord(streams: readonly StreamView[]): string {
  return streams.find(({ state }) => state !== 'reading' && state !== 'not-read')?.state ?? WORDS.unsettled;
}

function streamItem(stream: StreamView, nowMs: number): Html {
  const { state, since, until, problems, today, newest_at: newest } = stream;
  const rows = rowsOf(stream);
  return html`<li>
    <div class="stream">
      <h3>${stream.stream}</h3>
      <dl>
        <div>
          <dt>State</dt>
          <dd>
            ${state}${until === null ? html` ${lasting(since)}` : html`, tried again ${time(until)}`}
            ${problems.map(
              ({ reason, unhealthy }) => html`<span class="badge ${unhealthy ? 'wrong' : 'noted'}">${reason}</span> `,
            )}
          </dd>
        </div>
        <div>
          <dt>Freshness</dt>
          <dd>${freshness(stream, nowMs)}</dd>
        </div>
        <div>
          <dt>Newest looked at</dt>
          <dd>${newest === null ? '–' : time(newest)}</dd>
        </div>
        <div>
          <dt>Rows</dt>
          <dd>${rows === null ? '–' : number(rows)}</dd>
        </div>
        ${filtersItem(stream)}
        <div>
          <dt>Changes today</dt>
          <dd>${today === null ? html`told by ${stream.owner}` : countsText(today)}</dd>
        </div>
        ${(stream.scans ?? []).map(
          ({ scan, why }) =>
            html`<div>
              <dt>Reads ${scan}</dt>
              <dd>${why.slice(scan.length + 2)}</dd>
            </div>`,
        )}
      </dl>
    </div>
  </li>`;
}

/** How old the last complete sweep is, and how old it may be; of a first sweep, how far it is. */
function freshness({ stream, complete_at: complete, stale_after_seconds: after, ...view }: StreamView, nowMs: number) {
  const { first_sweep: first, leftMs } = view;
  if (first !== null) {
    const { rows, total } = first;
    if (total === null || total === 0) return html`first sweep: ${number(rows)} rows so far`;
    return html`<progress
        aria-label="First sweep of ${stream}"
        max="${total}"
        value="${Math.min(rows, total)}"
      ></progress>
      first sweep: ${number(Math.floor((100 * Math.min(rows, total)) / total))} % of
      ${number(total)}${leftMs === null ? '' : `, about ${duration(leftMs)} left`}`;
  }
  if (complete === null) return html`no complete sweep yet`;
  if (after === null) return html`complete ${time(complete)}`;
  const age = Math.max(0, Math.round((nowMs - Date.parse(complete)) / 1_000));
  return html`<meter
      aria-label="Age of ${stream} against its target"
      min="0"
      max="${after}"
      high="${Math.round(after * 0.8)}"
      optimum="0"
      value="${Math.min(age, after)}"
      data-since="${complete}"
    ></meter>
    complete ${time(complete)}, target ${duration(after * 1_000)}`;
}

function requestsFigure(requests: RequestHour, version: string): Html {
  const { byAsker, minutesMs, limit } = requests;
  const sums = ASKERS.map((asker) => [asker, byAsker[asker].reduce((sum, one) => sum + one, 0)] as const);
  const all = sums.reduce((sum, [, one]) => sum + one, 0);
  const most = Math.max(0, ...minutesMs.map((_, index) => totalAt(requests, index)));
  const plot = {
    minutes: minutesMs.map((ms) => ms / 1_000),
    limit,
    series: ASKERS.map((asker) => ({ name: ASKER_WORDS[asker], asker, values: byAsker[asker] })),
  };
  return html`<div data-part="requests" data-v="${version}" data-plot="${JSON.stringify(plot)}">
    <p id="allowance-text">
      ${counted(all, 'request', 'requests')} in the last hour, at most ${number(most)} in a
      minute${limit === null ? '; there is no limit' : `; the allowance is ${number(limit)} a minute`}.
    </p>
    <ul class="legend">
      ${sums.map(
        ([asker, sum]) => html`<li><span class="key ${asker}"></span>${ASKER_WORDS[asker]} <b>${number(sum)}</b></li> `,
      )}
    </ul>
  </div>`;
}

function changesList(changes: readonly RecentChange[], version: string): Html {
  const items = changes.map(
    (change) =>
      html`<li>
        ${time(change.atMs)} <span><b>${change.entity}</b> ${change.stream}:</span> <span>${changeText(change)}</span>
      </li>`,
  );
  return listOf({ name: 'changes', version, items, none: 'Nothing has changed since this replica was started.' });
}

function changeText(change: RecentChange): string {
  const found = change.scan === null ? '' : `, found by ${change.scan}`;
  if (change.kind === 'bulk') return `${countsText(change.counts)}${found}`;
  const late = change.lateMs === null ? '' : `, at most ${latest(change.lateMs)} late`;
  return `${change.id} ${OP_WORDS[change.op]}${found}${late}`;
}

function timelineList(timeline: readonly StateChange[], version: string): Html {
  const items = timeline.map(
    ({ atMs, entity, stream, before, now }) =>
      html`<li>
        ${time(atMs)} <span><b>${entity}</b> ${stream}:</span>
        <span>${before === null ? '' : html`${standing(before)} → `}${standing(now)}</span>
      </li>`,
  );
  const none = 'No stream has changed its state since this replica was started.';
  return listOf({ name: 'timeline', version, items, none });
}

function standing({ state, reason }: Standing): string {
  return reason === null ? state : `${state} (${reason})`;
}

function totalAt({ byAsker }: RequestHour, index: number): number {
  return ASKERS.reduce((sum, asker) => sum + (byAsker[asker][index] ?? 0), 0);
}

/** The requests of the last minute that is over. */
function usedLately(requests: RequestHour): { readonly used: number; readonly limit: number | null } {
  return { used: totalAt(requests, requests.minutesMs.length - 2), limit: requests.limit };
}
