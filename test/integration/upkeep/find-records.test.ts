import type { Row } from '../../../src/model';
import { createRecordReader } from '../../../src/sinks/record-reader';
import { idsOfNumberIn, newestLetterOf, newestRecordOf } from '../../../src/upkeep/find-records';
import { kafkaClient } from '../../support/kafka';
import { API_KEY, oneCompany } from '../../support/one-company';

test('the newest record of a row is found with its place, its dead letter beside it, and documents by their newest number', async () => {
  const { service, simulator } = await oneCompany({ clients: 2, invoices: 5 });
  const { admin } = simulator;
  const [id = 0, broken = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const topics = {
    kafka: kafkaClient(),
    serviceId: service.prefix,
    prefix: service.prefix,
    stop: new AbortController().signal,
    deadlineMs: 60_000,
    decode: createRecordReader(null),
  };
  const place = { entity: 'alfa', stream: 'invoices' };
  const before = String((admin.row(API_KEY, 'invoices', id) as Row)['number']);
  expect(await service.once()).toMatchObject({ code: 0 });
  expect(await newestLetterOf(topics, { ...place, id })).toBeNull();
  expect(await newestRecordOf(topics, { ...place, id: 1 })).toBeNull();
  const first = await newestRecordOf(topics, { ...place, id });
  expect(first).toMatchObject({ found: { topic: service.topic('invoices'), op: 'r', scan: 'sweep' }, value: { id } });

  admin.edit(API_KEY, 'invoices', id, { number: 'X/1' });
  admin.edit(API_KEY, 'invoices', broken, { gross_price: 'much' });
  await service.once();
  const second = await newestRecordOf(topics, { ...place, id });
  expect(second).toMatchObject({ found: { op: 'u', partition: first?.found.partition }, value: { number: 'X/1' } });
  expect(second?.found.offset).toBeGreaterThan(first?.found.offset ?? Infinity);
  expect(await idsOfNumberIn(topics, place, 'X/1')).toEqual([id]);
  expect(await idsOfNumberIn(topics, place, before)).toEqual([]);
  expect(await newestLetterOf(topics, { ...place, id: broken })).toMatchObject({
    topic: service.topic('dead-letters'),
    errorPath: 'gross_price',
  });

  admin.remove(API_KEY, 'invoices', id);
  await service.once();
  await service.once();
  expect(await newestRecordOf(topics, { ...place, id })).toMatchObject({ found: { op: 'd' }, value: null });
  expect(await idsOfNumberIn(topics, place, 'X/1')).toEqual([]);
});
