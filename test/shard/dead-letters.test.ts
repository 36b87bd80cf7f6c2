import { EntryFlag } from '../../src/changes/block';
import { invoices } from '../../src/sources/streams/invoices';
import { createVendorStream, type Consumed } from '../support/vendor-rows';

const good = (gross_price: unknown = 100) => ({ id: 7, gross_price });
const told = (consumed: readonly Consumed[]) => consumed.map(({ topic, headers }) => `${topic} ${headers['op']}`);

test('I2: a dead-lettered row is told once, however often it comes again, and is published when it is right', () => {
  const stream = createVendorStream(invoices);
  expect(told(stream.shows([good('1.00')]).consumed)).toEqual(['dead-letters r']);
  expect(stream.shows([good('1.00')])).toMatchObject({ consumed: [] });
  expect(told(stream.shows([good('2.00')]).consumed)).toEqual(['dead-letters r']);
  expect(told(stream.shows([good()]).consumed)).toEqual(['invoices r']);
});

test('I1: a row that was dead-lettered for its type is published once the same text is taken for its value', () => {
  const stream = createVendorStream(invoices);
  stream.shows([good('100')]);
  // As an older program left it, which did not take digits for money.
  stream.state.ledger.setFlags(7, EntryFlag.DEAD_LETTERED, EntryFlag.PUBLISHED);
  expect(told(stream.shows([good(100)]).consumed)).toEqual(['invoices r']);
  expect(stream.shows([good('100')]).consumed).toEqual([]);
});

test('I2: a row that shows again what was published before its dead letter says nothing', () => {
  const stream = createVendorStream(invoices);
  expect(told(stream.shows([good()]).consumed)).toEqual(['invoices r']);
  expect(told(stream.shows([good('1.00')]).consumed)).toEqual(['dead-letters u']);
  expect(told(stream.shows([good('1,00')]).consumed)).toEqual(['dead-letters u']);
  expect(stream.shows([good()])).toMatchObject({ consumed: [], newStrays: true });
  expect(stream.state.ledger.entry(7)?.flags).toBe(EntryFlag.PUBLISHED | EntryFlag.CARRIED | EntryFlag.OPEN);
  expect(stream.state.lastPublished.size).toBe(0);
  expect(told(stream.shows([good(101)]).consumed)).toEqual(['invoices u']);
});

test('I2: a row that shows something else after its dead letter is an update', () => {
  const stream = createVendorStream(invoices);
  stream.shows([good()]);
  stream.shows([good('1.00')]);
  expect(told(stream.shows([good(101)]).consumed)).toEqual(['invoices u']);
});

test('I2: a row that the broker refused alone is not sent again while it is the same', () => {
  const stream = createVendorStream(invoices);
  expect(told(stream.shows([good()], {}, 7).consumed)).toEqual(['dead-letters r']);
  expect(stream.shows([good()]).consumed).toEqual([]);
  expect(told(stream.shows([good(101)]).consumed)).toEqual(['invoices r']);
});

test('I2: lines that do not fit their topic are told once, and do not keep the row from being told of', () => {
  const stream = createVendorStream(invoices, { projected: true });
  const row = { id: 7, services: [{ name: 'x'.repeat(2_000_000) }] };
  expect(told(stream.shows([row]).consumed)).toEqual(['dead-letters r']);
  expect(stream.shows([row])).toMatchObject({ consumed: [] });
  expect(told(stream.shows([{ id: 7, services: [{ name: 'x' }] }]).consumed)).toEqual([
    'invoices r',
    'invoice-lines r',
  ]);
});
