import { createActivity } from '../../src/status/activity';
import { createBoard } from '../../src/status/board';
import { healthOf } from '../../src/status/health';
import type { ServiceEvent } from '../../src/service/events';
import {
  pageRead,
  parkedFor,
  requestEnded,
  restored,
  shardReady,
  shardsOwned,
  START_MS,
} from '../support/service-events';

test('what happens shows in the overview, the requests, the changes and the timeline', () => {
  const board = createBoard({
    entities: [{ id: 'alfa', enabled: true, streams: ['clients'] }],
    owner: 'one',
    entitySet: 'e1',
    version: '0.2.0',
    targetsOf: () => new Map(),
    startMs: START_MS,
  });
  const activity = createActivity('one');
  const events: readonly ServiceEvent[] = [
    shardsOwned([0]),
    shardReady(0, restored('clients')),
    requestEnded({ scan: 'sweep' }),
    pageRead('sweep', { counts: { rows: 50, created: 50 } }),
    parkedFor('unauthorized'),
  ];
  for (const event of events) {
    activity.tell(event, START_MS);
    activity.note(board.tell(event, START_MS));
  }
  const shown = activity.shown(healthOf(board, START_MS), START_MS);
  expect(shown).toMatchObject({
    atMs: START_MS,
    overview: { healthy: false, today: 50, entities: [{ entity: 'alfa', verdict: 'wrong' }] },
    changes: [{ entity: 'alfa', scan: 'sweep', counts: { created: 50 } }],
    timeline: [
      { before: { state: 'first-sweep' }, now: { state: 'parked', reason: 'unauthorized' } },
      { before: { state: 'starting' }, now: { state: 'first-sweep' } },
    ],
  });
  expect(shown.requests.byAsker.sweep.at(-1)).toBe(1);
});
