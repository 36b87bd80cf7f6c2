import type { Rhythm } from '../../src/reading/stream-reading';
import { guaranteesOf } from '../../src/rules/rhythm';

/** A schedule as it is by default. */
export const settings = {
  allowance: 0.9,
  newestSeconds: 300,
  clientsNewestSeconds: 1_800,
  correctionsNewestSeconds: 1_800,
  openSeconds: 7_200,
  recentSeconds: 14_400,
  sweepSeconds: 21_600,
};

/** A schedule whose guarantees are a second each. */
export const everySecond = {
  newestSeconds: 1,
  clientsNewestSeconds: 1,
  correctionsNewestSeconds: 1,
  openSeconds: 1,
  recentSeconds: 1,
  sweepSeconds: 1,
};

/** How a service reads by that schedule. */
export const everySecondRhythm: Rhythm = {
  guarantees: (stream) => guaranteesOf(everySecond, stream),
  recentDays: 45,
};
