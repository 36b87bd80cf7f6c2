import type { HistoryEntry, LifeRates } from '../../simulator/life';
import type { Simulator } from '../../simulator/server';
import { everything, objectOf, tell, withSimulator } from './ask';

/** Time that passes only when it is told to, and runs the work that is due on the way. */
function handTurnedTime() {
  const start = Date.parse('2026-03-31T10:00:00Z');
  let passedMs = 0;
  let waiting: { readonly work: () => void; readonly atMs: number } | undefined;
  return {
    clock: () => passedMs,
    now: () => start + passedMs,
    timer: (work: () => void, waitMs: number) => {
      waiting = { work, atMs: passedMs + waitMs };
      return () => {
        waiting = undefined;
      };
    },
    idle: () => waiting === undefined,
    pass(minutes: number) {
      const end = passedMs + minutes * 60_000;
      while (waiting !== undefined && waiting.atMs <= end) {
        const { work, atMs } = waiting;
        waiting = undefined;
        passedMs = atMs;
        work();
      }
      passedMs = end;
    },
  };
}

async function lived(
  rates: LifeRates,
  minutes: number,
  check: (simulator: Simulator, time: ReturnType<typeof handTurnedTime>) => void | Promise<void>,
): Promise<void> {
  const time = handTurnedTime();
  const { clock, now, timer } = time;
  await withSimulator({ clock, now, timer, life: rates }, async (simulator) => {
    time.pass(minutes);
    await check(simulator, time);
  });
}

const counted = (history: readonly HistoryEntry[], of: (entry: HistoryEntry) => string) =>
  history.reduce<Record<string, number>>((counts, entry) => {
    counts[of(entry)] = (counts[of(entry)] ?? 0) + 1;
    return counts;
  }, {});

test('things happen at about the rates that were asked for, in all entities and lists', () =>
  lived({ issue: 6, pay: 4, edit: 2, remove: 0.5 }, 60, ({ admin }) => {
    const history = admin.history();
    const kinds = counted(history, ({ kind }) => kind);
    expect(Object.keys(kinds).sort()).toEqual(['add', 'edit', 'pay', 'remove']);
    expect(Math.abs((kinds['add'] ?? 0) - 360)).toBeLessThan(80);
    expect(Math.abs((kinds['pay'] ?? 0) - 240)).toBeLessThan(60);
    expect(Math.abs((kinds['edit'] ?? 0) - 120)).toBeLessThan(45);
    expect(Math.abs((kinds['remove'] ?? 0) - 30)).toBeLessThan(20);
    expect(Object.keys(counted(history, ({ entity }) => entity)).sort()).toEqual(['key-a', 'key-b']);
    expect(Object.keys(counted(history, ({ stream, kind }) => `${kind} ${stream}`)).sort()).toEqual([
      'add clients',
      'add corrective_invoices',
      'add invoices',
      'edit clients',
      'edit invoices',
      'pay invoices',
      'remove clients',
      'remove invoices',
    ]);
    const times = history.map(({ time }) => time);
    expect(times).toEqual([...times].sort((one, two) => one - two));
    expect(times.at(-1)).toBeLessThanOrEqual(Date.parse('2026-03-31T11:00:00Z'));
  }));

test('every change in the history is a change of the row, and nothing else changes', async () => {
  const time = handTurnedTime();
  const { clock, now, timer } = time;
  await withSimulator({ clock, now, timer }, async (simulator) => {
    const snapshot = async () => {
      const rows = new Map<string, string>();
      for (const entity of ['key-a', 'key-b']) {
        for (const stream of ['clients', 'invoices', 'corrective_invoices']) {
          for (const row of await everything(simulator, `${stream}.json`, entity)) {
            rows.set(`${entity} ${stream} ${String(row['id'])}`, JSON.stringify(row));
          }
        }
      }
      return rows;
    };
    const before = await snapshot();
    simulator.admin.life({ issue: 20, pay: 20, edit: 20, remove: 5 });
    time.pass(5);
    const after = await snapshot();
    const differing = [...new Set([...before.keys(), ...after.keys()])].filter(
      (name) => before.get(name) !== after.get(name),
    );
    const touched = new Set(
      simulator.admin.history().map(({ entity, stream, id }) => `${entity} ${stream} ${String(id)}`),
    );
    const shortLived = [...touched].filter((name) => !before.has(name) && !after.has(name));
    expect(differing.length).toBeGreaterThan(100);
    expect(new Set([...differing, ...shortLived])).toEqual(touched);
  });
});

test('documents move by date, drafts are sent, payments are taken back, buyers move, old documents change', () =>
  lived({ edit: 100 }, 10, async (simulator) => {
    const time = handTurnedTime();
    const { clock, now, timer } = time;
    await withSimulator({ clock, now, timer }, async (untouched) => {
      const pairs = async (stream: string) => {
        const old = new Map((await everything(untouched, `${stream}.json`)).map((row) => [row['id'], row]));
        const rows = await everything(simulator, `${stream}.json`);
        return rows.map((row) => ({ row, was: objectOf(old.get(row['id'])) }));
      };
      const invoices = await pairs('invoices');
      const clients = await pairs('clients');
      expect({
        moved: invoices.some(({ row, was }) => row['invoice_date'] !== was['invoice_date']),
        sent: invoices.some(({ row, was }) => row['status'] === 'sent' && was['status'] === 'draft'),
        takenBack: invoices.some(({ row, was }) => row['paid_date'] === null && was['paid_date'] !== null),
        otherLines: invoices.some(({ row, was }) => row['gross_price'] !== was['gross_price']),
        old: invoices.some(
          ({ row, was }) => String(was['invoice_date']) < '2024-01-01' && JSON.stringify(row) !== JSON.stringify(was),
        ),
        buyers: clients.some(({ row, was }) => row['city'] !== was['city']),
      }).toEqual({ moved: true, sent: true, takenBack: true, otherLines: true, old: true, buyers: true });
    });
  }));

test('the same seed makes the same life', async () => {
  const histories: (readonly HistoryEntry[])[] = [];
  const keep = ({ admin }: Simulator) => {
    histories.push(admin.history());
  };
  await lived({ issue: 5, edit: 5 }, 5, keep);
  await lived({ issue: 5, edit: 5 }, 5, keep);
  expect(histories[0]?.length).toBeGreaterThan(20);
  expect(histories[1]).toEqual(histories[0]);
});

test('it is started, changed and ended while the simulator runs, in the process and over HTTP', () =>
  lived({}, 10, async (simulator, time) => {
    const { admin } = simulator;
    expect([time.idle(), admin.history()]).toEqual([true, []]);
    expect(admin.life({ issue: 30 })).toEqual({ issue: 30 });
    time.pass(1);
    const issued = admin.history().length;
    expect(issued).toBeGreaterThan(10);
    expect(await tell(simulator, 'PUT life', { pay: 30 })).toEqual({ status: 200, json: { pay: 30 } });
    expect((await tell(simulator, 'GET life')).json).toEqual({ pay: 30 });
    time.pass(1);
    const kinds = new Set(
      admin
        .history()
        .slice(issued)
        .map(({ kind }) => kind),
    );
    expect(kinds).toEqual(new Set(['pay']));
    expect((await tell(simulator, 'DELETE life')).status).toBe(204);
    expect([time.idle(), (await tell(simulator, 'GET life')).json]).toEqual([true, {}]);
    admin.life({ issue: 1 });
    await simulator.stop();
    expect(time.idle()).toBe(true);
  }));

test('it goes on when there is nothing left to change', () =>
  lived({ remove: 600, pay: 10, edit: 10 }, 5, ({ admin }, time) => {
    expect(admin.truth()['key-a']?.invoices.count).toBe(0);
    admin.life({ issue: 10 });
    time.pass(2);
    expect(admin.truth()['key-a']?.invoices.count).toBeGreaterThan(0);
  }));
