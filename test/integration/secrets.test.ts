import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { startAlertReceiver } from '../support/alert-receiver';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { readCommitted } from '../support/java-reader';
import { brokers, until } from '../support/kafka';
import { buyersOf } from '../support/published';
import { companies, keyOf, readStreams, startRun, type Scene } from '../support/run';

const TOKEN = 'let-me-read-this';
const HOOK = 'hook-s3cret';
const PATHS = ['/', '/livez', '/readyz', '/health', '/metrics', '/events', '/assets/page.js', '/nowhere', '/%00'];

/** What is asked for at each path, as whoever knows no token, the token, and a wrong one; of what never ends, the beginning. */
async function answersOf(port: number): Promise<string> {
  const signIns = [{}, { Authorization: `Bearer ${TOKEN}` }, { Authorization: 'Bearer let-me-read-that' }];
  const answers: string[] = [];
  for (const path of [...PATHS, `/health?token=${TOKEN}`])
    for (const headers of signIns) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      const endless = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
      const body = endless ? await beginningOf(answer) : await answer.text();
      answers.push(`${answer.status} ${JSON.stringify([...answer.headers])} ${body}`);
    }
  return answers.join('\n');
}

async function beginningOf({ body }: Response): Promise<string> {
  let text = '';
  for await (const part of body ?? []) {
    text += Buffer.from(part as Uint8Array).toString();
    if (text.includes('"name":"timeline"')) break;
  }
  return text;
}

/** An API that shows the secret in whatever a company's answers have room for. */
function tattle({ simulator: { admin, url } }: Scene): void {
  const echo = (entity: string): string => `X-inFakt-ApiKey: ${keyOf(entity)}`;
  const fault = (entity: string, path: string, action: Parameters<typeof admin.addFault>[0]['action']): unknown =>
    admin.addFault({ match: { entity: keyOf(entity), path }, times: Infinity, action });
  fault('beta', '', { status: 401, body: { error: echo('beta') }, headers: { 'X-Debug': echo('beta') } });
  fault('gamma', 'invoices.json', { status: 500, body: `<html>${echo('gamma')}</html>`, contentType: 'text/html' });
  fault('delta', 'clients.json', { redirect: `${url}/elsewhere?key=${keyOf('delta')}` });
  fault('sigma', 'invoices.json', { body: `${echo('sigma')}, that is no JSON` });
}

test('I11: no answer, page, log, metric, alert or status shows a secret or a buyer, whatever the API puts into its answers', async () => {
  const port = await freePort();
  const { url: receiver, texts: alerts } = await startAlertReceiver();
  const scene = await companies(['alfa', 'beta', 'gamma', 'delta', 'sigma']);
  const { service, simulator } = scene;
  const { admin } = simulator;
  const fileOf = (name: string, content: string): string => {
    writeFileSync(join(service.folder, name), `${content}\n`);
    return join(service.folder, name);
  };
  service.configure({
    url: simulator.url,
    entities: Object.fromEntries(
      scene.names.map((name) => [
        name,
        name === 'gamma'
          ? { api_key_file: fileOf('gamma.key', keyOf(name)), streams: readStreams }
          : { api_key: keyOf(name), streams: readStreams },
      ]),
    ),
    service: {
      http: { port, tokenFile: fileOf('token', TOKEN) },
      alerts: { url: `${receiver}/${HOOK}/hook?sig=${HOOK}` },
      schedule: { sweepSeconds: 1 },
      log: { level: 'trace' },
    },
  });
  const [unreadable = 0, unfit = 0] = admin.truth()[keyOf('alfa')]?.invoices.ids ?? [];
  const buyers = buyersOf(simulator);
  const [name = '', another = ''] = [...buyers];
  // A dead letter and a misfit, with what is theirs in the value and in the name of a field.
  admin.edit(keyOf('alfa'), 'invoices', unreadable, { gross_price: name, client_company_name: another });
  admin.edit(keyOf('alfa'), 'invoices', unfit, { notes: { [name]: another } });
  tattle(scene);

  const run = startRun(service, { patience: { parkMs: () => 500 } });
  await run.says('dead letter', { entity: 'alfa' });
  for (const entity of ['beta', 'gamma', 'delta', 'sigma']) await run.says('parked', { entity });
  // Whoever gets the alerts is not told of what may pass by itself, as it may with gamma and sigma.
  await until(() => ['alfa', 'beta', 'delta'].every((entity) => alerts.join().includes(entity)), {
    what: 'an alert of each',
  });
  const reader = readIn(port, TOKEN);
  await until(async () => (await reader.metrics()).includes('infakt_kafka_misfits_total{entity="alfa"'), {
    what: 'the misfit to be counted',
  });
  const answers = await answersOf(port);
  expect(await run.stop()).toMatchObject({ code: 0 });
  const log = (await run.ended).stderr;
  const statuses = await readCommitted(brokers().join(','), [service.topic('status')]);

  const shown = {
    answers,
    log,
    alerts: alerts.join('\n'),
    statuses: statuses.map(({ key, value }) => `${String(key)} ${String(value)}`).join('\n'),
  };
  // They tell what they are there for.
  for (const text of Object.values(shown)) expect(text).toContain('unauthorized');
  const secrets = [...scene.names.map(keyOf), TOKEN, TOKEN.slice(0, -1), HOOK, 'X-inFakt-ApiKey:', ...buyers];
  for (const [where, text] of Object.entries(shown))
    expect({ where, shows: secrets.filter((secret) => text.includes(secret)) }).toEqual({ where, shows: [] });
});
