import { createNewest, peekCommand } from '../../src/commands/peek';
import type { CommittedRecord } from '../../src/sinks/look';
import { allStreams } from '../../src/sources/streams/all-streams';
import { quietIo } from '../support/quiet-io';

test.each([
  [[], /expected one topic \(clients, .*dead-letters, state\), got 0/],
  [['clients', 'invoices'], /expected one topic .*, got 2/],
  [['clients', '--limit', 'all'], '--limit expects a whole number, got "all"'],
  [['clients', '--last', 'few'], '--last expects a whole number, got "few"'],
  [['clients', '--last', '3', '--follow'], 'expected --last alone, got --limit or --follow too'],
  [['clients', '--id', '1.5'], '--id expects a whole number, got "1.5"'],
])('peek %j says what was expected, before any file is read', async (argv, message) => {
  await expect(peekCommand(argv, quietIo())).rejects.toThrow(message);
});

test('the help names every topic', async () => {
  const io = quietIo();
  expect(await peekCommand(['--help'], io)).toBe(0);
  const named = io.printed().replaceAll(/\s+/g, ' ');
  for (const stream of allStreams) {
    expect(named).toContain(stream.name);
    if (stream.projection !== null) expect(named).toContain(stream.projection.name);
  }
  for (const topic of ['sweeps', 'entities', 'dead-letters', 'state']) expect(named).toContain(topic);
});

test('the newest records are those with the latest times, of whichever partition, the oldest of them first', () => {
  const newest = createNewest(3);
  const record = (partition: number, offset: number, timestampMs: number): CommittedRecord => ({
    partition,
    offset,
    timestampMs,
    key: null,
    value: null,
    headers: {},
  });
  for (const each of [record(0, 0, 10), record(0, 1, 40), record(1, 0, 5), record(1, 1, 30), record(0, 2, 50)])
    newest.add(each);
  expect(newest.all().map(({ timestampMs }) => timestampMs)).toEqual([30, 40, 50]);
  const none = createNewest(0);
  none.add(record(0, 0, 1));
  expect(none.all()).toEqual([]);
});
