/** Whatever was asked of a session that has ended fails with this; the cause is what ended the session. No parking takes it. */
export class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
  override readonly cause: Error;

  constructor(cause: Error) {
    super(`the session has ended: ${cause.message}`, { cause });
    this.cause = cause;
  }
}
