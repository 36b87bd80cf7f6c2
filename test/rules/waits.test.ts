import { andPerhaps, andThen, eitherOf, meanOf, oneOf, quantileOf, waitFor } from '../../src/rules/waits';

const SECOND = 1_000;

test('what comes every ten seconds is waited for five in the mean, and 9.5 in 19 of 20 cases', () => {
  const wait = waitFor(10 * SECOND);
  expect(meanOf(wait)).toBeCloseTo(5 * SECOND);
  expect(quantileOf(wait, 0.95)).toBeCloseTo(9.5 * SECOND);
  expect(wait.longerThan(-1)).toBe(1);
  expect(wait.longerThan(11 * SECOND)).toBe(0);
});

test('the first of two is waited for a third of their time, where they come equally often', () => {
  expect(meanOf(eitherOf(waitFor(9 * SECOND), waitFor(9 * SECOND)))).toBeCloseTo(3 * SECOND, -1);
  const [often, seldom] = [waitFor(SECOND), waitFor(Infinity)];
  expect(meanOf(eitherOf(often, seldom))).toBeCloseTo(meanOf(often));
});

test('a fixed time behind a wait adds to all of it', () => {
  const wait = andThen(waitFor(10 * SECOND), 2 * SECOND);
  expect(meanOf(wait)).toBeCloseTo(7 * SECOND);
  expect(quantileOf(wait, 0.95)).toBeCloseTo(11.5 * SECOND);
});

test('one more wait adds its mean, where it comes', () => {
  const wait = waitFor(10 * SECOND);
  expect(meanOf(andPerhaps(wait, 1, 4 * SECOND))).toBeCloseTo(7 * SECOND, -1);
  expect(meanOf(andPerhaps(wait, 0.5, 4 * SECOND))).toBeCloseTo(6 * SECOND, -1);
  expect(andPerhaps(wait, 0, 4 * SECOND)).toBe(wait);
});

test('of several waits each counts by its weight', () => {
  const wait = oneOf([
    { wait: waitFor(2 * SECOND), weight: 3 },
    { wait: waitFor(10 * SECOND), weight: 1 },
  ]);
  expect(meanOf(wait)).toBeCloseTo(2 * SECOND, -1);
  expect(quantileOf(wait, 0.95)).toBeCloseTo(8 * SECOND);
});

test('what never comes is waited for without end', () => {
  expect(meanOf(waitFor(Infinity))).toBe(Infinity);
  expect(quantileOf(waitFor(Infinity), 0.95)).toBe(Infinity);
});
