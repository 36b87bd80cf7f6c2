import type { LifeRates } from '../../simulator/life';
import type { UnprovenModes } from '../../simulator/unproven';
import type { StreamDeclaration } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import { PAGE_ROWS } from '../../src/rules/paging';
import type { Rhythm } from '../../src/reading/stream-reading';
import { guaranteesOf, pagesOf, type ScheduleSettings } from '../../src/rules/rhythm';
import { isoDay, listParams, queryOf } from '../../src/rules/scope';
import { usualStreams } from '../../src/sources/streams/all-streams';
import { changeKinds, createTally, delayCells, shownMs, type Delays, type KindOfChange } from './delays';
import { fixed, median, percentile, surroundings, table } from './tables';
import { createVirtualApi, type Trouble, type VirtualApi, type VirtualCompany } from './virtual/api';
import { createVirtualKafka, startVirtualService, virtualRecordOf } from './virtual/service';
import { beginVirtualTime } from './virtual/time';

/** Companies, what happens in them, and for how long. */
export interface Scene {
  readonly companies: readonly VirtualCompany[];
  readonly hours: number;
  /** Times a minute, all companies together. */
  readonly rates: LifeRates;
  readonly rhythm: Rhythm;
  readonly trouble: Trouble | null;
  /** What the API makes of filters that may or may not work; default nothing. */
  readonly filters?: UnprovenModes;
  /** Whether the totals of lists are wrong, so that no search goes by them; default not. */
  readonly totalsLie?: boolean;
  /** A crash so often; null = never. */
  readonly killEveryMinutes: number | null;
  /** Share of the rows that may be deleted within a day. */
  readonly maxShare: number;
}

/** What was measured from the first complete sweep of everything on. */
export interface Freshness {
  readonly delays: ReadonlyMap<KindOfChange, Delays>;
  readonly falseDeletions: number;
  readonly requests: ReturnType<VirtualApi['stats']>;
  readonly minutes: number;
  /** From the end of one sweep of an entity's invoices to the end of the next, in milliseconds. */
  readonly sweepsMs: readonly number[];
  /** Until every list had been read once. */
  readonly syncedAfterMs: number;
  readonly restarts: number;
  /** Anything that was parked, held or warned of, and how often. */
  readonly remarks: ReadonlyMap<string, number>;
  /** Requests of one walk over everything that a kind of change is found by. */
  readonly walks: ReadonlyMap<KindOfChange, number>;
}

const REQUESTS_PER_MINUTE = 300;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** In the morning, so that most hours of a run are of one date. */
const START_MS = Date.parse('2026-03-02T06:00:00Z');
const LONGEST_SYNC_MS = 48 * HOUR;
const STEP_MS = 5 * MINUTE;
const DOWN_MS = 5_000;
const PROOF_MS = 45 * MINUTE;
const RECENT_DAYS = 45;
/** The defaults of `schedule.*`. */
const SETTINGS: ScheduleSettings = {
  newestSeconds: 300,
  correctionsNewestSeconds: 1_800,
  clientsNewestSeconds: 1_800,
  openSeconds: 7_200,
  recentSeconds: 14_400,
  sweepSeconds: 21_600,
};

/** The schedule as it is by default, some settings apart. */
export function defaultRhythm(settings: Partial<ScheduleSettings> = {}): Rhythm {
  return {
    guarantees: (stream) => guaranteesOf({ ...SETTINGS, ...settings }, stream),
    recentDays: RECENT_DAYS,
    provesFilters: true,
  };
}

/** Plays a scene in virtual time. */
export async function play(scene: Scene, say: (text: string) => void = () => undefined): Promise<Freshness> {
  const {
    companies,
    hours,
    rates,
    rhythm,
    trouble,
    killEveryMinutes,
    maxShare,
    filters = {},
    totalsLie = false,
  } = scene;
  const time = beginVirtualTime(START_MS);
  try {
    const tally = createTally();
    const api = createVirtualApi({
      time,
      companies,
      requestsPerMinute: REQUESTS_PER_MINUTE,
      recentDays: RECENT_DAYS,
      trouble,
      filters,
      totalsLie,
      onChange: (change) => tally.changed(change),
    });
    const kafka = createVirtualKafka((records) => {
      for (const record of records) {
        const { change: shown, ...place } = virtualRecordOf(record);
        const shows = (change: { readonly number: number }): boolean => shown === null || shown >= change.number;
        tally.observed({ ...place, atMs: time.now(), shows, tombstone: shown === null });
      }
    });
    const sweeps = new Map<string, number[]>();
    const remarks = new Map<string, number>();
    const onProgress = (progress: Progress): void => {
      if (progress.kind === 'sweep') {
        const name = `${progress.entity} ${progress.stream}`;
        sweeps.set(name, [...(sweeps.get(name) ?? []), time.now()]);
      }
      const isUsual = ['page', 'sweep', 'filters', 'rhythm'].includes(progress.kind);
      if (isUsual) return;
      const remark = 'reason' in progress ? `${progress.kind}: ${progress.reason}` : progress.kind;
      remarks.set(remark, (remarks.get(remark) ?? 0) + 1);
    };
    const start = () =>
      startVirtualService({
        time,
        api,
        kafka,
        entities: companies.map(({ id }) => id),
        streams: usualStreams,
        requestsPerMinute: REQUESTS_PER_MINUTE,
        rhythm,
        maxShare,
        onProgress,
      });
    let service = start();
    const pass = async (ms: number): Promise<void> => {
      await time.pass(ms);
      if (service.failure() !== null) throw service.failure();
    };

    while (sweeps.size < companies.length * usualStreams.length) {
      if (time.now() > START_MS + LONGEST_SYNC_MS) throw new Error('not everything was read once in two days');
      await pass(MINUTE);
    }
    const syncedAfterMs = time.now() - START_MS;
    await pass(STEP_MS);
    if (Object.keys(filters).length > 0) {
      // Filters prove themselves, by edits too, which are seen only where something happens.
      api.live(rates);
      await pass(PROOF_MS);
    }
    tally.beginAnew();
    api.resetStats();
    sweeps.clear();
    const from = time.now();
    const until = from + hours * HOUR;
    api.live(rates);
    let restarts = 0;
    let killAt = killEveryMinutes === null ? Infinity : from + killEveryMinutes * MINUTE;
    let told = from;
    while (time.now() < until) {
      await pass(Math.min(STEP_MS, until - time.now(), killAt - time.now()));
      if (time.now() >= told + HOUR) {
        told = time.now();
        say(`  ${fixed((told - from) / HOUR)} of ${hours} h`);
      }
      if (time.now() < killAt) continue;
      service.kill();
      await time.pass(DOWN_MS);
      service = start();
      restarts += 1;
      killAt = time.now() + (killEveryMinutes ?? Infinity) * MINUTE;
    }
    const result = {
      delays: tally.delays(time.now()),
      falseDeletions: tally.falseDeletions(),
      requests: api.stats(),
      minutes: (time.now() - from) / MINUTE,
      sweepsMs: [...sweeps].filter(([name]) => name.endsWith(' invoices')).flatMap(([, ends]) => gapsOf(ends)),
      syncedAfterMs,
      restarts,
      remarks,
      walks: walksOf(api, time.now()),
    };
    service.kill();
    return result;
  } finally {
    time.end();
  }
}

function gapsOf(times: readonly number[]): number[] {
  return times.slice(1).map((at, index) => at - (times[index] ?? 0));
}

/** How many requests it takes to look once wherever a change of a kind can show. */
function walksOf(api: VirtualApi, nowMs: number): ReadonlyMap<KindOfChange, number> {
  const everything = { from: null, to: null, order: 'asc' } as const;
  const pages = (streams: readonly StreamDeclaration[], scan: 'open' | 'recent' | 'sweep'): number =>
    streams
      .flatMap((stream) => {
        const query = queryOf(scan, everything, isoDay(nowMs), RECENT_DAYS) ?? everything;
        return api.totals(stream.name, listParams(stream, query));
      })
      .reduce((sum, total) => sum + pagesOf(total, PAGE_ROWS), 0);
  const documents = usualStreams.filter(({ scopeField }) => scopeField !== null);
  const others = usualStreams.filter(({ scopeField }) => scopeField === null);
  const entities = api.totals('clients', {}).length;
  return new Map<KindOfChange, number>([
    ['new invoice', entities],
    ['new correction', entities],
    ['new client', entities],
    ['paid', pages(documents, 'open')],
    ['edited, unpaid', pages(documents, 'open')],
    ['edited, recent', pages(documents, 'recent')],
    ['edited, old', pages(documents, 'sweep')],
    ['edited client', pages(others, 'sweep')],
    ['deleted', pages(usualStreams, 'sweep')],
  ]);
}

/** Filters that the API heeds, by what they are called in the arguments. */
export const FILTERS = {
  none: {},
  paid: { paid_date_gteq: 'works' },
  changed: { updated_at_gteq: 'works' },
  works: { paid_date_gteq: 'works', updated_at_gteq: 'works', created_at_gteq: 'works', id_gt: 'works' },
} satisfies Readonly<Record<string, UnprovenModes>>;

/** Which scenes to play. */
export interface FreshnessOptions {
  /** Stretches or shortens every scene. */
  readonly hours: number | null;
  /** Of how many companies; null = all scenes. */
  readonly companies: number | null;
  /** Which filters the API heeds beside those that it is known to. */
  readonly filters: keyof typeof FILTERS;
  /** Whether totals are wrong, so that no search goes by them. */
  readonly totalsLie: boolean;
}

interface Size {
  /** What is particular about it, behind the number of companies; empty = nothing. */
  readonly about: string;
  readonly companies: Scene['companies'];
  readonly hours: number;
  readonly rates: LifeRates;
}

function companiesOf(count: number, invoicesOf: (share: number) => number): Scene['companies'] {
  return Array.from({ length: count }, (_, at) => {
    const invoices = Math.round(invoicesOf(count === 1 ? 1 : at / (count - 1)));
    return { id: `company-${at + 1}`, clients: Math.round(invoices / 10), invoices };
  });
}

/** Ten companies that share what there is. */
export const tenCompanies: Pick<Scene, 'companies' | 'rates'> = {
  companies: companiesOf(10, () => 5_000),
  rates: { issue: 4, pay: 4, edit: 8, remove: 0.5 },
};

const oneCompany: Scene['companies'] = companiesOf(1, () => 20_000);
/** Most are small: 2 000 to 20 000 invoices, 4 600 in the mean. */
const hundredCompanies: Pick<Scene, 'companies' | 'rates'> = {
  companies: companiesOf(100, (share) => 2_000 + 18_000 * share ** 6),
  rates: { issue: 8, pay: 8, edit: 16, remove: 0.5 },
};
/** As much happens in each of ten as in 81 of the others: nine tenths of all. */
const BUSY_WEIGHT = 81;
const busyTen = hundredCompanies.companies.map((company, at) =>
  at % 10 === 0 ? { ...company, weight: BUSY_WEIGHT } : company,
);

const SIZES: readonly Size[] = [
  { about: '', companies: oneCompany, hours: 6, rates: { issue: 2, pay: 2, edit: 4, remove: 0.1 } },
  { about: ', in which nothing happens', companies: oneCompany, hours: 24, rates: {} },
  { about: '', ...tenCompanies, hours: 6 },
  { about: '', ...hundredCompanies, hours: 8 },
  { about: ', ten of them with nine tenths of all changes', ...hundredCompanies, companies: busyTen, hours: 8 },
];
const TROUBLE_HOURS = 6;
const TROUBLE = { failing: 0.02, hanging: 0.001 };

/** Changes made by the simulator against what a consumer gets, in virtual time; returns the markdown to print. */
export async function freshness(options: FreshnessOptions, say: (text: string) => void): Promise<string> {
  const parts = [surroundings(), treatmentText(options)];
  const treated = { filters: FILTERS[options.filters], totalsLie: options.totalsLie };
  const quiet = { trouble: null, killEveryMinutes: null, maxShare: 0.01, ...treated };
  const wanted = (count: number): boolean => options.companies === null || options.companies === count;
  for (const size of SIZES) {
    const count = size.companies.length;
    if (!wanted(count)) continue;
    const hours = options.hours ?? size.hours;
    say(`${count} companies${size.about}, ${hours} h`);
    const scheduled = await play({ ...quiet, ...size, hours, rhythm: defaultRhythm() }, say);
    parts.push(sizeReport(size, hours, scheduled));
  }
  if (wanted(tenCompanies.companies.length)) {
    const hours = options.hours ?? TROUBLE_HOURS;
    say(`10 companies, ${hours} h: with trouble`);
    const rates = { ...tenCompanies.rates, remove: 4 };
    const harsh = { killEveryMinutes: 17, trouble: TROUBLE, maxShare: 1, ...treated };
    parts.push(
      troubleReport(await play({ ...tenCompanies, ...harsh, rates, hours, rhythm: defaultRhythm() }, say), hours),
    );
  }
  return parts.join('\n');
}

function treatmentText({ filters, totalsLie }: FreshnessOptions): string {
  const heeded = Object.keys(FILTERS[filters]).map((name) => `q[${name}]`);
  return `Filters that the API heeds besides: ${heeded.join(', ') || 'none'}; totals are ${totalsLie ? 'one too small' : 'right'}.\n`;
}

function sizeReport({ about, companies, rates }: Size, hours: number, scheduled: Freshness): string {
  const sizes = companies.map(({ invoices }) => invoices);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const happens = Object.entries(rates).map(([kind, rate]) => `${kind} ${rate}`);
  return [
    `### ${companies.length === 1 ? 'One company' : `${companies.length} companies`} of ${least === most ? fixed(least) : `${fixed(least)}-${fixed(most)}`} invoices${about}\n`,
    `${hours} h after the first complete sweep; a minute, all together: ${happens.join(', ') || 'nothing'}.\n`,
    table([
      ['delay: p50 / p95 / longest', 'changes', 'the schedule', 'not seen yet (oldest)', 'best of walks alone'],
      ...changeKinds.map((kind) => {
        const delays = scheduled.delays.get(kind) ?? { seenAfterMs: [], waitingMs: [] };
        const [count = '', p50 = '', p95 = '', longest = '', waiting = ''] = delayCells(delays);
        return [kind, count, `${p50} / ${p95} / ${longest}`, waiting, bestOf(kind, scheduled.walks.get(kind) ?? NaN)];
      }),
    ]),
    `Mean of all changes that were seen: ${meanOf(scheduled)}.\n`,
    runTable([['the schedule', scheduled]]),
  ].join('\n');
}

function meanOf({ delays }: Freshness): string {
  const seen = [...delays.values()].flatMap(({ seenAfterMs }) => seenAfterMs);
  return seen.length === 0 ? 'there is none' : shownMs(seen.reduce((sum, ms) => sum + ms, 0) / seen.length);
}

/** Changes fall evenly into the time that a walk takes if it has all requests to itself; a deletion needs two. */
function bestOf(kind: KindOfChange, pages: number): string {
  const walkMs = (pages * MINUTE) / REQUESTS_PER_MINUTE;
  const sweeps = kind === 'deleted' ? 1 : 0;
  return [0.5, 0.95, 1].map((share) => shownMs((sweeps + share) * walkMs)).join(' / ');
}

function runTable(runs: readonly (readonly [string, Freshness])[]): string {
  const scans = [...new Set(runs.flatMap(([, { requests }]) => [...requests.byScan.keys()]))].sort();
  const row = (name: string, cell: (run: Freshness) => string): string[] => [name, ...runs.map(([, run]) => cell(run))];
  return table([
    ['', ...runs.map(([name]) => name)],
    row('share of the allowance used', ({ requests, minutes }) => {
      return `${fixed((requests.total / (REQUESTS_PER_MINUTE * minutes)) * 100, 1)} %`;
    }),
    row('answers 429', ({ requests }) => fixed(requests.refused)),
    row('most requests in any 60 s', ({ requests }) => fixed(requests.mostPerMinute)),
    ...scans.map((scan) =>
      row(`requests a minute: ${scan}`, ({ requests, minutes }) =>
        fixed((requests.byScan.get(scan) ?? 0) / minutes, 1),
      ),
    ),
    row('sweep to sweep of invoices, median / p95', ({ sweepsMs }) => {
      return `${shownMs(median(sweepsMs))} / ${shownMs(percentile(sweepsMs, 0.95))}`;
    }),
    row('first sweep of everything', ({ syncedAfterMs }) => shownMs(syncedAfterMs)),
    row('false deletions', ({ falseDeletions }) => fixed(falseDeletions)),
    row('parked, held, warned of', ({ remarks }) => {
      return [...remarks].map(([remark, times]) => `${remark} ${times}`).join(', ') || 'nothing';
    }),
  ]);
}

function troubleReport(run: Freshness, hours: number): string {
  const deleted = run.delays.get('deleted') ?? { seenAfterMs: [], waitingMs: [] };
  return [
    '### With trouble: 10 companies of 5 000 invoices\n',
    `${hours} h; ${TROUBLE.failing * 100} % of the requests fail, ${TROUBLE.hanging * 100} % hang, a crash every 17 minutes, eight times as many deletions.\n`,
    table([
      ['', ''],
      ['restarts', fixed(run.restarts)],
      ['deleted', fixed(deleted.seenAfterMs.length + deleted.waitingMs.length)],
      ['published as deleted', fixed(deleted.seenAfterMs.length)],
      ['false deletions', fixed(run.falseDeletions)],
    ]),
    table([
      ['delay', 'changes', 'p50', 'p95', 'longest', 'not seen yet (oldest)'],
      ...changeKinds.map((kind) => [kind, ...delayCells(run.delays.get(kind) ?? { seenAfterMs: [], waitingMs: [] })]),
    ]),
    runTable([['with trouble', run]]),
  ].join('\n');
}
