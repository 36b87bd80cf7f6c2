import { FatalError, TransientError } from '../src/errors';
import { createLogger } from '../src/telemetry';

function logged(
  use: (logger: ReturnType<typeof createLogger>) => void,
  { level = 'info', secrets = [] }: { readonly level?: string; readonly secrets?: readonly string[] } = {},
): string[] {
  const lines: string[] = [];
  use(createLogger({ level, secrets }, { write: (text) => void lines.push(text) }));
  return lines;
}

test('writes one JSON object a line: time, level as a word, fields, message', () => {
  const [line = ''] = logged((logger) => logger.child({ entity: 'alfa' }).info({ rows: 3 }, 'caught up'));
  expect(line.endsWith('}\n')).toBe(true);
  const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
  expect(rest).toEqual({ level: 'info', entity: 'alfa', rows: 3, msg: 'caught up' });
  expect(time).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
});

test('keeps back what is below its level', () => {
  const use = (logger: ReturnType<typeof createLogger>): void => {
    logger.debug('debug');
    logger.info('info');
    logger.warn('warn');
  };
  expect(logged(use, { level: 'warn' })).toHaveLength(1);
  expect(logged(use, { level: 'debug' })).toHaveLength(3);
  expect(logged(use, { level: 'silent' })).toHaveLength(0);
});

test('shows an error by its type, code, message and causes, without stacks and other fields', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', host: 'inside' });
  const error = new TransientError('asking the API', { entity: 'alfa', cause: refused });
  const [line = ''] = logged((logger) => logger.warn({ err: error }, 'parked'));
  expect(JSON.parse(line)).toMatchObject({
    err: {
      type: 'TransientError',
      code: 'TRANSIENT',
      message: 'asking the API',
      cause: { type: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    },
  });
  expect(line).not.toMatch(/stack|inside| at /);
});

test('shows as an error also what is none', () => {
  expect(logged((logger) => logger.error({ err: 'a text' }, 'x'))[0]).toContain('"err":{"message":"a text"}');
});

describe('I11', () => {
  const KEY = 'k3y.with+special(chars)';
  const PASSWORD = 'p4ss"w\\ord';
  const secrets = [KEY, PASSWORD];

  test('a secret in an error is masked wherever it turns up: message and every cause, each time it occurs', () => {
    const deepest = new Error(`no header can hold ${KEY} or ${PASSWORD}, ${KEY}`);
    const error = new FatalError(`asking with ${KEY}`, {
      reason: 'unauthorized',
      parks: 'entity',
      cause: new Error(`SASL: ${PASSWORD}`, { cause: deepest }),
    });
    const [line = ''] = logged((logger) => logger.error({ err: error }, 'parked'), { secrets });
    expect(line).not.toContain(KEY);
    expect(line).not.toContain(PASSWORD);
    expect(line).not.toContain(JSON.stringify(PASSWORD).slice(1, -1));
    expect(JSON.parse(line)).toMatchObject({
      err: {
        message: 'asking with [secret]',
        cause: { message: 'SASL: [secret]', cause: { message: 'no header can hold [secret] or [secret], [secret]' } },
      },
    });
  });

  test('a secret in what was thrown without being an error is masked', () => {
    const [line = ''] = logged((logger) => logger.error({ err: `refused ${KEY}` }, 'x'), { secrets });
    expect(line).toContain('refused [secret]');
  });

  test.each(['about', 'kafkajs'])('a secret in the text of the field %s is masked', (field) => {
    const [line = ''] = logged((logger) => logger.warn({ [field]: `SASL ${KEY} failed` }, 'kafka client'), { secrets });
    expect(JSON.parse(line)).toMatchObject({ [field]: 'SASL [secret] failed' });
  });

  test('a secret that becomes known later is masked from then on', () => {
    const known = new Set<string>();
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', secrets: known }, { write: (text) => void lines.push(text) });
    known.add(KEY);
    logger.error({ err: new Error(`asking with ${KEY}`) }, 'parked');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ err: { message: 'asking with [secret]' } });
  });

  test('of two secrets of which one begins with the other, both are masked whole', () => {
    const [line = ''] = logged((logger) => logger.error({ err: new Error('abc-def abc') }, 'x'), {
      secrets: ['abc', 'abc-def'],
    });
    expect(JSON.parse(line)).toMatchObject({ err: { message: '[secret] [secret]' } });
  });
});
