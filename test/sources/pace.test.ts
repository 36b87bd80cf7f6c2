import { createPace, createWindow } from '../../src/sources/pace';

/** One request a second, with a burst of five. */
function aRequestASecond() {
  const pace = createPace(0);
  pace.allow(1 / 1_000, 5);
  return pace;
}

describe('a pace', () => {
  test('begins without a burst, and earns one of five and no more', () => {
    const pace = aRequestASecond();
    expect(pace.tokenAtMs(0)).toBe(1_000);
    pace.advance(60_000);
    for (let sent = 0; sent < 5; sent++) pace.send();
    expect(pace.tokenAtMs(60_000)).toBe(61_000);
  });

  test('numbers the requests from 1', () => {
    const pace = aRequestASecond();
    expect([pace.send(), pace.send()]).toEqual([1, 2]);
  });

  test('is halved once for all requests that were on their way, and comes back in sixteenths', () => {
    const pace = aRequestASecond();
    pace.send();
    pace.send();
    pace.slowDown(1, 0);
    pace.slowDown(2, 0);
    expect(pace.factor()).toBe(1 / 2);
    pace.advance(4_999);
    expect(pace.factor()).toBe(1 / 2);
    pace.advance(5_000);
    expect(pace.factor()).toBe(9 / 16);
    pace.advance(40_000);
    expect(pace.factor()).toBe(1);
  });

  test('goes no slower than a sixteenth', () => {
    const pace = aRequestASecond();
    for (let halvings = 0; halvings < 8; halvings++) pace.slowDown(pace.send(), 0);
    expect(pace.factor()).toBe(1 / 16);
  });

  test('recovers after a pause and not during it', () => {
    const pace = aRequestASecond();
    pace.pauseUntil(30_000);
    pace.slowDown(pace.send(), 0);
    pace.advance(34_999);
    expect([pace.pausedUntilMs(), pace.factor()]).toEqual([30_000, 1 / 2]);
    pace.advance(35_000);
    expect(pace.factor()).toBe(9 / 16);
  });

  test('without a limit always has a token', () => {
    const pace = createPace(0);
    pace.advance(7);
    pace.send();
    expect(pace.tokenAtMs(7)).toBe(7);
  });
});

describe('a window of slots', () => {
  test('is full while as many requests are under way or cooling as it has slots', () => {
    const window = createWindow();
    window.resize(2);
    window.open();
    expect(window.freeAtMs(0)).toBe(0);
    window.open();
    expect(window.freeAtMs(0)).toBe(Infinity);
    window.close();
    window.cool(60_000);
    expect(window.freeAtMs(0)).toBe(60_000);
    window.advance(60_000);
    expect(window.freeAtMs(60_000)).toBe(60_000);
  });

  test('keeps its count over more answers than it has slots', () => {
    const window = createWindow();
    window.resize(1);
    for (let at = 0; at < 10; at++) {
      window.open();
      window.close();
      window.cool(at + 1);
      expect(window.freeAtMs(at)).toBe(at + 1);
      window.advance(at + 1);
    }
  });
});
