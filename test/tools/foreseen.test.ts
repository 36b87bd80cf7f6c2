import { defaultRhythm, play, type Scene } from '../../tools/bench/freshness';
import { expectedStreams } from '../../tools/bench/foreseen';
import { outlookOf } from '../../src/rules/outlook';
import { settings } from '../support/schedule';

const companies = [{ id: 'company-1', clients: 300, invoices: 3_000 }];
const rates = { issue: 6, pay: 6, edit: 12, remove: 1 };
const scene: Scene = {
  companies,
  rates,
  hours: 0.15,
  rhythm: defaultRhythm(),
  trouble: null,
  killEveryMinutes: null,
  maxShare: 1,
};
/** The schedule begins to learn when the first reading does, seven minutes before changes are counted. */
const LEARNED = [8, 10, 12, 14];

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('what is foreseen of payments and deletions is what the service does in virtual time, by 15 %', async () => {
  const { delays } = await play(scene);
  const setting = { settings, requestsPerMinute: 300, learnedMinutes: LEARNED };
  const outlook = outlookOf(expectedStreams(companies, rates, 45), setting);
  const foreseen = (kind: string) => outlook.delays.find(({ change, stream }) => `${change} ${stream ?? ''}` === kind);
  const ratios = {
    paid: (foreseen('paid ')?.meanMs ?? NaN) / meanOf(delays.get('paid')?.seenAfterMs ?? []),
    deleted: (foreseen('deleted ')?.meanMs ?? NaN) / meanOf(delays.get('deleted')?.seenAfterMs ?? []),
  };
  for (const [what, ratio] of Object.entries(ratios))
    expect({ what, ratio, isNear: Math.abs(ratio - 1) <= 0.15 }).toEqual({ what, ratio, isNear: true });
}, 120_000);
