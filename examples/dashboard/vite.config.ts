import { join } from 'node:path';

import { defineConfig, type Plugin } from 'vite';

import { files, fill } from './pages/page.ts';
import { readBooks, type Books } from './read.ts';

/** Puts the figures into the pages. The database is read once for all of them, and only where a page is made. */
function booksIntoPages(): Plugin {
  let books: Promise<Books> | undefined;
  return {
    name: 'books-into-pages',
    transformIndexHtml: {
      order: 'pre',
      async handler(page, { path }) {
        const database = process.env['DATABASE_URL'];
        if (database === undefined || database === '') {
          throw new Error(
            'Reading the books: expected the database in DATABASE_URL (postgresql://user:password@host:5432/name), got none',
          );
        }
        books ??= readBooks(database, process.env['DASHBOARD_DAY'] || undefined);
        return fill(page, path.replace(/^\//, '').replace(/\.html$/, ''), await books);
      },
    },
  };
}

export default defineConfig({
  // The site may be put into any folder of a server.
  base: './',
  plugins: [booksIntoPages()],
  build: {
    outDir: process.env['DASHBOARD_OUT'] ?? 'dist',
    emptyOutDir: true,
    rolldownOptions: { input: files.map((file) => join(import.meta.dirname, `${file}.html`)) },
  },
});
