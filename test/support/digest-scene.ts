import fc from 'fast-check';

import { beginVirtualTime, type VirtualTime } from '../../tools/bench/virtual/time';
import {
  type Companies,
  companiesOf,
  type CompanyRows,
  type CompanyStory,
  createCompanies,
  type Delays,
  TODAY,
} from './company-story';
import {
  type CompanyProcess,
  holdsOf,
  listOf,
  Network,
  restore,
  type Restored,
  sleep,
  startCompanyProcess,
  STREAMS,
} from './company-process';
import { type Played, type StateRecord, type Transaction, transactionOf } from './digests';
import type { ProcessResult } from './process';
import { hasty, live, stories } from './world';

// Stories from their beginning to their end, in virtual time.

/** When everything begins. */
const START_MS = Date.parse(`${TODAY}T06:00:00Z`);
const LONGEST_MS = 12 * 60 * 60 * 1000;
const STEADY: Delays = { stepsMs: [1], credits: 2, idleCommitMs: 3 };

/** Plays a story of the property test in virtual time: made-up rows, every kind of trouble at any moment. */
export function playWorld(seed: number): Promise<Played> {
  const [story] = fc.sample(stories, { seed, numRuns: 1 });
  if (story === undefined) throw new Error('expected a story, got none');
  return inVirtualTime(async () => {
    const batches: Transaction[] = [];
    const world = await live(story, seed % 3 === 0 ? hasty : null, {
      turn: () => sleep(1),
      onBatch: (batch) => batches.push(transactionOf(batch)),
    });
    if (world.faults.length > 0) throw new Error(`expected a sound world, got ${world.faults.join('; ')}`);
    return { story: JSON.stringify(story), batches, ...transactionOf(world.kafka) };
  });
}

/** Plays a story of companies with the streams and codecs of the service; whatever happens to them happens while nothing runs. */
export function playCompanies(seed: number, story: CompanyStory, delays: Delays): Promise<Played> {
  return inVirtualTime(async (time) => {
    const companies = createCompanies(seed);
    const batches: Transaction[] = [];
    const said: string[] = [JSON.stringify(story)];
    const say = (): void => void said.push(JSON.stringify(companies.names.map((name) => rowsOf(companies, name))));
    const network = new Network(delays, (batch) => batches.push(batch));
    const processes: Promise<ProcessResult>[] = [];
    const run = async (how: Omit<CompanyProcess, 'confirm'>): Promise<ProcessResult> => {
      const process = startCompanyProcess(
        { companies, network, time, story, delays },
        { ...how, confirm: holdsOf(network.kafka) },
      );
      processes.push(process.done);
      return process.left;
    };
    for (const [phase, trouble] of story.troubles.entries()) {
      say();
      network.meet(trouble);
      for (const ending of trouble.processes) await run({ sideBySide: trouble.sideBySide, ending });
      network.meet(null);
      await run({ sideBySide: true, ending: null });
      // A sweep that misses rows, another that finds them gone, and one more that counts no deletion; then what is held is agreed to.
      for (let sweeps = 0; sweeps < 3 || holdsOf(network.kafka).size > 0; sweeps++) {
        if (sweeps > 12) throw new Error('expected every hold to be released, got one that stays');
        if ((await run({ sideBySide: false, ending: null })) !== 'complete') sweeps = -1;
      }
      await Promise.all(processes.splice(0));
      if (phase < story.troubles.length - 1) companies.happen();
    }
    return { story: said.join('\n'), batches, ...transactionOf(network.kafka) };
  });
}

/** What is known from a state topic alone. */
export function restoreFrom(state: readonly StateRecord[]): Promise<Restored> {
  return inVirtualTime(({ now }) => restore(new Network(STEADY, () => undefined, state), now));
}

/** What a process publishes that finds this state and sweeps these rows once; nothing of transactions that did not go through. */
export function sweepFrom(state: readonly StateRecord[], rows: CompanyRows): Promise<Transaction['records']> {
  return inVirtualTime(async (time) => {
    const network = new Network(STEADY, () => undefined, state);
    const story: CompanyStory = { limit: 4, maxShare: 0, troubles: [] };
    const companies = companiesOf(rows);
    const how = { sideBySide: false, ending: null, confirm: new Map<string, string>() };
    const result = await startCompanyProcess({ companies, network, time, story, delays: STEADY }, how).done;
    if (result !== 'complete') throw new Error(`expected a sweep of each list, got an end that is ${result}`);
    return transactionOf(network.kafka).records;
    // The state may have been written for some seconds: what it misses is missed again later.
  }, START_MS + 3_600_000);
}

function rowsOf(companies: Companies, name: string): unknown {
  return (STREAMS[name] ?? []).map((stream) => companies.rows(name, listOf(stream)));
}

/** Plays with the timers of the process on virtual time, until it is over. */
async function inVirtualTime<T>(play: (time: VirtualTime) => Promise<T>, startMs = START_MS): Promise<T> {
  const time = beginVirtualTime(startMs);
  try {
    const playing = { over: false };
    const played = play(time).finally(() => {
      playing.over = true;
    });
    played.catch(() => undefined);
    while (!playing.over) {
      if (time.now() > startMs + LONGEST_MS) throw new Error('expected the story to end, got one that goes on');
      await time.pass(1);
    }
    return await played;
  } finally {
    time.end();
  }
}
