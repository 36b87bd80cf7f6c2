import type { Completeness } from '../../src/rules/completeness';

/** A sweep that lacks nothing. */
export const allThere: Completeness = {
  complete: true,
  reasons: [],
  hold: null,
  deadLetters: [],
  pending: [],
  unreadable: [],
  accepted: [],
};
