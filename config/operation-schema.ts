import type { Declared } from './setting';

/** The sections of the service file that are about who looks on while `run` goes on: over HTTP, by alerts, and when a stream counts as stale. */
export const operationSchema = {
  http: {
    port: {
      doc: 'The port on which `run` answers `/livez`, `/readyz`, `/health` and `/metrics`. 0 = none. One that is taken ends `run` before it joins its group.',
      format: 'infakt-kafka.port',
      default: 8080,
      env: 'HTTP_PORT',
    },
    host: {
      doc: 'The address that it listens on: `127.0.0.1` = this machine alone, `0.0.0.0` = every address, as probes from outside need it.',
      format: 'infakt-kafka.host',
      default: '127.0.0.1',
      env: 'HTTP_HOST',
    },
    token: {
      doc: 'What everything but the probes asks for: as a bearer token, or as the password of a Basic sign-in with any user name.',
      format: 'infakt-kafka.token',
      default: null,
      nullable: true,
      otherwise: 'whoever reaches the port may read',
      env: 'HTTP_TOKEN',
      sensitive: true,
    },
    tokenFile: {
      doc: 'A file that holds only the token; white space around it is left out. It is read again at each request.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
  },
  hooks: {
    enabled: {
      doc: 'Whether `run` takes webhooks of inFakt at `/hooks/<entity>` on `http.port`, as hints what to read at once. Each entity needs its `hook_secret` for that.',
      format: 'infakt-kafka.boolean',
      default: false,
    },
  },
  alerts: {
    url: {
      doc: 'Where `run` posts what a person must see to, as JSON with a field `text`: the address of an incoming hook of Slack, Teams or Mattermost, or one of your own.',
      format: 'infakt-kafka.hook',
      default: null,
      nullable: true,
      otherwise: 'no alerts',
      sensitive: true,
    },
    urlFile: {
      doc: 'A file that holds only the URL; white space around it is left out. It is read again for each alert.',
      format: 'infakt-kafka.path',
      default: null,
      nullable: true,
      sensitive: true,
    },
  },
  health: {
    sweepSeconds: {
      doc: 'How old the last complete sweep of a stream may be before `/health` calls the stream stale.',
      format: 'infakt-kafka.age',
      default: null,
      nullable: true,
      otherwise: 'three times what `plan` foretells of its sweeps, at least 30 min',
    },
    newestSeconds: {
      doc: 'How long ago the last look for new rows of a stream may be before `/health` calls the stream stale.',
      format: 'infakt-kafka.age',
      default: null,
      nullable: true,
      otherwise: 'three times what `plan` foretells of these looks, at least 30 min',
    },
  },
} as const satisfies Declared;
