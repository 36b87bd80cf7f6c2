import { html } from 'hono/html';

import { counted, countsText, duration, lasting, latest, number, textOf, time } from '../../src/http-server/page-text';
import { iso, START_MS } from '../support/service-events';

test('numbers have their digits in groups, by spaces that do not break', () => {
  expect([0, 999, 1_000, 12_345.6, 1_234_567].map(number)).toEqual([
    '0',
    '999',
    '1\u00a0000',
    '12\u00a0346',
    '1\u00a0234\u00a0567',
  ]);
});

test('one is told apart from several', () => {
  expect([0, 1, 2].map((count) => counted(count, 'row', 'rows'))).toEqual(['0 rows', '1 row', '2 rows']);
});

test('how long something takes is told in one unit, and never as nothing', () => {
  const minute = 60_000;
  expect([0, minute, 119 * minute, 120 * minute, 71 * 60 * minute, 96 * 60 * minute].map(duration)).toEqual([
    '1 min',
    '1 min',
    '119 min',
    '2 h',
    '71 h',
    '4 days',
  ]);
});

test('what something took at most is told in one unit, and never as less', () => {
  const minute = 60_000;
  expect([0, 1, 119_000, 119_001, 2.1 * minute, 119 * minute, 120 * minute + 1].map(latest)).toEqual([
    '0 s',
    '1 s',
    '119 s',
    '2 min',
    '3 min',
    '119 min',
    '3 h',
  ]);
});

test('counts are told by kind, those of nothing left out', () => {
  const none = { created: 0, updated: 0, deleted: 0, republished: 0 };
  expect(countsText(none)).toBe('none');
  expect(countsText({ ...none, created: 1_200, republished: 3 })).toBe('1\u00a0200 created, 3 published again');
});

test('times are told in full, for who has no script, and for the script', () => {
  const shown = '<time datetime="2026-01-07T10:00:00.000Z">2026-01-07 10:00:00 UTC</time>';
  expect([time(START_MS), time(iso(START_MS))].map(textOf)).toEqual([shown, shown]);
  expect(textOf(lasting(iso(START_MS)))).toMatch(/ data-lasts>since 2026-01-07 10:00:00 UTC<\/time>$/);
});

test('nothing of the page is waited for', () => {
  expect(textOf(html`<p>${'<'}</p>`)).toBe('<p>&lt;</p>');
  expect(() => textOf(Promise.resolve(html`later`))).toThrow('waited for');
});
