import type { FormatName, ValueOf } from './formats';

/** One key of a file, in the shape that convict reads. */
export type Setting<T> = {
  readonly doc: string;
  readonly format: FormatName;
  /** Null without `nullable` = the key is required. */
  readonly default: T | null;
  readonly nullable?: true;
  /** What holds where a nullable key is not given, for the documentation. */
  readonly otherwise?: string;
  readonly env?: string;
  /** The value is shown in no message. */
  readonly sensitive?: true;
};

/** A setting whose default is of its format. */
type CheckedSetting = { [Name in FormatName]: Setting<ValueOf<Name>> & { readonly format: Name } }[FormatName];

/** What a schema must satisfy: sections of settings, each with a default of its format. */
export interface Declared {
  readonly [key: string]: Declared | CheckedSetting;
}

/** The values of a file with that schema, as written there, with defaults. */
export type ValuesOf<Of> = {
  readonly [Key in keyof Of]: Of[Key] extends { readonly format: infer Name extends FormatName }
    ? ValueOf<Name> | (Of[Key] extends { readonly nullable: true } ? null : never)
    : ValuesOf<Of[Key]>;
};

type Leaf = string | number | boolean | null | readonly string[] | readonly number[];

/** The schema of a file whose values are T. */
export type Schema<T> = { readonly [K in keyof T]: T[K] extends Leaf ? Setting<T[K]> : Schema<T[K]> };

/** Any schema, for walking it without knowing its keys. */
export interface Section {
  readonly [key: string]: Section | Setting<unknown>;
}

/** Tells a key of a file from a section that holds keys. */
export function isSetting(node: Section | Setting<unknown>): node is Setting<unknown> {
  return typeof node['format'] === 'string';
}

/** The environment variable of a key of the service file: its words in upper case, with underscores between. */
export function variableOf(key: string): string {
  return key
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll('.', '_')
    .toUpperCase();
}

/** The same schema, in which each key has its environment variable. */
export function withVariables<S extends Declared>(schema: S): S {
  // What is added is optional in a setting, so that the type stays as it is.
  return named(schema, '') as S;
}

function named(section: Section, above: string): Section {
  return Object.fromEntries(
    Object.entries(section).map(([name, node]) => {
      const key = above + name;
      return [name, isSetting(node) ? { ...node, env: variableOf(key) } : named(node, `${key}.`)];
    }),
  );
}

/** Every key below a section, with its dots, in the order of the schema. */
export function settingsOf(
  section: Section,
  above = '',
): readonly (readonly [key: string, setting: Setting<unknown>])[] {
  return Object.entries(section).flatMap(([name, node]) =>
    isSetting(node) ? [[above + name, node] as const] : settingsOf(node, `${above}${name}.`),
  );
}
