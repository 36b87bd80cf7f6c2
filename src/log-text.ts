import { isObject } from './json';

/** Fields that stand before the message: what the line is about. */
const PLACE = ['entity', 'stream', 'shard'] as const;
/** Control characters, but for tabs and line breaks: what others wrote must not steer a terminal. */
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const COLOURS: Readonly<Record<string, string>> = { warn: '33', error: '31', fatal: '31', debug: '2', trace: '2' };

/** A line of the log, which is JSON, as a person reads it: time, level where it is not info, what it is about, message, facts; an error below. */
export function logText(line: string, { colour }: { readonly colour: boolean }): string {
  const parsed: unknown = JSON.parse(line, (_key, value: unknown) =>
    typeof value === 'string' ? value.replaceAll(CONTROL, '?') : value,
  );
  const { time, level, msg, err, about, ...fields } = isObject(parsed) ? parsed : {};
  const name = String(level);
  const paint = (text: string): string => {
    const code = colour ? COLOURS[name] : undefined;
    return code === undefined ? text : `\x1b[${code}m${text}\x1b[0m`;
  };
  const place = PLACE.filter((part) => fields[part] !== undefined && fields[part] !== null).map((part) =>
    part === 'shard' ? `shard ${shown(fields[part])}` : shown(fields[part]),
  );
  const facts = Object.entries(fields)
    .filter(([key]) => !PLACE.some((part) => part === key))
    .map(([key, value]) => `${key}=${shown(value)}`);
  const head = [
    clockTime(time),
    ...(name === 'info' ? [] : [paint(name.toUpperCase())]),
    ...(place.length === 0 ? [] : [`${place.join(' ')}:`]),
    String(msg),
    ...(about === undefined ? [] : [`- ${typeof about === 'string' ? about : JSON.stringify(about)}`]),
    ...facts,
  ];
  const below = errorLines(err).map((text) => `         ${text}`);
  return `${[head.join(' '), ...below].join('\n')}\n`;
}

/** The message of an error and of what caused it, each once. */
function errorLines(err: unknown): readonly string[] {
  if (!isObject(err)) return [];
  const message = String(err['message']);
  const causes = errorLines(err['cause']).filter((cause) => !message.includes(cause));
  return [
    ...message.split('\n'),
    ...causes.map((cause) => (cause.startsWith('because: ') ? cause : `because: ${cause}`)),
  ];
}

/** The time of day, by the clock of whoever looks. */
function clockTime(time: unknown): string {
  const date = new Date(String(time));
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (Array.isArray(value))
    return value.every((item) => typeof item !== 'object') ? value.join(',') : JSON.stringify(value);
  return JSON.stringify(value);
}
