import { candidatesOf } from '../../src/rules/filter-proof';
import {
  createFindings,
  findingLine,
  findingsJson,
  verdictText,
  type Finding,
} from '../../src/commands/check-findings';
import type { Shape } from '../../src/changes/shape';
import { ConfigError, FatalError, TransientError } from '../../src/errors';

const failing = (error: Error) => () => Promise.reject(error);
const refusal = (reason: 'unauthorized' | 'forbidden' | 'identity-mismatch' | 'out-of-order'): FatalError =>
  new FatalError('the API refused', { reason, parks: 'entity' });

test('a check that succeeds returns its value and is a finding at once', async () => {
  const seen: Finding[] = [];
  const { attempt, all } = createFindings((finding) => void seen.push(finding));
  expect(await attempt('brokers', null, () => Promise.resolve({ value: 7, text: 'answer' }))).toBe(7);
  expect(all).toEqual([{ check: 'brokers', entity: null, ok: true, text: 'answer', code: 0 }]);
  expect(seen).toEqual(all);
});

test.each([
  [new ConfigError('wrong setting'), 'wrong setting', 2],
  [new TransientError('no answer'), 'no answer', 3],
  [refusal('out-of-order'), 'the API refused', 3],
  [refusal('unauthorized'), "the API refused; set the entity's API key: it is missing, wrong or was withdrawn", 2],
  [refusal('identity-mismatch'), 'the API refused', 2],
] as const)('a check that fails by %s says %j, with exit code %i', async (error, text, code) => {
  const { attempt, all, exitCode } = createFindings(() => undefined);
  expect(await attempt('key', 'alfa', failing(error))).toBeNull();
  expect(all).toEqual([{ check: 'key', entity: 'alfa', ok: false, text, code }]);
  expect(exitCode()).toBe(code);
});

test('a check that fails before it returns a promise is a finding too', async () => {
  const { attempt, all } = createFindings(() => undefined);
  await attempt('memory', null, () => {
    throw new ConfigError('too little');
  });
  expect(all).toMatchObject([{ check: 'memory', ok: false, text: 'too little' }]);
});

test('a list that the key may not read says in its line which scope the key needs', async () => {
  const lines: string[] = [];
  const { attempt } = createFindings((finding) => void lines.push(findingLine(finding)));
  for (const stream of ['clients', 'invoices'])
    await attempt(`stream ${stream}`, 'alfa', failing(refusal('forbidden')));
  expect(lines).toEqual(
    ['clients', 'invoices'].map(
      (stream) =>
        `FAIL stream ${stream} alfa: the API refused; give the API key the scope api:invoices:read: the plan or the key does not allow this list`,
    ),
  );
});

test('fields are an array of their own in JSON: names and JSON types, stream by stream', async () => {
  const findings = createFindings(() => undefined);
  const shape = {
    rows: 2,
    unfit: [{ field: 'notes', types: ['array', 'null'], strict: false }],
    unknown: [{ field: 'new_field', types: ['string'], strict: false }],
    absent: ['vat'],
  };
  const see = (stream: string, seen: Shape) =>
    findings.attempt(`fields of ${stream}`, 'alfa', () =>
      Promise.resolve({ value: seen, text: 'looked at', fields: { stream, shape: seen } }),
    );
  await see('invoices', shape);
  await see('clients', { rows: 0, unfit: [], unknown: [], absent: ['city'] });
  expect(findingsJson(findings)).toEqual({
    ok: true,
    filters: [],
    checks: [
      { check: 'fields of invoices', entity: 'alfa', ok: true, text: 'looked at' },
      { check: 'fields of clients', entity: 'alfa', ok: true, text: 'looked at' },
    ],
    fields: [
      {
        entity: 'alfa',
        stream: 'invoices',
        rows: 2,
        misfits: [{ field: 'notes', types: ['array', 'null'], strict: false }],
        unknown: [{ field: 'new_field', types: ['string'] }],
        absent: ['vat'],
      },
      { entity: 'alfa', stream: 'clients', rows: 0, misfits: [], unknown: [], absent: [] },
    ],
  });
});

test('a bug is no finding', async () => {
  const { attempt, all } = createFindings(() => undefined);
  await expect(attempt('key', 'alfa', failing(new TypeError('bug')))).rejects.toThrow('bug');
  expect(all).toEqual([]);
});

test('what a person must set right outweighs what could not be reached', async () => {
  const { attempt, exitCode } = createFindings(() => undefined);
  expect(exitCode()).toBe(0);
  await attempt('a', null, failing(new TransientError('away')));
  expect(exitCode()).toBe(3);
  await attempt('b', null, failing(new ConfigError('wrong')));
  await attempt('c', null, failing(new TransientError('away')));
  expect(exitCode()).toBe(2);
});

test('a line says whether all is well, of which entity, and what was found', () => {
  const finding: Finding = { check: 'key', entity: 'alfa', ok: true, text: 'belongs to it', code: 0 };
  expect(findingLine(finding)).toBe('ok   key alfa: belongs to it');
  expect(findingLine({ ...finding, entity: null, ok: false })).toBe('FAIL key: belongs to it');
});

test('the last line says how many of all checks failed, and names them', () => {
  const finding = (ok: boolean, entity: string | null): Finding => ({ check: 'key', entity, ok, text: '', code: 0 });
  expect(verdictText([finding(true, null), finding(true, 'alfa')])).toBe('All 2 checks are ok.');
  expect(verdictText([finding(false, 'beta'), finding(true, 'alfa'), finding(false, null)])).toBe(
    '2 of 3 failed: key beta, key',
  );
  expect(verdictText(Array.from({ length: 12 }, () => finding(false, 'x')))).toMatch(
    /^12 of 12 failed: .* and 2 more$/,
  );
});

test('a line is coloured where the page shows colours', () => {
  const finding: Finding = { check: 'key', entity: null, ok: false, text: 'no', code: 2 };
  expect(findingLine(finding, { columns: 80, hasColour: true })).toBe('\u001b[31mFAIL\u001b[39m key: no');
});

test('filters are an array of their own in JSON, by the name that they have in an address', async () => {
  const findings = createFindings(() => undefined);
  const [candidate] = candidatesOf({ openField: 'paid_date', detailOnlyFields: [] });
  if (candidate === undefined) throw new Error('expected a candidate');
  const proofs = [{ candidate, verdict: 'ignored' as const, why: 'all 9 rows', wasAnswered: true }];
  const filters = { stream: 'invoices', proofs };
  await findings.attempt('filters of invoices', 'alfa', () => Promise.resolve({ value: null, text: 'x', filters }));
  expect(findingsJson(findings)['filters']).toEqual([
    { entity: 'alfa', stream: 'invoices', filter: 'q[paid_date_gteq]', verdict: 'ignored', why: 'all 9 rows' },
  ]);
});
