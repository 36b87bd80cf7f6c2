/** The key of an entity, which may stand in a file and be another one from one moment to the next. */
export interface ApiKey {
  /** The one whose account was asked for. */
  readonly value: () => string;
  /** Takes the key as it is now. */
  readonly renew: () => void;
  /** Whether the key is another one by now. */
  readonly changed: () => boolean;
}

/** Keeps to one key until `renew` takes the one that there is now. */
export function createApiKey(latest: () => string): ApiKey {
  let value = latest();
  return {
    value: () => value,
    renew: () => {
      value = latest();
    },
    changed: () => latest() !== value,
  };
}
