import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parse, stringify } from 'yaml';

import { createMetrics } from '../../src/http-server/metrics';
import { factsOf, statusReasons } from '../../src/status/reasons';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}
const rules = (
  parse(read('deploy/prometheus/rules.yml')) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr }) => ({ name: `${title} (${refId})`, expr })),
);

const described = createMetrics({ version: '0', own: () => [], isReady: () => true, now: () => 0 }).described();
/** All series' names: of a histogram those of its buckets, sum and count. */
const series = new Set(
  described.flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  ),
);
const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'bool']);

/** Names of series in an expression: what is no function (it stands before a bracket), word of the language, label or value. */
function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replaceAll(/"[^"]*"|\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w.])[a-z_:][\w:]*(?!\w|\s*\()/gi)].map(([name]) => name);
  return names.filter((name) => !WORDS.has(name));
}

const reasonsIn = (alert: string): ReadonlySet<string> =>
  new Set(/reason[!=]~?"([^"]*)"/.exec(rules.find((rule) => rule.alert === alert)?.expr ?? '')?.[1]?.split('|'));

test('metrics are found in an expression, and no label, function or word', () => {
  const expr =
    'histogram_quantile(0.9, sum by (job, le) (rate(a_bucket{x="b_c"}[5m]))) > 1e3 and on (job) c:d or vector(1)';
  expect(metricsIn(expr)).toEqual(['a_bucket', 'c:d']);
});

test.each(rules.map(({ alert, expr }) => [alert, expr]))('the alert %s is about metrics that there are', (_, expr) => {
  const names = metricsIn(expr);
  expect(names.filter((name) => !series.has(name))).toEqual([]);
  expect(names).not.toEqual([]);
});

test.each(queries.map(({ name, expr }) => [name, expr]))('the panel %s asks for metrics that there are', (_, expr) => {
  const names = metricsIn(expr);
  expect(names.filter((name) => !series.has(name))).toEqual([]);
  expect(names).not.toEqual([]);
});

test('the lists to choose from on the dashboard are of metrics that there are', () => {
  const asked = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  const names = asked.map((definition) => /^label_values\((\w+)/.exec(definition)?.[1] ?? definition);
  expect(names).toHaveLength(2);
  expect(names.filter((name) => !series.has(name))).toEqual([]);
});

test('every reason that makes /health answer 503 has one alert: what passes by itself warns later', () => {
  const unhealthy = statusReasons.filter((reason) => factsOf(reason).isUnhealthy);
  const passing = unhealthy.filter((reason) => !factsOf(reason).needsPerson);
  expect([...reasonsIn('InfaktKafkaOutage')].sort()).toEqual([...passing].sort());
  expect([...reasonsIn('InfaktKafkaProblem')].sort()).toEqual([...passing, 'stale'].sort());
  expect([...reasonsIn('InfaktKafkaStale')]).toEqual(['stale']);
});

test('every alert has a name of its own, a weight, and says in words what is the matter', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  for (const { alert, labels, annotations } of rules) {
    expect(alert).toMatch(/^InfaktKafka[A-Z]/);
    expect(['critical', 'warning', 'info']).toContain(labels.severity);
    expect(annotations.summary).not.toBe('');
    expect(annotations.description).toMatch(/\.$/);
  }
});

test('every alert is tried, once where it is due and once where it is not', () => {
  interface Tried {
    readonly alertname: string;
    readonly exp_alerts?: readonly unknown[];
  }
  const file = parse(read('deploy/prometheus/rules.test.yml')) as {
    readonly tests: readonly { readonly alert_rule_test: readonly Tried[] }[];
  };
  const tried = file.tests.flatMap((each) => each.alert_rule_test);
  const names = (due: boolean): readonly string[] =>
    [
      ...new Set(tried.filter((each) => (each.exp_alerts ?? []).length > 0 === due).map((each) => each.alertname)),
    ].sort();
  const all = rules.map(({ alert }) => alert).sort();
  expect({ due: names(true), calm: names(false) }).toEqual({ due: all, calm: all });
});

test('the panels of the dashboard say what they show and do not lie over each other', () => {
  const panels = dashboard.panels;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  for (const { type, title, description = '' } of panels)
    expect(`${title}: ${type === 'row' ? '.' : description}`).toMatch(/^.+: .*\.$/);
});

describe('promtool, where that is there,', () => {
  const isThere = spawnSync('promtool', ['--version']).status === 0;
  const check = isThere ? test : test.skip;
  const promtool = (...args: readonly string[]): { readonly status: number | null; readonly said: string } => {
    const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
    return { status, said: stdout + stderr };
  };

  check('finds the alerts due in the made-up histories, and no others', () => {
    const { status, said } = promtool('test', 'rules', join(root, 'deploy/prometheus/rules.test.yml'));
    expect({ status, said }).toMatchObject({ status: 0 });
  });

  check('understands every query of the dashboard', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
    try {
      // Grafana puts its own values in the place of these names.
      const exprs = queries.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m'));
      const file = join(folder, 'queries.yml');
      const recorded = exprs.map((expr, number) => ({ record: `query_${number}`, expr }));
      writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }));
      const { status, said } = promtool('check', 'rules', file);
      expect({ status, said }).toMatchObject({ status: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
