-- The books: what is owed, revenue, VAT and one group out of many companies, as views over the sink's tables.
--
-- Run it at any time, before the sink's first record or after, and again after an upgrade:
--   psql -v ON_ERROR_STOP=1 -1 -f deploy/postgres/views.sql
--
-- docs/books-example.md shows a month worked out by hand; docs/postgres.md says which rules rest on a reading of the law.

\ir books/tables.sql
\ir books/ksef-tables.sql
\ir books/calendar.sql
\ir books/parties.sql
\ir books/other-documents.sql
\ir books/documents.sql
\ir books/receivables.sql
\ir books/revenue.sql
\ir books/zloty.sql
\ir books/oss.sql
\ir books/ksef.sql
\ir books/to-check.sql
\ir books/completeness.sql
