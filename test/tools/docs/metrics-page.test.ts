import { ownMetrics, peers } from '../../../tools/docs/metrics-page';

test('the table of metrics has a line for each metric of the registry, and for nothing else', () => {
  expect(Object.keys(peers).sort()).toEqual(ownMetrics().map(({ name }) => name));
});

test.each(ownMetrics())('$name is named as Prometheus names a $type', ({ name, type, help }) => {
  expect(name).toMatch(/^infakt_kafka_[a-z]+(_[a-z]+)*$/);
  expect(name.endsWith('_total')).toBe(type === 'counter');
  if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes|records)$/);
  expect(help).toMatch(/^[A-Z].*[a-z0-9]\.$/);
});
