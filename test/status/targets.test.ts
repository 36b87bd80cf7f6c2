import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import { LEAST_TARGET_MS, staleTargets, streamName, type TargetSetting } from '../../src/status/targets';
import { settings } from '../support/schedule';
import { START_MS } from '../support/service-events';

const setting: TargetSetting = {
  schedule: settings,
  requestsPerMinute: 290,
  sweepSeconds: null,
  newestSeconds: null,
};
const small = [{ entity: 'alfa', declaration: clients, rows: 100 }];

test('a stream that is read often is stale after half an hour at the earliest', () => {
  const schedule = { ...settings, clientsNewestSeconds: 60, sweepSeconds: 300 };
  expect(staleTargets(small, { ...setting, schedule }, START_MS)).toEqual(
    new Map([['alfa clients', { sweepMs: LEAST_TARGET_MS, newestMs: LEAST_TARGET_MS }]]),
  );
});

test('streams that the allowance lets be read seldom are stale after three times what the plan foretells', () => {
  const many = Array.from({ length: 50 }, (_, at) => ({ entity: `e${at}`, declaration: invoices, rows: 20_000 }));
  const sweepMs = staleTargets(many, setting, START_MS).get('e0 invoices')?.sweepMs ?? 0;
  // 50 × 203 pages at less than 290 a minute.
  expect(sweepMs).toBeGreaterThan(3 * 35 * 60_000);
  expect(sweepMs).toBeLessThanOrEqual(3 * 24 * 3_600_000);
});

test('what is configured holds for every stream, however little it is', () => {
  const found = staleTargets(small, { ...setting, sweepSeconds: 60, newestSeconds: 1 }, START_MS);
  expect(found.get(streamName('alfa', 'clients'))).toEqual({ sweepMs: 60_000, newestMs: 1_000 });
});

test('nothing that is read has no target', () => {
  expect(staleTargets([], setting, START_MS).size).toBe(0);
});
