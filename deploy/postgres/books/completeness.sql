-- Whether the tables hold what inFakt showed, and which rows they lack.
--
-- The tables and their fingerprints are filled by connectors of their own: while one is behind, rows differ for a moment.

-- The sum of fingerprints modulo 2^64 as 16 hexadecimal digits; null where one of them is null.
create or replace function fingerprint_digits(total numeric) returns text language sql immutable parallel safe as $$
  select lpad(to_hex((case when rest >= 9223372036854775808 then rest - 18446744073709551616 else rest end)::bigint), 16, '0')
  from (select mod(mod(total, 18446744073709551616) + 18446744073709551616, 18446744073709551616) as rest) positive
$$;

-- The streams that have tables here. What a sweep says of another one is compared with nothing.
create or replace view streams_in_tables as
select unnest(array[
  'clients', 'invoices', 'corrective-invoices', 'advance-invoices', 'final-invoices', 'margin-invoices',
  'oss-invoices', 'corrective-oss-invoices'
]) as stream;

-- What both copies of a row say, by stream: the tables, and the fingerprints beside them.
create or replace view rows_that_differ as
with copies as (
  select
    'clients' as stream, entity, id, null::date as day, null::text as currency,
    held.id is null as is_missing, print.id is null as is_unknown
  from client_fingerprints print full join clients held using (entity, id)
  where print.id is null or held.id is null or print.fingerprint is distinct from held.fingerprint
  union all
  select
    'invoices', entity, id, coalesce(print.invoice_date, held.invoice_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from invoice_fingerprints print full join invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.invoice_date, print.currency, print.net_price, print.tax_price, print.gross_price)
      is distinct from (held.fingerprint, held.invoice_date, held.currency, held.net_price, held.tax_price, held.gross_price)
  union all
  select
    'corrective-invoices', entity, id, coalesce(print.invoice_date, held.invoice_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from corrective_invoice_fingerprints print full join corrective_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.invoice_date, print.currency, print.net_price, print.tax_price, print.gross_price)
      is distinct from (held.fingerprint, held.invoice_date, held.currency, held.net_price, held.tax_price, held.gross_price)
  union all
  select
    'advance-invoices', entity, id, coalesce(print.invoice_date, held.invoice_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from advance_invoice_fingerprints print full join advance_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.invoice_date, print.currency, print.net_price, print.tax_price, print.gross_price, print.advance_price)
      is distinct from (held.fingerprint, held.invoice_date, held.currency, held.net_price, held.tax_price, held.gross_price, held.advance_price)
  union all
  select
    'final-invoices', entity, id, coalesce(print.invoice_date, held.invoice_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from final_invoice_fingerprints print full join final_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.invoice_date, print.currency, print.net_price, print.tax_price, print.gross_price)
      is distinct from (held.fingerprint, held.invoice_date, held.currency, held.net_price, held.tax_price, held.gross_price)
  union all
  select
    'margin-invoices', entity, id, coalesce(print.invoice_date, held.invoice_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from margin_invoice_fingerprints print full join margin_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.invoice_date, print.currency, print.gross_price)
      is distinct from (held.fingerprint, held.invoice_date, held.currency, held.gross_price)
  union all
  select
    'oss-invoices', entity, id, coalesce(print.issue_date, held.issue_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from oss_invoice_fingerprints print full join oss_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.issue_date, print.currency, print.net_price, print.tax_price, print.gross_price)
      is distinct from (held.fingerprint, held.issue_date, held.currency, held.net_price, held.tax_price, held.gross_price)
  union all
  select
    'corrective-oss-invoices', entity, id, coalesce(print.issue_date, held.issue_date), coalesce(print.currency, held.currency),
    held.id is null, print.id is null
  from corrective_oss_invoice_fingerprints print full join corrective_oss_invoices held using (entity, id)
  where print.id is null or held.id is null
    or (print.fingerprint, print.issue_date, print.currency, print.net_price, print.tax_price, print.gross_price)
      is distinct from (held.fingerprint, held.issue_date, held.currency, held.net_price, held.tax_price, held.gross_price)
)
select
  entity, stream, id, date_trunc('month', day)::date as month, currency,
  case when is_missing then 'missing' when is_unknown then 'not from the topic' else 'changed' end as what
from copies;

-- One row an entity, stream, month of the document's date and currency: rows and amounts as inFakt showed them in the last finished
-- sweep, and as the tables hold them. `ids_that_differ` names rows that are missing, changed or not from the topic. What was changed
-- in inFakt since that sweep began is counted in `changed_since`, and differs until the next one.
create or replace view completeness as
with shown as (
  select
    sweep.entity, sweep.stream, (part ->> 'month') || '-01' as month, part ->> 'currency' as currency,
    (part ->> 'rows')::bigint as rows, (part ->> 'net_price')::numeric / 100 as net,
    (part ->> 'tax_price')::numeric / 100 as tax, (part ->> 'gross_price')::numeric / 100 as gross
  from sweeps sweep
  cross join lateral jsonb_array_elements(sweep.sums_json::jsonb) part
  where sweep.stream in (select stream from streams_in_tables)
  union all
  select entity, stream, null, null, rows, null, null, null from sweeps
  where sums_json is null and stream in (select stream from streams_in_tables)
),
documents as (
  select 'clients' as stream, entity, null::date as day, null::text as currency, observed_at,
    null::bigint as net_price, null::bigint as tax_price, null::bigint as gross_price
  from clients
  union all
  select 'invoices', entity, invoice_date, currency, observed_at, net_price, tax_price, gross_price from invoices
  union all
  select 'corrective-invoices', entity, invoice_date, currency, observed_at, net_price, tax_price, gross_price
  from corrective_invoices
  union all
  select 'advance-invoices', entity, invoice_date, currency, observed_at, net_price, tax_price, gross_price from advance_invoices
  union all
  select 'final-invoices', entity, invoice_date, currency, observed_at, net_price, tax_price, gross_price from final_invoices
  union all
  select 'margin-invoices', entity, invoice_date, currency, observed_at, null, null, gross_price from margin_invoices
  union all
  select 'oss-invoices', entity, issue_date, currency, observed_at, net_price, tax_price, gross_price from oss_invoices
  union all
  select 'corrective-oss-invoices', entity, issue_date, currency, observed_at, net_price, tax_price, gross_price
  from corrective_oss_invoices
),
held as (
  select
    document.entity, document.stream, to_char(date_trunc('month', day), 'YYYY-MM-DD') as month, currency,
    count(*) as rows, sum(net_price) / 100.0 as net, sum(tax_price) / 100.0 as tax, sum(gross_price) / 100.0 as gross,
    count(*) filter (where document.observed_at > sweep.started_at) as changed_since
  from documents document
  left join sweeps sweep on sweep.entity = document.entity and sweep.stream = document.stream
  -- A row that left the scope stays in its table, and no sweep shows it.
  where (sweep.scope_from is null or day >= sweep.scope_from) and (sweep.scope_to is null or day <= sweep.scope_to)
  group by 1, 2, 3, 4
),
differing as (
  select entity, stream, to_char(month, 'YYYY-MM-DD') as month, currency, array_agg(id order by id) as ids
  from rows_that_differ
  group by 1, 2, 3, 4
),
together as (
  select
    coalesce(shown.entity, held.entity) as entity, coalesce(shown.stream, held.stream) as stream,
    coalesce(shown.month, held.month) as month, coalesce(shown.currency, held.currency) as currency,
    shown.rows as rows_shown, coalesce(held.rows, 0) as rows_held,
    shown.net as net_shown, held.net as net_held, shown.tax as tax_shown, held.tax as tax_held,
    shown.gross as gross_shown, held.gross as gross_held, coalesce(held.changed_since, 0) as changed_since
  from shown
  full join held on held.entity = shown.entity and held.stream = shown.stream
    and coalesce(held.month, '') = coalesce(shown.month, '') and coalesce(held.currency, '') = coalesce(shown.currency, '')
)
select
  named.entity, named.stream, named.month::date as month, named.currency,
  rows_shown, coalesce(rows_held, 0) as rows_held, coalesce(rows_held, 0) - coalesce(rows_shown, 0) as rows_difference,
  net_shown::numeric(20, 2) as net_shown, net_held::numeric(20, 2) as net_held,
  (coalesce(net_held, 0) - coalesce(net_shown, 0))::numeric(20, 2) as net_difference,
  tax_shown::numeric(20, 2) as tax_shown, tax_held::numeric(20, 2) as tax_held,
  (coalesce(tax_held, 0) - coalesce(tax_shown, 0))::numeric(20, 2) as tax_difference,
  gross_shown::numeric(20, 2) as gross_shown, gross_held::numeric(20, 2) as gross_held,
  (coalesce(gross_held, 0) - coalesce(gross_shown, 0))::numeric(20, 2) as gross_difference,
  coalesce(ids, '{}') as ids_that_differ,
  coalesce(changed_since, 0) as changed_since,
  sweep.number as sweep, sweep.finished_at as swept_at, sweep.complete as sweep_is_complete,
  sweep.number is not null and ids is null
    and (rows_held, coalesce(net_held, 0), coalesce(tax_held, 0), coalesce(gross_held, 0))
      is not distinct from (rows_shown, coalesce(net_shown, 0), coalesce(tax_shown, 0), coalesce(gross_shown, 0)) as is_whole
from together both_sides
full join differing on differing.entity = both_sides.entity and differing.stream = both_sides.stream
  and coalesce(differing.month, '') = coalesce(both_sides.month, '')
  and coalesce(differing.currency, '') = coalesce(both_sides.currency, '')
cross join lateral (
  select
    coalesce(both_sides.entity, differing.entity) as entity, coalesce(both_sides.stream, differing.stream) as stream,
    coalesce(both_sides.month, differing.month) as month, coalesce(both_sides.currency, differing.currency) as currency
) named
left join sweeps sweep on sweep.entity = named.entity and sweep.stream = named.stream;

-- The proof of a copy, one row an entity and stream: how many rows it holds and the sum of their fingerprints, against the record of
-- the last finished sweep. A changed byte in a fingerprint, a lost row and a doubled one each make it differ. Not provable until
-- `resync`: records that carry no fingerprint, or one under another definition.
create or replace view copy_proof as
with held as (
  select
    stream, entity, count(*) as rows,
    fingerprint_digits(sum(('x' || fingerprint)::bit(64)::bigint::numeric)) as digits,
    count(distinct fingerprint_definition) as definitions, max(fingerprint_definition) as definition,
    bool_or(fingerprint is null or fingerprint_definition is null) as lacks_some
  from (
    select 'clients' as stream, entity, fingerprint, fingerprint_definition from clients
    union all
    select 'invoices', entity, fingerprint, fingerprint_definition from invoices
    union all
    select 'corrective-invoices', entity, fingerprint, fingerprint_definition from corrective_invoices
    union all
    select 'advance-invoices', entity, fingerprint, fingerprint_definition from advance_invoices
    union all
    select 'final-invoices', entity, fingerprint, fingerprint_definition from final_invoices
    union all
    select 'margin-invoices', entity, fingerprint, fingerprint_definition from margin_invoices
    union all
    select 'oss-invoices', entity, fingerprint, fingerprint_definition from oss_invoices
    union all
    select 'corrective-oss-invoices', entity, fingerprint, fingerprint_definition from corrective_oss_invoices
  ) copies
  group by 1, 2
)
select
  sweep.entity, sweep.stream, sweep.number as sweep,
  sweep.living_count as rows_expected, coalesce(held.rows, 0) as rows_held,
  sweep.fingerprint_sum as sum_expected, coalesce(held.digits, '0000000000000000') as sum_held,
  case
    when sweep.fingerprint_sum is null or sweep.living_count is null or coalesce(held.lacks_some, false)
      or held.definitions > 1 or held.definition <> sweep.fingerprint_definition then 'not provable until resync'
    when sweep.living_count = coalesce(held.rows, 0)
      and sweep.fingerprint_sum = coalesce(held.digits, '0000000000000000') then 'proved'
    else 'differs'
  end as verdict
from sweeps sweep
left join held on held.entity = sweep.entity and held.stream = sweep.stream
where sweep.stream in (select stream from streams_in_tables);
