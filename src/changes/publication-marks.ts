/**
 * For each id published or removed lately, the end mark of the read behind that publication: tells the rows of an older
 * request from newer ones (I3). Nothing of this is stored, because a replaced producer throws away every request in flight.
 */
export class PublicationMarks {
  /** The oldest first, nearly. */
  private readonly ended = new Map<number, number>();

  /** Whether what was published of the id was read after a request that began at this mark, or while that request ran. */
  isNewerThan(began: number, id: number): boolean {
    const ended = this.ended.size === 0 ? undefined : this.ended.get(id);
    return ended !== undefined && began < ended;
  }

  /** Whether what was published of the id last was read by the request that ended at this mark. */
  isOf(ended: number, id: number): boolean {
    return this.ended.get(id) === ended;
  }

  remember(id: number, ended: number): void {
    this.ended.delete(id);
    this.ended.set(id, ended);
  }

  /** Forgets what no open request began before. Stops at the first mark that must stay: the rest is in order, nearly. */
  forgetUpTo(mark: number): void {
    for (const [id, ended] of this.ended) {
      if (ended > mark) return;
      this.ended.delete(id);
    }
  }

  clear(): void {
    this.ended.clear();
  }
}
