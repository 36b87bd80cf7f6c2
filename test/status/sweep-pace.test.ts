import { SweepPace } from '../../src/status/sweep-pace';
import { NO_COUNTS } from '../../src/rules/cursor';
import { pageRead, START_MS } from '../support/service-events';

const MINUTE = 60_000;

const walked = (rows: number, totalCount: number | null = 1_000, ended?: number) =>
  pageRead('sweep', { cursor: { counts: { ...NO_COUNTS, rows }, totalCount }, ...(ended !== undefined && { ended }) });

test('what is left of a sweep takes as long a row as what was read', () => {
  const pace = new SweepPace();
  expect(pace.leftMs('alfa', 'clients')).toBeNull();
  pace.tell(walked(100), START_MS);
  expect(pace.leftMs('alfa', 'clients')).toBeNull();
  pace.tell(walked(200), START_MS + MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBe(8 * MINUTE);
  pace.tell(walked(600), START_MS + 2 * MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBe((400 / 250) * MINUTE);
});

test('nothing is foretold of a list of unknown length, nor once its sweep has ended', () => {
  const pace = new SweepPace();
  pace.tell(walked(100, null), START_MS);
  pace.tell(walked(200, null), START_MS + MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBeNull();
  pace.tell(walked(300), START_MS + 2 * MINUTE);
  pace.tell(walked(1_000, 1_000, START_MS + 3 * MINUTE), START_MS + 3 * MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBeNull();
});

test('a sweep that begins anew is measured anew', () => {
  const pace = new SweepPace();
  pace.tell(walked(900), START_MS);
  pace.tell(walked(100), START_MS + MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBeNull();
  pace.tell(walked(200), START_MS + 2 * MINUTE);
  expect(pace.leftMs('alfa', 'clients')).toBe(8 * MINUTE);
});
