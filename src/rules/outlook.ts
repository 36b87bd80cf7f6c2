import type { EntityId, StreamName } from '../model';
import {
  allowedPerMinute,
  findingOf,
  foreseeReading,
  lanesOf,
  readingAt,
  type ChangeRates,
  type ExpectedStream,
  type OutlookSetting,
  type Reading,
} from './foreseen-reading';
import { delaysOf, type ExpectedDelay } from './outlook-delays';
import { WORTH_A_REQUEST, type ScanFigures } from './stream-schedule';

/** A scan as it is foreseen. */
export interface ExpectedScan extends ScanFigures {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly requestsPerMinute: number;
}

/** What is to be expected of a schedule. */
export interface Outlook {
  readonly scans: readonly ExpectedScan[];
  readonly delays: readonly ExpectedDelay[];
  readonly usedPerMinute: number;
  /** Requests a minute of it that find, by searches and single reads, what totals told of. */
  readonly findingPerMinute: number;
  /** Requests a minute that keep every guarantee. */
  readonly guaranteedPerMinute: number;
  /** How many times as long as configured the guarantees are; 1 = they are kept. */
  readonly slowdown: number;
  /** Until every list was read once; 0 = there is no limit, so that inFakt's own speed decides. */
  readonly firstSyncMs: number;
}

const MINUTE = 60_000;

const NOTHING: ChangeRates = { new: 0, paid: 0, deleted: 0, 'edited-open': 0, 'edited-recent': 0, 'edited-old': 0 };

/** Foresees how often each list is read, and how long each kind of change takes, by the schedule's own rule. */
export function outlookOf(streams: readonly ExpectedStream[], setting: OutlookSetting): Outlook {
  const moments = foreseeReading(streams, setting);
  const allowed = allowedPerMinute(setting);
  const finding = streams.reduce((sum, stream) => sum + findingOf(stream), 0);
  const scans = scansIn(moments);
  const lanes = moments[0]?.scans.map(({ lane }) => lane) ?? [];
  const guaranteed = lanes.reduce((sum, { pages, guaranteeMs }) => sum + (pages * MINUTE) / guaranteeMs, 0);
  return {
    scans,
    delays: delaysOf(streams, moments, allowed),
    usedPerMinute: Math.min(allowed, finding + scans.reduce((sum, scan) => sum + scan.requestsPerMinute, 0)),
    findingPerMinute: finding,
    guaranteedPerMinute: guaranteed,
    slowdown: slowest(moments),
    firstSyncMs: firstSyncMs(streams, setting),
  };
}

/** How many times as long as configured the guarantees are foreseen to be; 1 = they are kept. */
export function slowdownOf(streams: readonly ExpectedStream[], setting: OutlookSetting): number {
  return slowest(foreseeReading(streams, setting));
}

function slowest(moments: readonly Reading[]): number {
  return moments.reduce((most, { slowdown }) => Math.max(most, slowdown), 1);
}

/** The least number of IP addresses, up to `most`, that suffices; null = that many do not. */
export function addressesFor(
  setting: OutlookSetting,
  suffices: (setting: OutlookSetting) => boolean,
  most = 64,
): number | null {
  const isEnough = (count: number): boolean =>
    suffices({ ...setting, requestsPerMinute: setting.requestsPerMinute * count });
  if (isEnough(1)) return 1;
  if (setting.requestsPerMinute === 0 || !isEnough(most)) return null;
  let [short, enough] = [1, most];
  while (enough - short > 1) {
    const middle = Math.floor((short + enough) / 2);
    if (isEnough(middle)) enough = middle;
    else short = middle;
  }
  return enough;
}

function scansIn(moments: readonly Reading[]): readonly ExpectedScan[] {
  const [first] = moments;
  if (first === undefined) return [];
  return first.scans.map((read, at): ExpectedScan => {
    const { lane, pacing } = read;
    const perMinute = moments.reduce((sum, { scans }) => sum + (scans[at]?.perMinute ?? 0), 0) / moments.length;
    return {
      entity: lane.stream.entity,
      stream: lane.stream.declaration.name,
      scan: lane.scan,
      pages: lane.pages,
      everyMs: (lane.pages * MINUTE) / perMinute,
      pacing,
      requestsPerMinute: perMinute,
      changesPerMinute: lane.changesPerMinute,
    };
  });
}

/** First sweeps have what reading for freshness leaves, and every second request at the least. */
function firstSyncMs(streams: readonly ExpectedStream[], setting: OutlookSetting): number {
  const { requestsPerMinute } = setting;
  if (requestsPerMinute === 0) return 0;
  const lists = streams.flatMap((stream) => lanesOf({ ...stream, perMinute: NOTHING }, setting, 0));
  const pages = lists.reduce((sum, lane) => sum + lane.pages, 0);
  const others = lists.filter(({ scan }) => scan !== 'sweep');
  const beside = readingAt(others, WORTH_A_REQUEST, requestsPerMinute).perMinute;
  return (pages * MINUTE) / (requestsPerMinute - Math.min(requestsPerMinute / 2, beside));
}
