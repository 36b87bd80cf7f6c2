import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';

import type { ServiceEvent } from '../../src/service/events';
import { until } from '../support/kafka';
import { servePage, shownService, STREAMS, type PageServer, type ShownService } from '../support/page-server';
import { pageRead, parkedFor, sweptAt } from '../support/service-events';

/** Where pictures of what was looked at go; unset = none are taken. */
const PICTURES = process.env['PAGE_PICTURES'];
const HOSTILE = `"><img src=x onerror="document.title='broken'"> & 'S-ka'`;

let browser: Browser;
const closing: (() => Promise<void>)[] = [];

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    // Its sandbox refuses to run as root.
    args: process.getuid?.() === 0 ? ['--no-sandbox', '--disable-dev-shm-usage'] : [],
  });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => browser.close());

interface Look {
  readonly page: Page;
  /** What went wrong, or outside, while the page was open. */
  readonly faults: readonly string[];
}

/** Opens the page as somebody with this screen sees it, once it is live. */
async function look(server: PageServer, { width = 1280, token = '' } = {}): Promise<Look> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    ...(token === '' ? {} : { httpCredentials: { username: 'anyone', password: token } }),
  });
  closing.push(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on('console', (message) => faults.push(message.text()));
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${server.url}/`) && !request.url().startsWith('data:'))
      faults.push(`asks ${request.url()}`);
  });
  await page.goto(server.url);
  await page.locator('#live.on').waitFor();
  await page.locator('#plot canvas').waitFor();
  return { page, faults };
}

async function serve(service: ShownService, token: string | null = null): Promise<PageServer> {
  const server = await servePage(service, { token, everyMs: 300 });
  closing.push(() => server.close());
  return server;
}

async function faultsByAxe(page: Page): Promise<readonly string[]> {
  // What a policy keeps a page from loading, a tool may still run in it.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const held = (entity: string): ServiceEvent => ({
  ...(sweptAt(Date.now(), { stream: 'invoices', complete: false, reasons: ['held'] }) as Extract<
    ServiceEvent,
    { kind: 'swept' }
  >),
  entity,
});
const parked = (entity: string): ServiceEvent => ({
  ...(parkedFor('unauthorized') as Extract<ServiceEvent, { kind: 'parked' }>),
  entity,
});

test.each([
  [1, 'all well', [], 'All well: every stream is fresh and complete.'],
  [1, 'one parked', [parked('company-001')], '1 company needs attention.'],
  [10, 'all well', [], 'All well: every stream is fresh and complete.'],
  [10, 'one held', [held('company-007')], '1 company needs attention.'],
  [300, 'all well', [], 'All well: every stream is fresh and complete.'],
  [300, 'one parked, one held', [parked('company-137'), held('company-200')], '2 companies need attention.'],
] as const)(
  '%d companies, %s: usable by everybody, on a wide screen and a phone, in light and dark',
  async (companies, what, events, verdict) => {
    const service = shownService(companies, { now: Date.now });
    for (const event of events) service.tell(event);
    const { page, faults } = await look(await serve(service));
    expect(await page.locator('.verdict').innerText()).toBe(verdict);
    expect(await page.locator('.entity').count()).toBe(companies);
    for (const [width, colorScheme, background] of [
      [1280, 'light', 'rgb(245, 246, 248)'],
      [390, 'dark', 'rgb(17, 21, 27)'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      const isAsWide = (): Promise<boolean> =>
        page.evaluate((most) => document.documentElement.scrollWidth === most, width);
      await until(isAsWide, { what: `no more than ${width} points to be needed`, withinMs: 5_000 });
      // The parts of three hundred are those of ten.
      if (companies <= 10 || colorScheme === 'light') expect(await faultsByAxe(page)).toEqual([]);
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(background);
      if (PICTURES !== undefined)
        await page.screenshot({
          path: `${PICTURES}-${companies}-${what.replace(/\W+/g, '-')}-${width}.png`,
          fullPage: companies < 10,
        });
    }
    expect(faults).toEqual([]);
  },
);

test('the worst company stands first, opened, with what to do', async () => {
  const service = shownService(300, { now: Date.now });
  service.tell(held('company-200'));
  service.tell(parked('company-137'));
  const { page } = await look(await serve(service));
  const first = page.locator('.entity').first();
  expect(await first.locator('summary').innerText()).toMatch(/company-137\s+unauthorized/);
  expect(await page.locator('.entity').nth(1).locator('summary').innerText()).toMatch(/company-200\s+held/);
  expect(await first.locator('.problems').first().innerText()).toContain("Set the entity's API key");
  expect(await page.locator('details[open]').count()).toBe(2);
});

test('by keyboard alone a company of 300 is found, opened and read', async () => {
  const { page } = await look(await serve(shownService(300, { now: Date.now })));
  await page.keyboard.press('/');
  await page.keyboard.type('company-24');
  expect(await page.locator('#found').innerText()).toBe('10 of 300 companies');
  await page.keyboard.type('3');
  expect(await page.locator('.entity:visible .name').allInnerTexts()).toEqual(['company-243']);
  // Past the box that shows only what needs attention.
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.locator('.entity:visible h3').allInnerTexts()).toEqual([...STREAMS].sort());
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Space');
  expect(await page.locator('#found').innerText()).toBe('0 of 300 companies');
});

test('what happens is shown without a reload, and what was opened stays open', async () => {
  const service = shownService(30, { now: Date.now });
  const { page, faults } = await look(await serve(service));
  await page.locator('summary', { hasText: 'company-020' }).click();
  service.tell(pageRead('recent', { entity: 'company-020', counts: { rows: 50, updated: 7, deleted: 2 } }));
  const changed = page.locator('[data-part=changes] li', { hasText: '7 updated, 2 deleted' });
  await changed.waitFor();
  expect(await changed.innerText()).toMatch(/company-020\s+clients:\s+7 updated, 2 deleted, found by recent/);
  const one = { id: 9_017_658, op: 'c', scan: 'newest' } as const;
  service.tell(pageRead('newest', { entity: 'company-020', counts: { rows: 50, created: 1 }, changed: [one] }));
  await page
    .locator('[data-part=changes] li', { hasText: /9017658 created, found by newest, at most \d+ \w+ late/ })
    .waitFor();
  expect(await page.locator('[data-entity=company-020] details').getAttribute('open')).toBe('');
  service.tell(parked('company-020'));
  await page.locator('.verdict.wrong').waitFor();
  expect(await page.locator('.entity .name').first().innerText()).toBe('company-020');
  expect(await page.locator('[data-part=timeline] li').first().innerText()).toMatch(
    /reading → parked \(unauthorized\)/,
  );
  expect(faults).toEqual([]);
});

test('a hostile name is text', async () => {
  const service = shownService(3, { now: Date.now, beside: [HOSTILE] });
  const { page, faults } = await look(await serve(service), { width: 390 });
  service.tell(parked(HOSTILE));
  await page.locator('.verdict.wrong').waitFor();
  expect(await page.locator('.entity .name').first().innerText()).toBe(HOSTILE);
  expect(await page.title()).toBe('infakt-kafka');
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  expect(faults).toEqual([]);
});

test('who signs in with the token sees it live, and a page that has lost its service says so', async () => {
  const server = await servePage(shownService(1, { now: Date.now }), { token: 'let-me-read-this' });
  const { page } = await look(server, { token: 'let-me-read-this' });
  expect(await page.locator('.entity').count()).toBe(1);
  await server.close();
  await page.locator('#live.off').waitFor();
});
