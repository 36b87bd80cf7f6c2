import type { Health } from '../status/health';
import type { Readiness } from '../status/readiness';
import type { Metrics } from './metrics';
import { json, text, type Route } from './server';

/** What the routes of probes, health and metrics show. */
export interface Shown {
  readonly readiness: Pick<Readiness, 'waitsFor'>;
  readonly health: () => Health;
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>;
}

/** `/livez` and `/readyz` for probes, `/health` for whoever asks about the data, `/metrics` for Prometheus. */
export function healthRoutes({ readiness, health, metrics }: Shown): readonly Route[] {
  return [
    // Whatever waits for Kafka or the API: an answer shows that the event loop turns, and a restart would help nothing else.
    { path: '/livez', access: 'open', answer: () => text(200, 'ok') },
    {
      path: '/readyz',
      access: 'open',
      answer: () => {
        const missing = readiness.waitsFor();
        return missing === null ? text(200, 'ok') : text(503, `waiting for ${missing}`);
      },
    },
    {
      path: '/health',
      access: 'token',
      answer: () => {
        const { status, ...shown } = health();
        return json(status, shown);
      },
    },
    {
      path: '/metrics',
      access: 'token',
      answer: async () =>
        new Response(await metrics.render(), { status: 200, headers: { 'Content-Type': metrics.contentType } }),
    },
  ];
}
