import { startSimulator } from '../../../simulator/server';
import { cleanUp, brokers } from '../../support/kafka';
import { readCommitted } from '../../support/java-reader';
import { testService } from '../../support/once';

async function threeCompanies() {
  const simulator = await startSimulator({
    entities: [
      { key: 'key-a', name: 'Alfa', nip: '1111111111', clients: 12, invoices: 250, seed: 1 },
      { key: 'key-b', name: 'Beta', nip: '2222222222', clients: 130, invoices: 40, seed: 2 },
      { key: 'key-c', name: 'Gamma', nip: '3333333333', clients: 0, invoices: 1, seed: 3 },
    ],
  });
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: {
      alfa: { api_key: 'key-a', nip: '1111111111' },
      beta: { api_key: 'key-b', nip: '2222222222' },
      gamma: { api_key: 'key-c', nip: '3333333333' },
    },
  });
  return { simulator, service };
}

test('one run publishes every row of three companies once, a second run publishes nothing', async () => {
  const { service } = await threeCompanies();

  const first = await service.once();
  expect(first.stderr).not.toContain('error');
  expect(first).toMatchObject({ code: 0, complete: true });
  expect(first.streams).toMatchObject({
    'alfa clients': { rows: 12, created: 12 },
    'alfa invoices': { rows: 250, created: 250, requests: 4 },
    'alfa corrective-invoices': { rows: 7, created: 7 },
    'beta clients': { rows: 130, created: 130 },
    'beta invoices': { rows: 40, created: 40 },
    'beta corrective-invoices': { rows: 1, created: 1 },
    'gamma clients': { rows: 0, created: 0, complete: true },
    'gamma invoices': { rows: 1, created: 1 },
    'gamma corrective-invoices': { rows: 0, created: 0, complete: true },
  });
  const topics = [service.topic('clients'), service.topic('invoices'), service.topic('corrective-invoices')];
  const published = await readCommitted(brokers().join(','), topics);
  expect(published).toHaveLength(12 + 250 + 7 + 130 + 40 + 1 + 1);
  expect(new Set(published.map(({ topic, key }) => `${topic} ${key?.toString('hex') ?? ''}`)).size).toBe(
    published.length,
  );

  const second = await service.once();
  expect(second).toMatchObject({ code: 0, complete: true });
  expect(Object.values(second.streams).map(({ created, updated }) => created + updated)).toEqual([
    0, 0, 0, 0, 0, 0, 0, 0, 0,
  ]);
  expect(await readCommitted(brokers().join(','), topics)).toHaveLength(published.length);
});
