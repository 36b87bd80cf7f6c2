import type { LifeRates } from '../../simulator/life';
import type { UnprovenModes } from '../../simulator/unproven';
import { usualStreams } from '../../src/sources/streams/all-streams';
import { shownMs } from './delays';
import { defaultRhythm, tenCompanies } from './freshness';
import { fixed, percentile, surroundings, table } from './tables';
import { createVirtualApi, type VirtualApi, type VirtualCompany } from './virtual/api';
import { createVirtualKafka, isKsefRecord, startVirtualService, virtualKsefRecordOf } from './virtual/service';
import { beginVirtualTime } from './virtual/time';

/** Companies whose documents go to KSeF, and for how long. */
export interface KsefScene {
  readonly companies: readonly VirtualCompany[];
  readonly hours: number;
  readonly rates: LifeRates;
  /** What lists tell of KSeF, of themselves or by name; nothing = details alone do. */
  readonly lists: UnprovenModes;
  /** A crash so often; null = never. */
  readonly killEveryMinutes: number | null;
}

/** What was measured once what was there before had been read. */
export interface KsefFigures {
  /** From KSeF's clearing, known to the second before, to the commit of the number, of documents added since. */
  readonly delaysMs: readonly number[];
  /** Ages of numbers that are on no topic yet. */
  readonly missingMs: readonly number[];
  /** Numbers that were published more than once. */
  readonly doubled: number;
  /** Records whose number is not the document's own. */
  readonly wrong: number;
  readonly requests: ReturnType<VirtualApi['stats']>;
  readonly minutes: number;
  readonly restarts: number;
  /** What was there before: documents, and what reading them took. */
  readonly backFill: { readonly documents: number; readonly ms: number; readonly requests: number };
}

const REQUESTS_PER_MINUTE = 300;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const START_MS = Date.parse('2026-03-02T06:00:00Z');
const FROM = '2026-02-01';
const LONGEST_FILL_MS = 48 * HOUR;
const DOWN_MS = 5 * SECOND;

/** Plays a scene in virtual time. */
export async function playKsef(scene: KsefScene): Promise<KsefFigures> {
  const { companies, hours, rates, lists, killEveryMinutes } = scene;
  const time = beginVirtualTime(START_MS);
  try {
    const api = createVirtualApi({
      time,
      companies,
      requestsPerMinute: REQUESTS_PER_MINUTE,
      recentDays: 45,
      trouble: null,
      filters: lists,
      totalsLie: false,
      onChange: () => undefined,
    });
    /** When each state was published, by document. */
    const told = new Map<string, { readonly atMs: number; readonly number: string | null }[]>();
    const kafka = createVirtualKafka((records) => {
      for (const record of records) {
        const shown = isKsefRecord(record) ? virtualKsefRecordOf(record) : null;
        if (shown === null) continue;
        const states = told.get(keyOf(shown)) ?? [];
        told.set(keyOf(shown), [...states, { atMs: time.now(), number: shown.number }]);
      }
    });
    const start = () =>
      startVirtualService({
        time,
        api,
        kafka,
        entities: companies.map(({ id }) => id),
        streams: usualStreams,
        requestsPerMinute: REQUESTS_PER_MINUTE,
        rhythm: defaultRhythm(),
        maxShare: 0.01,
        ksefFrom: FROM,
        onProgress: () => undefined,
      });
    let service = start();
    const pass = async (ms: number): Promise<void> => {
      await time.pass(ms);
      if (service.failure() !== null) throw service.failure();
    };
    const before = api.inKsef(FROM);
    while (before.some((document) => !told.has(keyOf(document)))) {
      if (time.now() > START_MS + LONGEST_FILL_MS) throw new Error('what was there was not read in two days');
      await pass(MINUTE);
    }
    const { details, pages } = api.stats().forKsef;
    const backFill = { documents: before.length, ms: time.now() - START_MS, requests: details + pages };
    api.live(rates);
    await pass(HOUR);
    api.resetStats();
    const from = time.now();
    const until = from + hours * HOUR;
    let restarts = 0;
    let killAt = killEveryMinutes === null ? Infinity : from + killEveryMinutes * MINUTE;
    while (time.now() < until) {
      await pass(Math.min(5 * MINUTE, until - time.now(), killAt - time.now()));
      if (time.now() < killAt) continue;
      service.kill();
      await time.pass(DOWN_MS);
      service = start();
      restarts += 1;
      killAt = time.now() + (killEveryMinutes ?? Infinity) * MINUTE;
    }
    const requests = api.stats();
    const documents = api.inKsef(FROM);
    service.kill();
    return {
      ...judge(documents, told, { from, until: time.now() }),
      requests,
      minutes: (time.now() - from) / MINUTE,
      restarts,
      backFill,
    };
  } finally {
    time.end();
  }
}

function keyOf({
  entity,
  stream,
  id,
}: {
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
}): string {
  return `${entity} ${stream} ${id}`;
}

function judge(
  documents: ReturnType<VirtualApi['inKsef']>,
  told: ReadonlyMap<string, readonly { readonly atMs: number; readonly number: string | null }[]>,
  { from, until }: { readonly from: number; readonly until: number },
): Pick<KsefFigures, 'delaysMs' | 'missingMs' | 'doubled' | 'wrong'> {
  const delaysMs: number[] = [];
  const missingMs: number[] = [];
  let doubled = 0;
  let wrong = 0;
  for (const document of documents) {
    const { number, finishedMs, addedMs } = document;
    const numbered = (told.get(keyOf(document)) ?? []).filter((state) => state.number !== null);
    if (numbered.length > 1) doubled += 1;
    if (numbered.some((state) => state.number !== number)) wrong += 1;
    if (number === null || finishedMs === null || (addedMs !== null && finishedMs < from)) continue;
    const [first] = numbered;
    if (first === undefined) missingMs.push(until - finishedMs);
    else if (addedMs !== null) delaysMs.push(first.atMs - finishedMs);
  }
  return { delaysMs, missingMs, doubled, wrong };
}

const SCENES: readonly (Pick<KsefScene, 'lists' | 'killEveryMinutes'> & { readonly about: string })[] = [
  { about: 'details alone', lists: {}, killEveryMinutes: null },
  { about: '`fields=` works', lists: { fields: 'works' }, killEveryMinutes: null },
  { about: 'list rows show it', lists: { ksef: 'works' }, killEveryMinutes: null },
  { about: 'details, 21 crashes', lists: {}, killEveryMinutes: 0 },
];
const CRASHES = 21;

/** How long numbers of KSeF take to a consumer and what they cost, in virtual time; returns the markdown to print. */
export async function ksef({ hours }: { readonly hours: number }, say: (text: string) => void): Promise<string> {
  const runs: (readonly [string, KsefFigures])[] = [];
  for (const { about, lists, killEveryMinutes } of SCENES) {
    say(`10 companies, ${hours} h: ${about}`);
    const everyMinutes = killEveryMinutes === null ? null : (hours * 60) / (CRASHES + 1);
    const run = await playKsef({ ...tenCompanies, hours, lists, killEveryMinutes: everyMinutes });
    say(
      `  ${run.delaysMs.length} numbers, p95 ${shownMs(percentile(run.delaysMs, 0.95))}, ${run.missingMs.length} missing`,
    );
    runs.push([about, run]);
  }
  const row = (name: string, cell: (run: KsefFigures) => string): string[] => [
    name,
    ...runs.map(([, run]) => cell(run)),
  ];
  const perMinute = ({ requests: { forKsef }, minutes }: KsefFigures): number =>
    (forKsef.details + forKsef.pages) / minutes;
  return [
    surroundings(),
    `10 companies of 5 000 invoices, ${hours} h after an hour of life; a minute, all together: ${Object.entries(
      tenCompanies.rates,
    )
      .map(([kind, rate]) => `${kind} ${rate}`)
      .join(', ')}; KSeF answers after 60 to 120 s.\n`,
    table([
      ['what', ...runs.map(([name]) => name)],
      row('numbers of new documents', ({ delaysMs }) => fixed(delaysMs.length)),
      row('KSeF to topic: p50 / p95 / longest', ({ delaysMs }) =>
        [percentile(delaysMs, 0.5), percentile(delaysMs, 0.95), Math.max(...delaysMs)].map(shownMs).join(' / '),
      ),
      row('not there at the end (oldest)', ({ missingMs }) =>
        missingMs.length === 0 ? '0' : `${missingMs.length} (${shownMs(Math.max(...missingMs))})`,
      ),
      row('numbers twice; wrong', ({ doubled, wrong }) => `${doubled}; ${wrong}`),
      row('requests a minute for KSeF', (run) => fixed(perMinute(run), 1)),
      row('share of the allowance', (run) => `${fixed((100 * perMinute(run)) / REQUESTS_PER_MINUTE, 1)} %`),
      row('details; pages', ({ requests: { forKsef } }) => `${fixed(forKsef.details)}; ${fixed(forKsef.pages)}`),
      row('all requests a minute', ({ requests, minutes }) => fixed(requests.total / minutes, 1)),
      row('crashes', ({ restarts }) => fixed(restarts)),
      row('back-fill: documents, requests, time', ({ backFill }) =>
        [fixed(backFill.documents), fixed(backFill.requests), shownMs(backFill.ms)].join(', '),
      ),
    ]),
  ].join('\n');
}
