/** Keeps the last so many of what it is given; the oldest makes room. */
export class NewestFirst<T> {
  readonly #places: T[] = [];
  readonly #most: number;
  /** Where the next one goes, once all places are taken. */
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(one: T): void {
    this.#places[this.#next] = one;
    this.#next = (this.#next + 1) % this.#most;
  }

  /** The newest first. */
  all(): readonly T[] {
    return [...this.#places.slice(this.#next), ...this.#places.slice(0, this.#next)].reverse();
  }
}
