/** @type {import('dependency-cruiser').IConfiguration} */
const only = (name, library, files, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^(src|config|simulator|tools)/', pathNot: files },
  to: { path: `node_modules/(${library})(/|$)`, dependencyTypesNot: ['type-only'] },
});
const never = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

/** The folders of pure functions. */
const pure = 'rules|changes|state';
/** Modules of Node that reach the network, files, time, chance or the process. */
const outside =
  '^(node:)?(net|tls|http|http2|https|dgram|dns|fs|fs/promises|process|child_process|timers|timers/promises|perf_hooks)$';

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'A module is read on its own.', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      comment: 'What nobody uses goes.',
      severity: 'error',
      from: { orphan: true, path: '^(src|config|simulator)/', pathNot: '\\.d\\.ts$|^src/http-server/assets/' },
      to: {},
    },
    only('kafkajs-in-sinks', 'kafkajs', '^(src/sinks/|tools/)', 'kafkajs is unmaintained: it stays behind src/sinks.'),
    only('avsc-in-avro', 'avsc', '^src/sinks/avro\\.ts', 'One codec, so one place that knows the traps of avsc.'),
    only(
      'cross-fetch-in-http',
      'cross-fetch',
      '^src/http\\.ts',
      'One place sends the key, and only to the configured host.',
    ),
    only(
      'proxy-agents-in-connections',
      'https?-proxy-agent|agent-base',
      '^src/connections\\.ts',
      'One place knows which connection goes through a proxy.',
    ),
    only('convict-in-config', 'convict', '^config/', 'The rest of the program sees plain frozen data.'),
    only(
      'http-in-its-room',
      'hono|@hono/node-server|prom-client',
      '^src/http-server/',
      'One room answers over HTTP, so that one place decides who is answered and with what.',
    ),
    only('pino-in-telemetry', 'pino', '^src/telemetry\\.ts', 'One logger, built once, passed in.'),
    never(
      'sources-know-no-kafka',
      '^src/sources/',
      '^src/(sinks|state|shard|reading|service|upkeep)/',
      'A source is a declaration and a cold Observable.',
    ),
    never(
      'sinks-know-no-sources',
      '^src/sinks/',
      '^src/(sources|changes|rules|shard|reading|operators|service|upkeep)/',
      'A sink publishes what it is given.',
    ),
    never(
      'pure-rooms-know-the-bottom',
      `^src/(${pure})/`,
      `^(simulator|tools|test)/|^config/|^src/(?!(model|errors|json)\\.ts|(${pure})/|sinks/(transaction|partition|record-size)\\.ts)`,
      'What to read, what changed and what is remembered is computed without a clock, a broker or the API.',
    ),
    {
      name: 'status-knows-what-happens',
      comment: 'Where streams stand is folded from the events of a run, whose types are all that it takes from there.',
      severity: 'error',
      from: { path: '^src/status/' },
      to: {
        path: `^(simulator|tools|test)/|^config/|^src/(?!(model|errors|json)\\.ts|(status|${pure})/|service/events\\.ts|sinks/(transaction|partition)\\.ts)`,
      },
    },
    {
      name: 'status-needs-types-of-the-service',
      comment: 'The vocabulary of the service and the sink is shared, their behaviour is not.',
      severity: 'error',
      from: { path: '^src/status/' },
      to: { path: '^src/(service/events|sinks/transaction)\\.ts', dependencyTypesNot: ['type-only'] },
    },
    never(
      'rules-know-no-status',
      `^src/(${pure}|sources|operators|shard|reading|sinks)/`,
      '^src/(status|http-server)/',
      'Who reads and publishes does not depend on who looks on.',
    ),
    never(
      'http-server-is-shown-what-it-shows',
      '^src/http-server/',
      '^config/|^src/(?!(model|errors|json)\\.ts|(http-server|status)/|service/events\\.ts)',
      'What is answered is handed in: no room of the service is asked over HTTP.',
    ),
    {
      name: 'pure-rooms-need-types-of-the-sink',
      comment:
        'The vocabulary of the sink is shared, its behaviour is not; where a partition is only computed, it may be.',
      severity: 'error',
      from: { path: `^src/(${pure})/` },
      to: { path: '^src/sinks/transaction\\.ts', dependencyTypesNot: ['type-only'] },
    },
    never(
      'pure-rooms-ask-nobody',
      `^src/(${pure}|status)/`,
      `node_modules/(rxjs|kafkajs|cross-fetch|avsc|convict|pino|hono|prom-client)(/|$)|${outside}`,
      'What to read, what changed and what is remembered is computed without a clock, a broker or the API.',
    ),
    never(
      'shard-is-plain-code',
      '^src/shard/',
      'node_modules/(rxjs|kafkajs)(/|$)',
      'A shard is a state machine: what flows in time comes to it as pages, what goes to Kafka leaves through the writer.',
    ),
    never(
      'config-knows-the-bottom',
      '^config/',
      '^src/(?!(errors|model|json)\\.ts)',
      'The configuration is plain data that the program takes.',
    ),
    {
      name: 'operators-are-alone',
      comment: 'An operator is composed of RxJS alone, so that any source can use it.',
      severity: 'error',
      from: { path: '^src/operators/' },
      to: { pathNot: '^(src/operators/|node_modules/rxjs/)' },
    },
    never(
      'reading-knows-no-sinks',
      '^src/reading/',
      '^src/sinks/',
      'What is read goes to the shard, which knows where records go.',
    ),
    never(
      'model-is-the-bottom',
      '^src/(model|errors)\\.ts',
      '^(src|config|simulator)/(?!model|errors)',
      'The vocabulary depends on nothing.',
    ),
    never(
      'simulator-is-alone',
      '^simulator/',
      '^(src|config|tools)/',
      'A simulator that shares code with the service would share its mistakes.',
    ),
    {
      name: 'only-simulate-starts-the-simulator',
      comment: 'The service never needs it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/commands/simulate\\.ts' },
      to: { path: '^simulator/' },
    },
    never(
      'commands-are-leaves',
      '^src/(?!main|commands)',
      '^src/(commands|main)',
      'Commands use the program, not the reverse.',
    ),
    never(
      'product-knows-no-tests',
      '^(src|config|simulator|tools)/',
      '^test/',
      'Tests use the program, not the reverse.',
    ),
    never(
      'examples-are-of-users',
      '^examples/',
      '^(src|config|simulator|tools|test)/',
      'An example has what a user has: the packages, what this one exports, and schemas.',
    ),
    {
      name: 'no-undeclared-dependencies',
      comment: 'Runtime dependencies are declared and counted.',
      severity: 'error',
      from: { path: '^(src|config|simulator)/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'], pathNot: '@types' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|examples/dashboard/(dist|node_modules))(/|$)' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default'],
    },
  },
};
