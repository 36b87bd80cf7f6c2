/** @type {import('jest').Config} */
const project = {
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/examples/dashboard'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: 'tsconfig.json' }] },
};
const kafka = {
  globalSetup: '<rootDir>/test/support/start-kafka.ts',
  globalTeardown: '<rootDir>/test/support/stop-kafka.ts',
};
/** @type {import('jest').Config} */
module.exports = {
  // No test takes so long on a machine at rest; on a busy one they may.
  testTimeout: 240_000,
  // Most tests of Kafka wait for it: three at a time also on two cores.
  maxWorkers: 3,
  projects: [
    {
      ...project,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['integration', 'cluster', 'fault', 'program', 'connect', 'browser'].map(
        (folder) => `<rootDir>/test/${folder}/`,
      ),
    },
    { ...project, ...kafka, displayName: 'integration', testMatch: ['<rootDir>/test/integration/**/*.test.ts'] },
    // Brokers with the settings of other people's clusters, and a schema registry.
    { ...project, ...kafka, displayName: 'cluster', testMatch: ['<rootDir>/test/cluster/**/*.test.ts'] },
    // The demo, the examples and the tools, as their users start them.
    { ...project, ...kafka, displayName: 'program', testMatch: ['<rootDir>/test/program/**/*.test.ts'] },
    { ...project, ...kafka, displayName: 'fault', testMatch: ['<rootDir>/test/fault/**/*.test.ts'] },
    // Has a Kafka of its own, and all that comes after it.
    { ...project, displayName: 'connect', testMatch: ['<rootDir>/test/connect/**/*.test.ts'] },
    // The dashboard in Chromium, with a PostgreSQL of its own.
    { ...project, displayName: 'browser', testMatch: ['<rootDir>/test/browser/**/*.test.ts'] },
  ],
};
