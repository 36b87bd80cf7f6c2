import type { SecretKind, SecretText } from '../config/secret-files';

/** Values that stand in files of their own. */
export interface Secrets {
  /**
   * What the file holds now; where it is gone or unusable, what it held before. Null instead of a file: the value cannot change, and is
   * the one that was loaded.
   */
  readonly latest: (kind: SecretKind, file: string | null, loaded: string) => string;
}

export interface SecretsOptions {
  readonly read: (kind: SecretKind, file: string) => SecretText;
  /** Told of a value that was not known before, ahead of its first use. */
  readonly onChange: (kind: SecretKind, file: string, value: string) => void;
  /** Told once each time that a file turns out to be unusable. */
  readonly onUnusable: (file: string, got: string) => void;
}

/** Reads these files each time that their values are needed: mounted secrets are replaced without a sign. */
export function createSecrets({ read, onChange, onUnusable }: SecretsOptions): Secrets {
  const last = new Map<string, string>();
  const unusable = new Set<string>();
  return {
    latest(kind, file, loaded) {
      if (file === null) return loaded;
      const before = last.get(file) ?? loaded;
      const text = read(kind, file);
      if ('unusable' in text) {
        if (!unusable.has(file)) onUnusable(file, text.unusable);
        unusable.add(file);
        return before;
      }
      unusable.delete(file);
      if (text.value !== before) onChange(kind, file, text.value);
      last.set(file, text.value);
      return text.value;
    },
  };
}
