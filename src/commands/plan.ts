import { existsSync } from 'node:fs';

import type { Config } from '../../config/config';
import { serviceSchema } from '../../config/schema';
import { asError } from '../errors';
import type { ExpectedStream, OutlookSetting } from '../rules/foreseen-reading';
import { addressesFor, outlookOf, slowdownOf, type Outlook } from '../rules/outlook';
import { WORKING_MINUTES } from '../rules/typical-company';
import { kafkaSettings } from '../service/cluster';
import { createKafka } from '../sinks/client';
import {
  streamsAdded,
  streamsKnown,
  UNKNOWN_INVOICES,
  type AddedCompanies,
  type KnownStream,
} from '../upkeep/expected-streams';
import { readRemembered, type StreamView } from '../upkeep/remembered';
import { command, type Values } from './command';
import { configHelp, configOptions, printLines, setUp, usageError, type Io } from './io';
import { assumedTexts, outlookText, type OutlookAbout } from './outlook-text';

const help = `Usage: infakt-kafka plan [--add 50x5000] [--new-per-day 200] [options]

Foresees how fresh the topics will be: how long each kind of change takes, how
many requests that uses, how long the first reading lasts, and how many IP
addresses are needed. It is computed by the rule that the service reads by,
for the configured entities as the state topic knows them and for companies
that are only thought of. Changes nothing and asks inFakt nothing.

Works without a configuration and without Kafka too, with --add alone, and
says what it has assumed.

Options
  --add NxROWS       so many companies more, of so many invoices each; may be
                     given several times
  --new-per-day N    new invoices a day, of all companies of --add together
  --within SECONDS   says too how many IP addresses it takes until new
                     documents and payments come within so many seconds
  --json             one JSON object on stdout
${configHelp}

Exit code: 0 done, 2 configuration or usage.
`;

const DEADLINE_MS = 20_000;
const MOST_COMPANIES = 2_000;
const MOST_INVOICES = 10_000_000;

const options = {
  ...configOptions,
  add: { type: 'string', multiple: true, default: [] as string[] },
  'new-per-day': { type: 'string' },
  within: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** `infakt-kafka plan`: foresees freshness, requests and addresses. */
export const planCommand = command({
  help,
  options,
  async run(values, io) {
    const added = addedIn(values.add);
    const newPerDay = numberIn('--new-per-day', 'new invoices a day', values['new-per-day']);
    const seconds = numberIn('--within', 'seconds', values.within);
    if (newPerDay !== null && added.length === 0)
      throw usageError('--new-per-day is about the companies of --add, and there is none, e.g. --add 50x5000');
    const known = await knownCompanies(values, io, added.length > 0);
    const { schedule, requestsPerMinute } = known;
    const streams = [...known.streams, ...streamsAdded(added, { recentDays: schedule.recentDays, newPerDay })];
    const setting: OutlookSetting = { settings: schedule, requestsPerMinute };
    const outlook = outlookOf(streams, setting);
    const about: OutlookAbout = {
      companies: companiesText(known.streams, added),
      requestsPerMinute,
      forGuarantees: addressesFor(setting, (given) => slowdownOf(streams, given) === 1),
      within: seconds === null ? null : { seconds, addresses: addressesWithin(streams, setting, seconds) },
      assumed: [...known.notes, ...addedNotes(added, newPerDay, known.streams)],
    };
    if (values.json) io.stdout(`${JSON.stringify(asJson(outlook, about))}\n`);
    else for (const line of outlookText(outlook, about)) printLines(io, line, 4);
    return 0;
  },
});

/** What is read as configured. */
interface KnownCompanies {
  readonly schedule: OutlookSetting['settings'] & { readonly recentDays: number };
  readonly requestsPerMinute: number;
  readonly streams: readonly KnownStream[];
  /** What is known from where. */
  readonly notes: readonly string[];
}

/** The configured entities as the state topic knows them; without a service file none, where other companies are thought of. */
async function knownCompanies(
  values: Pick<Values<typeof options>, 'config' | 'entities'>,
  io: Io,
  areOthers: boolean,
): Promise<KnownCompanies> {
  if (areOthers && !existsSync(values.config)) {
    const { schedule, infakt } = serviceSchema;
    return {
      schedule: {
        allowance: schedule.allowance.default,
        newestSeconds: schedule.newestSeconds.default,
        correctionsNewestSeconds: schedule.correctionsNewestSeconds.default,
        clientsNewestSeconds: schedule.clientsNewestSeconds.default,
        openSeconds: schedule.openSeconds.default,
        recentSeconds: schedule.recentSeconds.default,
        sweepSeconds: schedule.sweepSeconds.default,
        recentDays: schedule.recentDays.default,
      },
      requestsPerMinute: infakt.requestsPerMinute.default,
      streams: [],
      notes: [
        `there is no service file ${values.config}: settings are those that hold by default, and no entity is configured`,
      ],
    };
  }
  const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
  const { service, entities } = config;
  const enabled = entities.filter((entity) => entity.enabled);
  const { views, note } = await viewsOf(config, { kafkaLog, secrets }, io);
  const { recentDays } = service.schedule;
  const streams = streamsKnown(enabled, views, { recentDays, nowMs: Date.now() });
  return {
    schedule: service.schedule,
    requestsPerMinute: service.infakt.requestsPerMinute,
    streams,
    notes: [...(note === null ? [] : [note]), ...knownNotes(streams)],
  };
}

async function viewsOf(
  { service }: Config,
  { kafkaLog, secrets }: Pick<ReturnType<typeof setUp>, 'kafkaLog' | 'secrets'>,
  io: Io,
): Promise<{ readonly views: readonly StreamView[]; readonly note: string | null }> {
  const topic = `${service.topics.prefix}.state`;
  const asked = { serviceId: service.service.id, topic, stop: io.stop, deadlineMs: DEADLINE_MS };
  try {
    const { streams } = await readRemembered(createKafka(kafkaSettings({ service }, secrets), kafkaLog), asked);
    return { views: streams, note: null };
  } catch (error) {
    return {
      views: [],
      note: `${topic} could not be read (${asError(error).message}), so nothing is known of the entities`,
    };
  }
}

function addedIn(specs: readonly string[]): readonly AddedCompanies[] {
  return specs.map((spec) => {
    const [, count, invoices] = /^(\d{1,9})x(\d{1,9})$/.exec(spec) ?? [];
    const added = { count: Number(count), invoices: Number(invoices) };
    const isUsable = added.count >= 1 && added.count <= MOST_COMPANIES && added.invoices <= MOST_INVOICES;
    if (!isUsable)
      throw usageError(
        `--add expects companies x invoices of each, up to ${MOST_COMPANIES}x${MOST_INVOICES}, e.g. 50x5000, got "${spec}"`,
      );
    return added;
  });
}

function numberIn(option: string, what: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
    throw usageError(`${option} expects a whole number of ${what}, 1 or more, got "${text}"`);
  return Number(text);
}

/** Addresses by which new documents and payments come soon enough, 19 of 20. */
function addressesWithin(streams: readonly ExpectedStream[], setting: OutlookSetting, seconds: number): number | null {
  return addressesFor(setting, (given) =>
    outlookOf(streams, given)
      .delays.filter(({ change, stream }) => change === 'paid' || (change === 'new' && stream === 'invoices'))
      .every(({ p95Ms }) => p95Ms <= seconds * 1_000),
  );
}

function companiesText(known: readonly KnownStream[], added: readonly AddedCompanies[]): string {
  const configured = new Set(known.map(({ entity }) => entity)).size;
  const parts = [
    ...(configured === 0 ? [] : [`${configured} ${configured === 1 ? 'company' : 'companies'} as configured`]),
    ...added.map(({ count, invoices }) => `${count} ${count === 1 ? 'company' : 'companies'} of ${invoices} invoices`),
  ];
  return parts.length === 1 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

/** Of the configured entities, what is known from where. */
function knownNotes(streams: readonly KnownStream[]): readonly string[] {
  const entitiesOf = (some: readonly KnownStream[]): number => new Set(some.map(({ entity }) => entity)).size;
  const uncounted = streams.filter(({ isCounted }) => !isCounted);
  const typical = streams.filter(({ ratesFrom }) => ratesFrom === 'what is typical');
  return [
    ...(uncounted.length === streams.length
      ? []
      : ['rows are those of the ledger, and unpaid and recent ones those of the last walks']),
    ...(uncounted.length === 0
      ? []
      : [
          `nothing was read yet of ${uncounted.length} streams of ${entitiesOf(uncounted)} entities: they count as of ${UNKNOWN_INVOICES} invoices each where those are not known`,
        ]),
    ...(typical.length === streams.length
      ? []
      : ['how often something changes is that since the last sweep, half of the changed documents being paid']),
    ...(typical.length === 0
      ? []
      : [
          `how often something changes in ${typical.length} streams of ${entitiesOf(typical)} entities is not known, as no sweep that was not the first is over for half an hour or lasted as long:`,
          ...assumedTexts(false),
        ]),
  ];
}

/** Of the companies that are thought of, what is assumed, where that was not said of the others. */
function addedNotes(
  added: readonly AddedCompanies[],
  newPerDay: number | null,
  known: readonly KnownStream[],
): readonly string[] {
  if (added.length === 0) return [];
  const given = newPerDay === null ? [] : [`in the companies of --add ${newPerDay} invoices are new a day`];
  const isSaid = known.some(({ ratesFrom }) => ratesFrom === 'what is typical');
  return isSaid
    ? [...given, 'the same holds for the companies of --add']
    : [...given, ...assumedTexts(newPerDay !== null).map((text) => `in the companies of --add ${text}`)];
}

/** A forecast for programs; times in seconds, changes by the working day of ten hours. */
function asJson(outlook: Outlook, about: OutlookAbout): Readonly<Record<string, unknown>> {
  const { delays, scans, usedPerMinute, findingPerMinute, guaranteedPerMinute, slowdown, firstSyncMs } = outlook;
  const { companies, requestsPerMinute, forGuarantees, within, assumed } = about;
  return {
    companies,
    allowed_per_minute: requestsPerMinute === 0 ? null : requestsPerMinute,
    used_per_minute: usedPerMinute,
    used_to_fetch_per_minute: findingPerMinute,
    first_reading_seconds: firstSyncMs === 0 ? null : firstSyncMs / 1_000,
    guarantees: { wanted_per_minute: guaranteedPerMinute, times_as_long: slowdown, addresses: forGuarantees },
    within: within === null ? null : { seconds: within.seconds, addresses: within.addresses },
    delays: delays.map(({ change, stream, perMinute, meanMs, p95Ms }) => ({
      change,
      stream,
      a_day: perMinute * WORKING_MINUTES,
      mean_seconds: secondsOf(meanMs),
      p95_seconds: secondsOf(p95Ms),
    })),
    scans: scans.map(
      ({ entity, stream, scan, pages, everyMs, pacing, requestsPerMinute: requests, changesPerMinute }) => ({
        entity,
        stream,
        scan,
        pages,
        every_seconds: secondsOf(everyMs),
        paced_by: pacing,
        requests_per_minute: requests,
        changes_per_hour: 60 * changesPerMinute,
      }),
    ),
    assumed,
  };
}

function secondsOf(ms: number): number {
  return Math.round(ms) / 1_000;
}
