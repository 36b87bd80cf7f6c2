import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Shown } from '../status/activity';
import type { Live } from './live';
import { pageOf, type PageSetting } from './page-view';
import type { Route } from './server';

/** What the page is made of. */
export interface PageShown extends PageSetting {
  readonly shown: () => Shown;
  readonly live: Pick<Live, 'answer'>;
}

/** Nothing but what this server has, and no script or style within a page, so that a hostile name can do nothing. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `/` for people, `/events` for what changes meanwhile, and the files that the page needs. */
export function pageRoutes({ shown, live, ...setting }: PageShown): readonly Route[] {
  const uPlot = dirname(require.resolve('uplot'));
  const own = join(__dirname, 'assets');
  return [
    {
      path: '/',
      access: 'token',
      answer: () =>
        new Response(pageOf(shown(), setting), {
          headers: { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': CONTENT_SECURITY_POLICY },
        }),
    },
    { path: '/events', access: 'token', answer: (request, connection) => live.answer(request, connection) },
    file('page.js', own, 'text/javascript'),
    file('page.css', own, 'text/css'),
    file('uPlot.iife.min.js', uPlot, 'text/javascript'),
    file('uPlot.min.css', uPlot, 'text/css'),
  ];
}

/** A file that is read once, when the service begins. */
function file(name: string, folder: string, type: string): Route {
  const body = readFileSync(join(folder, name), 'utf8');
  return {
    path: `/assets/${name}`,
    access: 'token',
    answer: () => new Response(body, { headers: { 'Content-Type': `${type}; charset=utf-8` } }),
  };
}
