import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino';

/** Writes JSON lines: one a change of state, fixed messages, facts in fields, errors under `err`. */
export type Logger = PinoLogger;

/** Makes the process's one logger; secrets, also those that are added later, are masked wherever they might turn up in an error's or a field's text. */
export function createLogger(
  { level, secrets }: { readonly level: string; readonly secrets: Iterable<string> },
  destination: DestinationStream,
): Logger {
  // Asked for at each line, as secrets are added while the service runs; the longest first: one may be the beginning of another.
  const hide = (text: string): string =>
    [...secrets]
      .sort((a, b) => b.length - a.length)
      .reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text);
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) =>
          Object.fromEntries(
            Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? hide(value) : value]),
          ),
      },
      serializers: { err: (error: unknown) => errorFields(error, hide) },
    },
    destination,
  );
}

function errorFields(error: unknown, hide: (text: string) => string): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: hide(String(error)) };
  return {
    type: error.name,
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    message: hide(error.message),
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause, hide) }),
  };
}
