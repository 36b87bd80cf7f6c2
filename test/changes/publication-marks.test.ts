import { PublicationMarks } from '../../src/changes/publication-marks';

describe('marks of publications', () => {
  test('tell a request that began before the read had ended from one that began then or later', () => {
    const marks = new PublicationMarks();
    expect(marks.isNewerThan(0, 7)).toBe(false);
    marks.remember(7, 20);
    expect([19, 20, 21].map((began) => marks.isNewerThan(began, 7))).toEqual([true, false, false]);
    expect(marks.isNewerThan(0, 8)).toBe(false);
  });

  test('hold the last publication of an id', () => {
    const marks = new PublicationMarks();
    marks.remember(7, 20);
    marks.remember(7, 30);
    expect(marks.isNewerThan(25, 7)).toBe(true);
  });

  test('are forgotten up to the begin of the oldest open request, and no further', () => {
    const marks = new PublicationMarks();
    for (const mark of [10, 20, 30]) marks.remember(mark, mark);
    marks.forgetUpTo(20);
    expect([10, 20, 30].map((id) => marks.isNewerThan(0, id))).toEqual([false, false, true]);
    marks.clear();
    expect(marks.isNewerThan(0, 30)).toBe(false);
  });
});
