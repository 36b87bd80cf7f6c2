import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';

import type { Simulator } from '../../simulator/server';
import { type Authority, createAuthority } from '../support/certificates';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy';
import { cleanUp } from '../support/kafka';
import type { TestService } from '../support/once';
import { API_KEY, oneCompany } from '../support/one-company';

const SIGN_IN = { user: 'jan', password: 'p@ss-0f-jan' };

let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority();
});
afterAll(() => authority.remove());

/** The simulator as `https://api.example`, with a certificate of the authority. */
async function overTls({ url }: Simulator): Promise<string> {
  const { hostname, port } = new URL(url);
  const server = createServer(await authority.sign('DNS:api.example'), (request, response) => {
    const { url: path, method, headers } = request;
    const onward = httpRequest({ host: hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return `https://api.example:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** A service that reaches its API only through the proxy. */
async function behindProxy(): Promise<{ readonly service: TestService; readonly proxy: HttpProxy }> {
  const { simulator, service } = await oneCompany();
  const proxy = await startHttpProxy(SIGN_IN);
  cleanUp(() => proxy.close());
  service.configure({
    url: await overTls(simulator),
    entities: { alfa: { api_key: API_KEY, nip: '1111111111', streams: ['clients', 'invoices'] } },
    service: { log: { level: 'trace' } },
  });
  writeFileSync(join(service.folder, 'ca.pem'), authority.ca);
  return { service, proxy };
}

/** The built program in a process of its own, as only a process takes NODE_EXTRA_CA_CERTS; with what libraries print for their developers. */
async function runProgram(
  service: TestService,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly text: string }> {
  const program = join(__dirname, '../../dist/src/main.js');
  const child = spawn(process.execPath, [program, command, ...service.options], {
    env: { DEBUG: 'https-proxy-agent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  const [code] = (await once(child, 'close')) as [number];
  const base64 = Buffer.from(`${SIGN_IN.user}:${SIGN_IN.password}`).toString('base64');
  const secrets = [SIGN_IN.password, encodeURIComponent(SIGN_IN.password), base64, API_KEY];
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  return { code, text };
}

test('I11: a service behind a proxy that wants a sign-in and opens TLS reads everything, and shows no secret of either', async () => {
  const { service, proxy } = await behindProxy();
  const ca = { NODE_EXTRA_CA_CERTS: join(service.folder, 'ca.pem') };
  const { code, text } = await runProgram(service, 'once', { ...ca, HTTPS_PROXY: proxy.url });
  expect({ code, text: code === 0 ? '' : text }).toEqual({ code: 0, text: '' });
  expect(proxy.requests.length).toBeGreaterThan(0);
});

test.each(['once', 'run', 'check'])(
  '%s ends with exit code 2 and what to set, where the certificate or the sign-in at the proxy is not right',
  async (command) => {
    const { service, proxy } = await behindProxy();
    const untrusted = await runProgram(service, command, { HTTPS_PROXY: proxy.url });
    expect(untrusted).toMatchObject({ code: 2, text: expect.stringContaining('set NODE_EXTRA_CA_CERTS to') as string });
    const ca = { NODE_EXTRA_CA_CERTS: join(service.folder, 'ca.pem') };
    const refused = await runProgram(service, command, { ...ca, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` });
    expect(refused).toMatchObject({
      code: 2,
      text: expect.stringMatching(/got 407; the proxy wants a sign-in: put it into HTTPS_PROXY/) as string,
    });
  },
);
