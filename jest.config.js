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
  // Most tests of Kafka wait for it: two at a time also on two cores.
  maxWorkers: 2,
  projects: [
    {
      ...project,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/test/integration/', '/test/fault/', '/test/connect/', '/test/browser/'],
    },
    { ...project, ...kafka, displayName: 'integration', testMatch: ['<rootDir>/test/integration/**/*.test.ts'] },
    { ...project, ...kafka, displayName: 'fault', testMatch: ['<rootDir>/test/fault/**/*.test.ts'] },
    // Has a Kafka of its own, and all that comes after it.
    { ...project, displayName: 'connect', testMatch: ['<rootDir>/test/connect/**/*.test.ts'] },
    // The dashboard in Chromium, with a PostgreSQL of its own.
    { ...project, displayName: 'browser', testMatch: ['<rootDir>/test/browser/**/*.test.ts'] },
  ],
};
