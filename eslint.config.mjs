import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '**/*.js', '**/*.cjs', '**/*.mjs', 'schemas/**'] },
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
    // Short programs to read: kafkajs asks for promises where nothing is waited for.
    files: ['examples/**'],
    rules: {
      '@typescript-eslint/require-await': 'off',
    },
  },
);
