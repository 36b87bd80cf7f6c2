import { pageOf, partsOf } from '../../src/http-server/page-view';
import { shownService, type ShownService } from '../support/page-server';
import { pageRead, parkedFor, START_MS } from '../support/service-events';

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='a()'> & \u2028`;
const about = { replica: 'books-7f6c-1', version: '0.2.0' };
let nowMs: number;

beforeEach(() => {
  nowMs = START_MS;
});

function service(companies: number, beside: readonly string[] = []): ShownService {
  return shownService(companies, { now: () => nowMs, beside });
}

const textOf = (html: string): string =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ (?=[.,:)])/g, '');

test('a company is shown stream by stream: state, freshness against its target, rows, changes, what is wrong and what to do', () => {
  const shown = service(1);
  shown.tell({ ...parkedFor('forbidden', 'clients'), entity: 'company-001' } as never);
  const text = textOf(pageOf(shown.shown(), about));
  expect(text).toContain('1 company needs attention.');
  expect(text).toContain('clients State parked, tried again 2026-01-07 10:01:00 UTC forbidden');
  expect(text).toContain('complete 2026-01-07 09:50:00 UTC, target 60 min');
  expect(text).toContain('Rows 250');
  expect(text).toContain('invoices State reading since');
  expect(text).toContain('Changes today 1 updated');
  expect(text).toContain(
    'forbidden since 2026-01-07 10:00:00 UTC (clients): Give the API key the scope api:invoices:read',
  );
});

test('how often each list is read and why is shown in words, and is news only where the words change', () => {
  const { tell, shown } = service(1);
  const place = { entity: 'company-001', stream: 'invoices' };
  const tellOf = (everyMs: number): void => {
    const figures = { scan: 'open', pages: 80, everyMs, pacing: 'changes', changesPerMinute: 0.05 } as const;
    tell({ kind: 'rhythm', ...place, scans: [figures] });
  };
  const versionOf = (): string | undefined =>
    partsOf(shown()).find(({ name }) => name === 'entity company-001')?.version;
  tellOf(960_000);
  expect(textOf(pageOf(shown(), about))).toContain(
    'Reads open a page every 12 s, all 80 every 16 min, because about 3 payments and edits an hour show there',
  );
  const before = versionOf();
  tellOf(961_000);
  expect(versionOf()).toBe(before);
  tellOf(480_000);
  expect(versionOf()).not.toBe(before);
});

test('of a first sweep its progress and the time that it has left are shown, instead of an age', () => {
  const { shown } = service(1);
  const found = shown();
  const [entity] = found.overview.entities;
  if (entity === undefined) throw new Error('no company is shown');
  const streams = entity.streams.map((stream) => ({
    ...stream,
    state: 'first-sweep' as const,
    first_sweep: { rows: 1_250, total: 5_000 },
    leftMs: 7 * 60_000,
  }));
  const overview = { ...found.overview, entities: [{ ...entity, streams }] };
  const html = pageOf({ ...found, overview }, about);
  expect(textOf(html)).toContain('Freshness first sweep: 25 % of 5 000, about 7 min left');
  expect(html).toMatch(/<progress\s+aria-label="First sweep of clients"\s+max="5000"\s+value="1250"/);
});

test('the newest changes are told by stream, id, what happened, scan and how late, many at once by their number', () => {
  const shown = service(1);
  const place = { entity: 'company-001', stream: 'invoices' };
  const cursor = { startedAt: new Date(nowMs - 18_000).toISOString() };
  shown.tell(pageRead('newest', { ...place, cursor, ended: nowMs - 17_000 }));
  const changed = [{ id: 9017658, op: 'c', scan: 'newest' }] as const;
  shown.tell(pageRead('newest', { ...place, counts: { created: 1 }, changed }));
  shown.tell(
    pageRead('sweep', { ...place, counts: { updated: 480, deleted: 1 }, changed: [{ id: 7, op: 'd', scan: 'sweep' }] }),
  );
  const text = textOf(pageOf(shown.shown(), about));
  const at = '2026-01-07 10:00:00 UTC company-001 invoices:';
  expect(text).toContain(
    `${at} 7 deleted, found by sweep ${at} 480 updated, found by sweep ${at} 9017658 created, found by newest, at most 18 s late`,
  );
});

test('a service without companies says so', () => {
  const text = textOf(pageOf(service(0).shown(), about));
  expect(text).toContain('Nothing is read.');
  expect(text).toContain('No company is configured.');
});

test('what is wrong with all streams of a company is said once', () => {
  const shown = service(1);
  shown.tell({ ...parkedFor('unauthorized'), entity: 'company-001' } as never);
  const text = textOf(pageOf(shown.shown(), about));
  expect(text.split('API key: it is missing')).toHaveLength(2);
  expect(text).toContain('(clients, corrective_invoices, invoices): Set');
});

test('hostile names are text wherever they show, the name of the replica too', () => {
  const shown = service(2, [HOSTILE]);
  shown.tell({ ...parkedFor('unauthorized'), entity: HOSTILE } as never);
  shown.tell(pageRead('newest', { entity: HOSTILE, stream: HOSTILE, counts: { updated: 1 } }));
  const html = pageOf(shown.shown(), { replica: HOSTILE, version: HOSTILE });
  expect(html.match(/<script(?! src="\/assets\/[\w.]+" defer>)|<img|<\/script><img|javascript:/g)).toBeNull();
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).toContain('&quot;&gt;&lt;script&gt;');
  expect(html).not.toMatch(/\sstyle=|\son\w+="/);
});

test('a piece has another version only when what it shows is another, and age alone is not', () => {
  const shown = service(3);
  const versions = (): Record<string, string> =>
    Object.fromEntries(partsOf(shown.shown()).map(({ name, version }) => [name, version]));
  const before = versions();
  nowMs += 20_000;
  expect(versions()).toEqual(before);
  shown.tell(pageRead('newest', { entity: 'company-002', counts: { updated: 1 } }));
  const after = versions();
  const news = Object.keys(after).filter((name) => after[name] !== before[name]);
  expect(news).toEqual(['summary', 'entity company-002', 'changes']);
});

test('each piece names itself and its version, as it is put in the place of the one before', () => {
  for (const { name, version, html } of partsOf(service(2).shown())) {
    expect(html()).toContain(`data-part="${name}"`);
    expect(html()).toContain(`data-v="${version}"`);
  }
});

test('of many companies only those with something wrong are opened', () => {
  const shown = service(12);
  shown.tell({ ...parkedFor('unauthorized'), entity: 'company-005' } as never);
  const opened = partsOf(shown.shown()).filter(({ html }) => /<details\s+open/.test(html()));
  expect(opened.map(({ name }) => name)).toEqual(['entity company-005']);
});
