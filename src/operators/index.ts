export { failWith } from './fail-with';
export { parkOnFailure, type ParkEvent, type ParkPolicy } from './park-on-failure';
export { reopenWhenLost, type Loss, type ReopenEvent, type ReopenPolicy } from './reopen-when-lost';
export { type BackoffPolicy, fullJitter, retryWithBackoff } from './retry-with-backoff';
export { type CreditedPage, type CursorTracking, trackCursor } from './track-cursor';
export { whenAborted } from './when-aborted';
