import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import axe from 'axe-core';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';

import {
  buildDashboard,
  dashboardFolder,
  installDashboard,
  serveFolder,
  type Site,
} from '../../tools/example/dashboard';
import { makeViews } from '../../tools/example/reports';
import { projectRoot } from '../../tools/java';
import { startPostgres, type LocalPostgres } from '../../tools/postgres';
import { fillBooks } from '../support/books';

const run = promisify(execFile);

const pages = ['index', 'receivables', 'revenue', 'group', 'to-check'];
/** The day that docs/books-example.md calls today. */
const DAY = '2025-11-30';
const HOSTILE = `<img src=x onerror="document.title='broken'"> & "S-ka"`;
/** What the page of books lacks: an invoice of the year before, one of that year after the day, and one that is late for long. */
const MORE = `
  insert into invoices (entity, id, uuid, number, kind, status, currency, invoice_date, sale_date, payment_date, paid_date,
    net_price, tax_price, gross_price, paid_price, left_to_pay, client_id, client_company_name, observed_at)
  values
    ('alfa', 90, 'alfa-90', '90/11/2024', 'vat', 'paid', 'PLN', '2024-11-15', '2024-11-15', '2024-11-29', '2024-11-29',
      800000, 184000, 984000, 984000, 0, null, null, '2025-11-21 08:00'),
    ('alfa', 91, 'alfa-91', '91/12/2024', 'vat', 'paid', 'PLN', '2024-12-05', '2024-12-05', '2024-12-19', '2024-12-19',
      500000, 115000, 615000, 615000, 0, null, null, '2025-11-21 08:00'),
    ('beta', 92, 'beta-92', '92/06/2025', 'vat', 'sent', 'PLN', '2025-06-16', '2025-06-16', '2025-06-30', null,
      10000, 2300, 12300, 0, 12300, 77, '${HOSTILE.replaceAll("'", "''")}', '2025-11-21 08:00')`;

let folder: string;
let postgres: LocalPostgres;
let database: string;
let empty: Site;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dashboard-test-'));
  [postgres, browser] = await Promise.all([
    startPostgres(),
    chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      // Its sandbox refuses to run as root.
      args: process.getuid?.() === 0 ? ['--no-sandbox', '--disable-dev-shm-usage'] : [],
    }),
    installDashboard(),
  ]);
  const { user, password, host, port } = postgres;
  database = `postgresql://${user}:${password}@${host}:${port}/infakt`;
  // Every build of this file may speak with this machine alone.
  process.env['NODE_OPTIONS'] = `--require ${join(projectRoot(), 'test/support/only-this-machine.cjs')}`;
  await makeViews(postgres);
  await buildDashboard({ database, day: DAY, output: join(folder, 'empty') });
  await fillBooks(postgres);
  await postgres.execute(MORE);
  await buildDashboard({ database, day: DAY, output: join(folder, 'site') });
  [empty, site] = await Promise.all([serveFolder(join(folder, 'empty')), serveFolder(join(folder, 'site'))]);
});

afterAll(async () => {
  delete process.env['NODE_OPTIONS'];
  await browser.close();
  await Promise.all([site.stop(), empty.stop(), postgres.stop()]);
  await rm(folder, { recursive: true, force: true });
});

interface Look {
  readonly page: Page;
  /** What went wrong, or outside, while the page was open. */
  readonly faults: readonly string[];
  readonly close: () => Promise<void>;
}

/** Opens a page as somebody with this screen sees it, its charts drawn. */
async function look(at: Site, file: string, width = 1280, colorScheme: 'light' | 'dark' = 'light'): Promise<Look> {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => faults.push(message.text()));
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${at.url}/`) && !url.startsWith('data:')) faults.push(`asks ${url}`);
  });
  await page.goto(`${at.url}/${file}.html`, { waitUntil: 'load' });
  await page.waitForFunction(
    () => document.querySelectorAll('figure:not(details:not([open]) *) .drawing:empty').length === 0,
  );
  return { page, faults, close: () => context.close() };
}

/** Its text as one reads it: a space is a space. */
async function textOf(place: Locator): Promise<string> {
  return (await place.innerText()).replace(/\s+/g, ' ').trim();
}

/** The figures at the top of a page. */
async function figuresOf(page: Page): Promise<readonly string[]> {
  return Promise.all((await page.locator('.figure').all()).map(textOf));
}

/** The rows of the table with this caption, their cells joined. */
async function rowsOf(page: Page, caption: string): Promise<readonly string[]> {
  const rows = page.locator('table', { has: page.getByText(caption, { exact: true }) }).locator('tbody tr');
  return Promise.all(
    (await rows.all()).map(async (row) =>
      (await Promise.all((await row.locator('th, td').all()).map(textOf))).join(' | '),
    ),
  );
}

test('the types of the dashboard hold', async () => {
  const tsc = join(projectRoot(), 'node_modules/typescript/bin/tsc');
  await expect(run(process.execPath, [tsc, '-p', dashboardFolder()])).resolves.toMatchObject({ stdout: '' });
});

describe('with the documents of docs/books-example.md', () => {
  test('receivables show what is owed, its age, the worst debtors, and what came in this week', async () => {
    const { page, faults, close } = await look(site, 'receivables');
    expect(await figuresOf(page)).toEqual([
      'Owed 18 137.22 PLN 1 476.00 EUR 123.00 USD 44 documents',
      'Overdue 11 965.93 PLN 1 353.00 EUR 123.00 USD the oldest for 153 days',
      'Came in this week 615.00 PLN 1 document',
      'To be given back 1 350.00 PLN 3 documents',
    ]);
    const ageing = await rowsOf(page, 'Owed to each company, by age, in PLN');
    expect(ageing).toHaveLength(13);
    expect(ageing[0]).toBe(
      'Alfa | 430.50 PLN | 369.00 PLN | 1 960.00 PLN | 3 198.00 PLN | – | 492.00 PLN | 6 449.50 PLN',
    );
    expect(ageing).toContain('Beta sp. z o.o. | – | – | 1 030.00 PLN | – | 123.00 PLN | – | 1 153.00 PLN');
    expect(ageing.at(-1)).toBe(
      'All companies | 5 679.29 PLN | 2 560.00 PLN | 5 617.90 PLN | 3 665.03 PLN | 123.00 PLN | 492.00 PLN | 18 137.22 PLN',
    );
    const debtors = await rowsOf(page, 'Clients by what they are late with, in PLN');
    expect(debtors).toContain('Klient | 615.00 PLN | 1 845.00 PLN | 1 | 16 days');
    expect(debtors).toContain(`${HOSTILE} | 123.00 PLN | 123.00 PLN | 1 | 153 days`);
    expect(await rowsOf(page, 'Paid documents, the latest first')).toEqual([
      '17/10/2025 | alfa without a client | Alfa | 25 November 2025 | 615.00 PLN',
    ]);
    expect(await rowsOf(page, 'Documents with something to be given back, the largest amount first')).toEqual([
      '5/09/2025 | alfa without a client | Alfa | to be refunded after a correction | 1 230.00 PLN',
      '3/10/2025 | alfa without a client | Alfa | overpaid | 70.00 PLN',
      '10/11/2025 | alfa without a client | Alfa | overpaid | 50.00 PLN',
    ]);
    expect(await page.title()).toBe('Receivables');
    expect(faults).toEqual([]);
    await close();
  });

  test('the ageing chart stacks the ages of a company in their order, as wide as their amounts', async () => {
    const { page, close } = await look(site, 'receivables');
    const chart = page.locator('figure[data-chart="ageing"]').first();
    expect(await chart.locator('svg[role="img"]').getAttribute('aria-label')).toContain('by age, in PLN');
    const bars = await chart.locator('rect[fill^="var(--age"]').evaluateAll((rects) =>
      rects
        .map((rect) => ({
          x: rect.getBoundingClientRect().x,
          y: rect.getBoundingClientRect().y,
          fill: rect.getAttribute('fill'),
        }))
        .sort((one, other) => one.y - other.y || one.x - other.x)
        .map(({ fill }) => fill),
    );
    // Alfa comes first, as most is owed to it.
    expect(bars.slice(0, 5)).toEqual([
      'var(--age-0)',
      'var(--age-1)',
      'var(--age-2)',
      'var(--age-3)',
      'var(--age-none)',
    ]);
    expect(bars).toHaveLength(21);
    await close();
  });

  test('revenue compares this year with last year up to the same day, by month, company and client', async () => {
    const { page, faults, close } = await look(site, 'revenue');
    expect(await figuresOf(page)).toEqual([
      '2025 so far 27 183.58 PLN 1 300.00 EUR 100.00 USD +239.8% in PLN',
      '2024 to 30 November 8 000.00 PLN',
      'November 2025 2 826.49 PLN',
    ]);
    await page.getByText('The figures of each month, in PLN').click();
    const months = await rowsOf(page, 'Net sales by month, in PLN');
    expect(months[5]).toBe('June | 100.00 PLN | – | –');
    expect(months.slice(8)).toEqual([
      'September | 13 720.00 PLN | – | –',
      'October | 10 537.09 PLN | – | –',
      'November | 2 826.49 PLN | 8 000.00 PLN | −64.7%',
      'December | – | 5 000.00 PLN | –',
    ]);
    await page.getByText('In EUR', { exact: true }).first().click();
    await page.locator('figure[data-title="Net sales by month, in EUR"] svg').waitFor();
    const companies = await rowsOf(page, 'Net sales of each company, in PLN');
    expect(companies[0]).toBe('Alfa | 1 950.00 PLN | 11 650.00 PLN | 8 000.00 PLN | +45.6%');
    expect(companies.at(-1)).toBe('All companies | 2 826.49 PLN | 27 183.58 PLN | 8 000.00 PLN | +239.8%');
    const clients = await rowsOf(page, 'Net sales to each client, in PLN');
    expect(clients).toContain('Klient | 1 500.00 PLN | – | –');
    expect(clients).toContain('Beta sp. z o.o. (of the group) | 500.00 PLN | – | –');
    expect(faults).toEqual([]);
    await close();
  });

  test('the group is shown before and after elimination', async () => {
    const { page, faults, close } = await look(site, 'group');
    expect(await figuresOf(page)).toEqual([
      'Owed to the group 17 768.22 PLN 1 476.00 EUR 123.00 USD by clients outside it',
      'Between its companies 369.00 PLN eliminated',
      'To be given back 1 350.00 PLN to clients outside it',
    ]);
    expect(await rowsOf(page, 'Net sales of the group by month, in PLN')).toContain(
      'October 2025 | 10 537.09 PLN | 500.00 PLN | 10 037.09 PLN',
    );
    expect((await rowsOf(page, 'Receivables and debts of the group today'))[0]).toBe(
      'PLN | 18 137.22 PLN | 17 768.22 PLN | 1 719.00 PLN | 1 350.00 PLN',
    );
    expect(await rowsOf(page, 'Debts between companies of the group')).toEqual([
      'Beta sp. z o.o. | group | 369.00 PLN',
    ]);
    expect(faults).toEqual([]);
    await close();
  });

  test('what to check says where, what, and what to do, and every page counts it', async () => {
    const { page, faults, close } = await look(site, 'to-check');
    expect(await textOf(page.locator('nav .badge'))).toBe('34');
    expect(await rowsOf(page, '2 findings of Euro')).toEqual([
      '3/10/2025 | No exchange rate of USD | It has no amount in zloty: load the rates before 2025-10-10 into exchange_rates',
      '4/11/2025 | The exchange rate is of 2025-11-07 | A table of 2025-11-10 is expected: load it into exchange_rates',
    ]);
    expect(await rowsOf(page, '1 finding of Unsaid')).toEqual([
      '1/KON/11/2025 | Whether its total contains its advances is not known | It counts nowhere: write into final_totals what infakt-kafka check says of the totals of final-invoices',
    ]);
    expect(await page.locator('tbody tr').count()).toBe(34);
    expect(faults).toEqual([]);
    await close();
  });

  test('the first page has the main figures of the others, and says when they were read', async () => {
    const { page, faults, close } = await look(site, 'index');
    const figures = await figuresOf(page);
    expect(figures.slice(-3)).toEqual([
      'Sold outside the group 31 683.58 PLN 1 300.00 EUR 100.00 USD',
      'Sold within the group 500.00 PLN',
      'Findings 34 11 companies concerned',
    ]);
    expect(await textOf(page.locator('footer'))).toMatch(
      /^Figures of 30 November 2025, read from the database on \d+ \w+ \d{4}, \d\d:\d\d \(Warsaw time\): 110 documents of 13 companies\. The newest of them was read from inFakt on 28 November 2025, 10:00\.$/,
    );
    expect(faults).toEqual([]);
    await close();
  });
});

test.each(pages)(
  '%s is usable by everybody: no serious fault by axe, no sideways scroll, dark where asked for',
  async (file) => {
    const { page, faults, close } = await look(site, file);
    await page.evaluate(axe.source);
    for (const [width, colorScheme, background] of [
      [1280, 'light', 'rgb(244, 246, 248)'],
      [390, 'dark', 'rgb(17, 21, 27)'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      // Charts are drawn anew.
      await page.waitForFunction((most) => document.documentElement.scrollWidth === most, width);
      const { violations } = await page.evaluate<axe.AxeResults>('axe.run()');
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(background);
    }
    expect(faults).toEqual([]);
    await close();
  },
);

test('without any document every page says that there is nothing', async () => {
  const said: Record<string, readonly string[]> = {};
  for (const file of pages) {
    const { page, faults, close } = await look(empty, file, 390);
    said[file] = await Promise.all((await page.locator('.empty').all()).map(textOf));
    expect(await page.locator('table, figure').count()).toBe(0);
    expect(await page.locator('main').innerText()).not.toMatch(/null|undefined|NaN/);
    expect(faults).toEqual([]);
    await close();
  }
  expect(said).toEqual({
    index: [],
    receivables: [
      'Nobody owes anything.',
      'Nobody is late.',
      'Nothing came in during the last seven days.',
      'Nothing is to be given back.',
    ],
    revenue: [
      'Nothing was sold this year or last.',
      'Nothing was sold this year or last.',
      'Nobody bought anything this year.',
    ],
    group: [
      'Nothing was sold in the last twelve months.',
      'Nothing is owed, either way.',
      'No company of the group owes another anything.',
    ],
    'to-check': ['There is nothing to check.'],
  });
});

test('npm run example:dashboard serves the pages of a database until it is stopped', async () => {
  const program = join(projectRoot(), 'dist/tools/example-dashboard.js');
  const child = spawn(process.execPath, [program, '--port', '0'], {
    env: { ...process.env, DATABASE_URL: database, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    said += String(text);
    const url = /at (http:\S+) until Ctrl-C/.exec(said)?.[1];
    if (url === undefined) continue;
    const answer = await fetch(`${url}/`);
    expect(await answer.text()).toContain('<h1>The books</h1>');
    expect((await fetch(`${url}/package.json`)).status).toBe(404);
    child.kill('SIGINT');
    break;
  }
  expect(await exited).toBe(0);
});

test('a build without a database says what is missing', async () => {
  await expect(buildDashboard({ database: '', output: join(folder, 'none') })).rejects.toThrow(
    /Building the dashboard: expected pages, got: [^]*expected the database in DATABASE_URL/,
  );
});
