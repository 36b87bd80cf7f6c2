import { TestScheduler } from 'rxjs/testing';

/** Runs marble diagrams in virtual time; a frame is a millisecond. */
export function virtualTime(callback: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(callback);
}
