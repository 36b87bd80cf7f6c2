import { pageRoutes } from '../../src/http-server/page-routes';
import { shownService } from '../support/page-server';
import { START_MS } from '../support/service-events';

const { shown } = shownService(1, { now: () => START_MS });
const live = { answer: () => new Response('events') };
const routes = pageRoutes({ shown, live, replica: 'one', version: '0.2.0' });

const ask = async (path: string): Promise<Response> => {
  const route = routes.find((each) => each.path === path);
  if (route === undefined) throw new Error(`nothing is served at ${path}`);
  return route.answer(new Request(`http://localhost${path}`), { cut: () => undefined });
};

test('the page and all its files ask for the token', () => {
  expect(routes.map(({ path, access }) => `${path} ${access}`)).toEqual([
    '/ token',
    '/events token',
    '/assets/page.js token',
    '/assets/page.css token',
    '/assets/uPlot.iife.min.js token',
    '/assets/uPlot.min.css token',
  ]);
});

test('every file that the page names is served, as what it is', async () => {
  const html = await (await ask('/')).text();
  const named = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(named).toHaveLength(4);
  for (const path of named) {
    const answer = await ask(path);
    expect(answer.headers.get('content-type')).toBe(
      `text/${path.endsWith('.js') ? 'javascript' : 'css'}; charset=utf-8`,
    );
    expect((await answer.text()).length).toBeGreaterThan(1_000);
  }
});

test('no script or style within the page may act, and nothing from elsewhere', async () => {
  const policy = (await ask('/')).headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test('the own script is a few kB', async () => {
  expect((await (await ask('/assets/page.js')).text()).length).toBeLessThan(10_000);
});
