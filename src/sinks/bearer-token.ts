/** A token that a broker is shown at each sign-in. */
export interface BearerToken {
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** A token is renewed when this share of its life is left, and while so many milliseconds are: kafkajs signs in again 10 s before the end. */
const RENEWED_WITH_SHARE_LEFT = 0.2;
const RENEWED_WITH_MS_LEFT = 15_000;
/** With less than this kafkajs would sign in again at once, and a broker takes no second sign-in within a second (KIP-368). */
const USABLE_WITH_MS_LEFT = 12_000;
/** A renewal that failed is tried again so much later, while the token is good. */
const NEXT_TRY_MS = 2_000;

/** Keeps a token for all connections and renews it before it ends; the old one serves for as long as it can where a renewal fails. */
export function keepToken(fetchToken: () => Promise<BearerToken>, now: () => number): () => Promise<string> {
  let kept: (BearerToken & { readonly renewAt: number }) | null = null;
  let renewal: Promise<BearerToken> | null = null;

  async function renew(): Promise<BearerToken> {
    const askedAt = now();
    const token = await fetchToken();
    const left = Math.max(RENEWED_WITH_MS_LEFT, (token.endsAt - askedAt) * RENEWED_WITH_SHARE_LEFT);
    kept = { ...token, renewAt: token.endsAt - left };
    return token;
  }

  return async () => {
    if (kept !== null && now() < kept.renewAt) return kept.value;
    renewal ??= renew().finally(() => {
      renewal = null;
    });
    try {
      return (await renewal).value;
    } catch (error) {
      if (kept === null || now() + USABLE_WITH_MS_LEFT >= kept.endsAt) throw error;
      kept = { ...kept, renewAt: now() + NEXT_TRY_MS };
      return kept.value;
    }
  };
}
