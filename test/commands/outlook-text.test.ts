import { assumedTexts, outlookText, type OutlookAbout } from '../../src/commands/outlook-text';
import type { ExpectedScan, Outlook } from '../../src/rules/outlook';

function scan(name: 'newest' | 'sweep', requestsPerMinute: number): ExpectedScan {
  const place = { entity: 'alfa', stream: 'invoices', scan: name };
  return { ...place, pages: 1, everyMs: 1_000, pacing: 'changes', requestsPerMinute, changesPerMinute: 1 };
}

const outlook: Outlook = {
  scans: [scan('newest', 13), scan('sweep', 46), scan('sweep', 200)],
  delays: [
    { change: 'edited-old', stream: null, perMinute: 1, meanMs: 130_000, p95Ms: 250_000 },
    { change: 'new', stream: 'invoices', perMinute: 1 / 3, meanMs: 16_000, p95Ms: 30_000 },
  ],
  usedPerMinute: 261,
  findingPerMinute: 2,
  guaranteedPerMinute: 27,
  slowdown: 1,
  firstSyncMs: 27 * 60_000,
};
const about: OutlookAbout = {
  companies: '50 companies of 5000 invoices',
  requestsPerMinute: 290,
  forGuarantees: 1,
  within: null,
  assumed: ['one invoice in five is unpaid'],
};
const text = (changes: Partial<Outlook> = {}, more: Partial<OutlookAbout> = {}): string =>
  outlookText({ ...outlook, ...changes }, { ...about, ...more }).join('\n');

test('a forecast is a table, the soonest first, and a few sentences', () => {
  expect(text()).toBe(`50 companies of 5000 invoices, behind one IP address with 290 requests a minute.

How long a change takes from inFakt to its topic:

                     a day   in the mean   19 of 20 within
new invoices           200          16 s              30 s
edited (old, paid)     600       2.2 min           4.2 min

Requests: 261 a minute are used (90 %): newest 13, sweep 246, and 2 to fetch what totals tell of.
First reading: every list is read once within about 27 min.
Guarantees: the longest times of schedule.* want 27 requests a minute; they are kept.
IP addresses: 1 is enough for the guarantees.

Known and assumed:
  - one invoice in five is unpaid`);
});

test('guarantees that are not kept say so, and how many addresses would keep them', () => {
  const slow = text({ slowdown: 2.5 }, { forGuarantees: 3, within: { seconds: 60, addresses: 4 } });
  expect(slow).toContain('they are NOT kept, but become 2.5 times as long.');
  expect(slow).toContain(
    'IP addresses: 3 are enough for the guarantees, and for new documents and payments within 60 s, 19 of 20, 4.',
  );
  const never = text({}, { forGuarantees: null, within: { seconds: 1, addresses: null } });
  expect(never).toContain('more than 64 are enough for the guarantees; for new documents and payments within 1 s');
});

test('without a limit there is no share and no time of a first reading', () => {
  const free = text({ firstSyncMs: 0 }, { requestsPerMinute: 0 });
  expect(free).toContain('without a limit of requests');
  expect(free).toContain('as fast as inFakt answers');
  expect(free).not.toContain('%');
});

test('how many invoices are new is only assumed where nobody said it', () => {
  expect(assumedTexts(false).length).toBe(assumedTexts(true).length + 1);
});
