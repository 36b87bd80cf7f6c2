import { type ContactWatch, watchContact } from '../../src/sinks/contact';

let said: unknown[];
let watch: ContactWatch;

beforeEach(() => {
  jest.useFakeTimers();
  said = [];
  watch = watchContact((failure) => said.push(failure === null ? 'heard' : String(failure.cause)));
});

afterEach(() => {
  watch.end();
  jest.useRealTimers();
});

const silence = (seconds: number): void => {
  jest.advanceTimersByTime(seconds * 1_000);
};

test('ten seconds of silence are told once, with the failure that is known, and the next sign of life too', () => {
  watch.heard();
  watch.failed(new Error('connection refused'));
  silence(9);
  expect(said).toEqual([]);
  silence(1);
  expect(said).toEqual(['Error: connection refused']);
  silence(60);
  watch.heard();
  watch.heard();
  expect(said).toEqual(['Error: connection refused', 'heard']);
  silence(10);
  expect(said).toEqual(['Error: connection refused', 'heard', 'undefined']);
});

test('signs of life in time leave nothing to say', () => {
  for (let beat = 0; beat < 60; beat++) {
    watch.heard();
    silence(9);
  }
  expect(said).toEqual([]);
});

test('a group that is being formed anew may be silent for as long as that takes', () => {
  watch.heard();
  watch.expectSilence(10_000);
  silence(19);
  expect(said).toEqual([]);
  silence(1);
  expect(said).toHaveLength(1);
});

test('nothing is said before the first sign of life, nor after the end', () => {
  silence(60);
  watch.heard();
  watch.end();
  silence(60);
  expect(said).toEqual([]);
});
