-- When the figures were read, the day that they are for, and when the newest row of a document was read from inFakt.
select
  to_char(now() at time zone 'Europe/Warsaw', 'YYYY-MM-DD HH24:MI') as read_at,
  $1::date as day,
  to_char(max(observed_at) at time zone 'UTC' at time zone 'Europe/Warsaw', 'YYYY-MM-DD HH24:MI') as newest,
  count(*) as documents,
  count(distinct entity) as companies
from sales_documents;
