import { assemble, emptyFilling, isEmpty, outcomeOf } from '../../src/shard/filling';
import { Memory } from '../../src/shard/memory';
import { walkOf } from '../../src/rules/cursor';
import { stateKey } from '../../src/state/state-topic';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart } from '../support/pages';

test('a batch holds the cursors, then other values, then the layout, each key once and in this order', () => {
  const options = memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration: itemStream('items') }]);
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  const state = memory.streamOf('alfa', 'items');
  state.walks.set('sweep', walkOf(cursorAtStart()));
  const filling = emptyFilling();
  expect(isEmpty(filling)).toBe(true);
  const hold = stateKey('memory', { entity: 'alfa', stream: 'items', hold: true });
  const layout = stateKey('memory', { layout: true });
  filling.moved.set('alfa items sweep', { state, scan: 'sweep' });
  filling.moved.set('alfa items newest', { state, scan: 'newest' });
  filling.values.set(layout, null);
  filling.values.set(hold, null);
  expect(isEmpty(filling)).toBe(false);
  const { state: written } = assemble(filling, { memory, options });
  expect(written.map(({ key }) => key)).toEqual([
    stateKey('memory', { entity: 'alfa', stream: 'items', scan: 'sweep' }),
    layout,
    hold,
  ]);
  expect(written.map(({ value }) => value === null)).toEqual([false, false, true]);
});

test('what waits for a transaction learns how it ended', async () => {
  const filling = emptyFilling();
  const stands = outcomeOf(filling);
  filling.settled[0]?.();
  await stands;
  const fails = expect(outcomeOf(filling)).rejects.toThrow('lost');
  filling.failed[1]?.(new Error('lost'));
  await fails;
});
