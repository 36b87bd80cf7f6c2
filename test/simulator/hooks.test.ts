import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { decodeHook, type HookSettings } from '../../simulator/hooks';
import type { Simulator } from '../../simulator/server';
import { until } from '../support/kafka';
import { withSimulator } from './ask';

const SECRET = 'a-s3cret';

interface Delivery {
  readonly body: string;
  readonly event: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly signature: unknown;
}

/** Takes webhooks, and answers them with the next status of a list, 200 at its end. */
async function taker(statuses: number[] = []) {
  const deliveries: Delivery[] = [];
  let echoes = true;
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      const json = JSON.parse(body) as Record<string, unknown>;
      if ('verification_code' in json) {
        response.writeHead(200).end(echoes ? body : '{}');
        return;
      }
      const signature = request.headers['x-infakt-signature'];
      deliveries.push({ ...(json as unknown as Delivery), body, signature });
      response.writeHead(statuses.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/alfa`;
  return {
    url,
    deliveries,
    mute: () => void (echoes = false),
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function hooked(
  settings: Partial<HookSettings>,
  check: (simulator: Simulator, took: Awaited<ReturnType<typeof taker>>) => Promise<void>,
  statuses: number[] = [],
): Promise<void> {
  const took = await taker(statuses);
  try {
    await withSimulator({}, async (simulator) => {
      const hook = { url: took.url, secret: SECRET, ...settings };
      expect(await simulator.admin.hook('key-a', hook)).toMatchObject({ state: 'active' });
      await check(simulator, took);
    });
  } finally {
    await took.close();
  }
}

const idIn = ({ admin }: Simulator, index: number): number => admin.truth()['key-a']?.invoices.ids[index] ?? 0;
const come = (deliveries: readonly Delivery[], count: number) =>
  until(() => deliveries.length >= count, { what: `${count} deliveries` });

test('a new, a paid and a deleted invoice are delivered with their uuid, signed, and nothing else is', () =>
  hooked({}, async (simulator, { deliveries }) => {
    const { admin } = simulator;
    const added = admin.add('key-a', 'invoices');
    await come(deliveries, 1);
    const id = idIn(simulator, 3);
    const { uuid } = admin.pay('key-a', id);
    await come(deliveries, 2);
    admin.edit('key-a', 'invoices', id, { notes: 'x' });
    admin.add('key-a', 'clients');
    admin.add('key-a', 'corrective_invoices');
    admin.remove('key-a', 'invoices', id);
    await come(deliveries, 3);
    expect(deliveries.map(({ event, resource }) => [event['name'], resource])).toEqual([
      ['draft_invoice_created', { uuid: added['uuid'] }],
      ['invoice_paid', { uuid }],
      ['invoice_deleted', { uuid }],
    ]);
    for (const { body, signature, event } of deliveries) {
      expect(signature).toBe(createHmac('sha256', SECRET).update(body).digest('hex'));
      expect(Object.keys(event)).toEqual(['name', 'uuid', 'created_at', 'retry_counter']);
    }
    await until(() => admin.hookState('key-a').delivered === 3, { what: 'all answers' });
  }));

test('names and payload are those that were asked for', () =>
  hooked({ names: 'observed', payload: 'full' }, async (simulator, { deliveries }) => {
    const id = idIn(simulator, 3);
    const row = simulator.admin.pay('key-a', id);
    await come(deliveries, 1);
    expect(deliveries[0]?.event['name']).toBe('invoice_marked_as_paid');
    expect(deliveries[0]?.resource).toEqual(row);
  }));

test('deliveries come twice, late and in another order', () =>
  hooked({ times: 2, lateMs: 10, scatterMs: 50 }, async (simulator, { deliveries }) => {
    const uuids = [1, 2, 3, 4, 5, 6, 7, 8].map((index) => {
      const { uuid } = simulator.admin.pay('key-a', idIn(simulator, index));
      return String(uuid);
    });
    await come(deliveries, 16);
    const came = deliveries.map(({ resource }) => String(resource['uuid']));
    expect(came.toSorted()).toEqual([...uuids, ...uuids].toSorted());
    expect([...new Set(came)]).not.toEqual(uuids);
  }));

test('deliveries that never come are counted', () =>
  hooked({ lost: 1 }, (simulator, { deliveries }) => {
    for (let index = 0; index < 5; index++) simulator.admin.pay('key-a', idIn(simulator, index));
    expect(simulator.admin.hookState('key-a')).toEqual({ state: 'active', delivered: 0, failed: 0, lost: 5 });
    expect(deliveries).toEqual([]);
    return Promise.resolve();
  }));

test('a delivery that fails comes again as a further try, and ten failures in a row switch the webhook off', () =>
  hooked(
    { againMs: 1 },
    async (simulator, { deliveries }) => {
      simulator.admin.pay('key-a', idIn(simulator, 0));
      await come(deliveries, 2);
      expect(deliveries.map(({ event }) => event['retry_counter'])).toEqual([0, 1]);
      simulator.admin.pay('key-a', idIn(simulator, 1));
      await until(() => simulator.admin.hookState('key-a').state === 'off', { what: 'the webhook to be off' });
      simulator.admin.pay('key-a', idIn(simulator, 2));
      expect(simulator.admin.hookState('key-a')).toMatchObject({ delivered: 1, failed: 11 });
    },
    [500, 200, ...Array<number>(10).fill(404)],
  ));

test('an address that does not send the code back gets nothing', async () => {
  const took = await taker();
  took.mute();
  await withSimulator({}, async (simulator) => {
    const { admin } = simulator;
    expect(await admin.hook('key-a', { url: took.url, secret: SECRET })).toMatchObject({ state: 'unverified' });
    admin.pay('key-a', idIn(simulator, 0));
    expect(admin.hookState('key-a')).toMatchObject({ delivered: 0, failed: 0 });
    expect(await admin.hook('key-a', null)).toMatchObject({ state: 'none' });
  });
  await took.close();
});

test('the admin interface sets a webhook up, shows it, delivers by hand and ends it', () =>
  hooked({}, async ({ url, admin }, { url: taken, deliveries }) => {
    const call = async (method: string, body?: unknown) => {
      const answer = await fetch(`${url}/__admin/key-a/hook`, {
        method,
        body: body === undefined ? null : JSON.stringify(body),
      });
      return [answer.status, answer.status === 204 ? null : await answer.json()] as const;
    };
    expect(await call('PUT', { url: taken, secret: SECRET, lost: 0 })).toMatchObject([200, { state: 'active' }]);
    expect(await call('PUT', { url: taken })).toMatchObject([400, { error: 'secret must be a text' }]);
    expect(await call('POST', { name: 'send_to_ksef_success', resource: { invoice_uuid: 'u-1' } })).toEqual([
      204,
      null,
    ]);
    await come(deliveries, 1);
    expect(deliveries[0]).toMatchObject({ event: { name: 'send_to_ksef_success' }, resource: { invoice_uuid: 'u-1' } });
    expect(await call('POST', { name: 5 })).toMatchObject([400, {}]);
    await until(() => admin.hookState('key-a').delivered === 1, { what: 'its answer' });
    expect(await call('GET')).toMatchObject([200, { state: 'active', delivered: 1 }]);
    expect(await call('DELETE')).toMatchObject([200, { state: 'none' }]);
  }));

test.each([
  [[], 'must be an object'],
  [{ secret: 'x' }, 'url must be a URL'],
  [{ url: 'http://x', secret: '' }, 'secret must be a text'],
  [{ url: 'http://x', secret: 'x', names: 'other' }, 'names must be'],
  [{ url: 'http://x', secret: 'x', payload: 'half' }, 'payload must be'],
  [{ url: 'http://x', secret: 'x', lateMs: -1 }, 'lateMs must be'],
  [{ url: 'http://x', secret: 'x', early: 1 }, 'early is no setting'],
])('the settings %j are refused', (settings, message) => {
  expect(() => decodeHook(settings)).toThrow(message);
});
