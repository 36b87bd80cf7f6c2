import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

/** A clock, chance, a timer or the process, by the names that need no import. */
const outsideNames = [
  'clearImmediate',
  'clearInterval',
  'clearTimeout',
  'crypto',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
];
const pureMessage = 'What is computed here is a function of its arguments: time, chance and the process are passed in.';

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '**/*.js', '**/*.cjs', '**/*.mjs', 'schemas/**', 'examples/dashboard/**'] },
  ...tseslint.configs.strictTypeChecked,
  rxjsX.configs.strict,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/dot-notation': 'off',
      // An Observable that ends without a value is a bug here, and EmptyError says so.
      'rxjs-x/no-ignored-default-value': 'off',
      'rxjs-x/throw-error': ['error', { allowThrowingUnknown: true }],
    },
  },
  {
    files: ['src/{rules,changes,state,status}/**'],
    rules: {
      'no-restricted-globals': ['error', ...outsideNames.map((name) => ({ name, message: pureMessage }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: pureMessage },
        { object: 'Math', property: 'random', message: pureMessage },
        { property: 'randomUUID', message: pureMessage },
        { property: 'randomBytes', message: pureMessage },
        ...outsideNames.map((property) => ({ object: 'globalThis', property, message: pureMessage })),
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: pureMessage },
        { selector: 'CallExpression[callee.name="Date"]', message: pureMessage },
        { selector: 'ImportSpecifier[imported.name=/^random/]', message: pureMessage },
      ],
    },
  },
  {
    // A function is read on one screen or two, a file from top to bottom.
    files: ['src/**', 'config/**', 'simulator/**', 'tools/**'],
    rules: {
      'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 350, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // One piece each: an account, a table of rows and a server are the simulator's one mutable state; the demo is a script, told in order.
    files: ['simulator/{account,rows,server,table}.ts', 'tools/bench/virtual/api.ts', 'tools/demo.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
  {
    // Short programs to read: kafkajs asks for promises where nothing is waited for.
    files: ['examples/**'],
    rules: {
      '@typescript-eslint/require-await': 'off',
    },
  },
);
