import type { ScanFigures } from '../../src/rules/stream-schedule';
import { Rhythms } from '../../src/status/rhythms';
import { shardsOwned } from '../support/service-events';

const scans: readonly ScanFigures[] = [
  { scan: 'newest', pages: 1, everyMs: 15_000, pacing: 'look', changesPerMinute: 0.1 },
];

test('what was told of a stream last is known, until the shards are dealt anew', () => {
  const rhythms = new Rhythms();
  expect(rhythms.of('alfa', 'clients')).toEqual([]);
  rhythms.tell({ kind: 'rhythm', entity: 'alfa', stream: 'clients', scans: [] });
  rhythms.tell({ kind: 'rhythm', entity: 'alfa', stream: 'clients', scans });
  expect(rhythms.of('alfa', 'clients')).toEqual(scans);
  expect(rhythms.of('alfa', 'invoices')).toEqual([]);
  rhythms.tell(shardsOwned([0]));
  expect(rhythms.of('alfa', 'clients')).toEqual([]);
});
