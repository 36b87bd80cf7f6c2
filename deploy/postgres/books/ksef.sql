-- KSeF: what it says of each document, what was rejected, what is late, and whose number came after the JPK was filed.
--
-- inFakt does not tell in which mode a document was issued (at once, offline24, during a failure, outside KSeF), nor at what hour.

-- The working day that comes as many working days after a day.
create or replace function working_days_after(day date, days integer) returns date language plpgsql immutable strict parallel safe as $$
begin
  for step in 1..days loop
    day := next_working_day(day + 1);
  end loop;
  return day;
end
$$;

-- The last day on which the JPK of a month may be filed: the 25th of the next one, or the working day after it (art. 99 ust. 1 and
-- art. 109 ust. 3b of the VAT act, art. 12 par. 5 of the tax ordinance).
create or replace function jpk_due(month date) returns date language sql immutable strict parallel safe as $$
  select next_working_day((date_trunc('month', month) + interval '1 month 24 days')::date)
$$;

-- Issued documents since 1 February 2026, when KSeF became obligatory, and earlier ones of which it knows. `proposal` is for the
-- JPK: 'number', the KSeF number; 'outside KSeF', where nothing was sent and nothing had to be: the buyer is a consumer, or the company
-- had no duty yet; 'ask', where a person has to decide, as `why` says. Whether a document without a number is OFF or DI hangs on the
-- mode that it was issued in, so neither is ever proposed.
create or replace view ksef_documents as
with buyers as (
  select entity, 'invoice' as document, id, client_business_activity_kind as kind from invoices
  union all
  select entity, 'correction', id, client_business_activity_kind from corrective_invoices
  union all
  select entity, 'advance', id, client_business_activity_kind from advance_invoices
  union all
  select entity, 'final', id, client_business_activity_kind from final_invoices
  union all
  select entity, 'margin', id, client_business_activity_kind from margin_invoices
),
told as (
  select
    sale.*,
    ksef.entity is not null as is_read, ksef.status_description, ksef.observed_at as read_at, ksef.requested_at, ksef.finished_at,
    nullif(btrim(sale.ksef_number), '') is not null as has_number,
    ksef.entity is not null and ksef.status is null and ksef.request_uuid is null and ksef.requested_at is null
      and ksef.extra is null as nothing_sent,
    coalesce(buyers.kind = 'private_person', false) and nullif(btrim(sale.client_tax_code), '') is null as to_consumer,
    coalesce(duty.since, date '2026-02-01') as since
  from sales_documents sale
  left join ksef on ksef.entity = sale.entity and ksef.stream = stream_of(sale.document) and ksef.id = sale.id
  left join buyers on buyers.entity = sale.entity and buyers.document = sale.document and buyers.id = sale.id
  left join ksef_duty duty on duty.entity = sale.entity
)
select
  entity, document, id, number, invoice_date, vat_date, client_name, client_tax_code, country, currency, net, tax, gross,
  ksef_number, ksef_status, status_description,
  case
    when has_number then 'number'
    when nothing_sent and (to_consumer or invoice_date < since) then 'outside KSeF'
    else 'ask'
  end as proposal,
  case
    when has_number then null
    when not is_read then 'not read yet, or `ksef` is not published for this company'
    when nothing_sent and to_consumer then 'the buyer is a consumer'
    when nothing_sent and invoice_date < since then format('KSeF is obligatory for this company since %s', since)
    when nothing_sent then 'inFakt sent nothing: it may still be sent, or was issued elsewhere'
    when ksef_status in ('error', 'rejected') then concat_ws(': ', 'rejected', nullif(btrim(status_description), ''))
    when ksef_status in ('pending', 'sent') then 'sent, but not answered yet'
    when ksef_status = 'success' then 'cleared, but inFakt shows no number'
    else format('unknown status %s', coalesce(ksef_status, 'null'))
  end as why,
  requested_at at time zone 'UTC' as requested_at,
  finished_at at time zone 'UTC' as finished_at,
  read_at at time zone 'UTC' as read_at
from told
where invoice_date >= date '2026-02-01' or invoice_date is null or has_number or is_read;

-- What KSeF rejected and why, drafts too: sending does not change a document that is rejected. It leaves when it is sent anew.
create or replace view ksef_rejected as
with written as (
  select
    entity, 'invoice' as document, id, number, status, invoice_date, currency, gross_price,
    coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), '')) as client_name
  from invoices
  union all
  select
    entity, 'correction', id, number, status, invoice_date, currency, gross_price,
    coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), ''))
  from corrective_invoices
  union all
  select
    entity, 'advance', id, number, status, invoice_date, currency, gross_price,
    coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), ''))
  from advance_invoices
  union all
  select
    entity, 'final', id, number, status, invoice_date, currency, gross_price,
    coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), ''))
  from final_invoices
  union all
  select
    entity, 'margin', id, number, status, invoice_date, currency, gross_price,
    coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), ''))
  from margin_invoices
)
select
  ksef.entity, coalesce(written.document, ksef.stream) as document, ksef.id, coalesce(written.number, ksef.number) as number,
  written.status, written.invoice_date, written.client_name, written.currency,
  (written.gross_price / 100.00)::numeric(20, 2) as gross,
  ksef.status as ksef_status, ksef.status_description as why, ksef.request_uuid,
  ksef.requested_at at time zone 'UTC' as requested_at, ksef.finished_at at time zone 'UTC' as finished_at
from ksef
left join written on written.entity = ksef.entity and stream_of(written.document) = ksef.stream and written.id = ksef.id
where ksef.status in ('error', 'rejected') and nullif(btrim(ksef.ksef_number), '') is null;

-- Documents that had to be in KSeF before a day and have no number: all that were read and whose proposal is 'ask', also those that were
-- sent and are not answered. `due` is the next working day after the day of issue, as in offline24 (art. 106nda of the VAT act); if
-- KSeF failed between the two, it is the seventh working day after the end of the failure (art. 106nf), and there is none
-- while that goes on.
create or replace function ksef_past_deadline_as_of(as_of date) returns table (
  entity text, document text, id bigint, number text, invoice_date date, client_name text, currency text, gross numeric,
  ksef_status text, why text, requested_at timestamptz, due date, days_late integer, after_failure boolean
) language sql stable parallel safe as $$
with late as materialized (
  select * from ksef_documents documents
  where proposal = 'ask' and read_at is not null and documents.invoice_date < as_of
),
days as (
  select distinct late.invoice_date as day from late
),
terms as materialized (
  select
    days.day, next_day.due as offline24_due,
    max(failure.last_day) as failed_until, count(failure.first_day) > 0 as after_failure,
    bool_or(failure.first_day is not null and failure.last_day is null) as still_fails
  from days
  cross join lateral (select working_days_after(days.day, 1) as due) next_day
  left join ksef_failures failure on failure.first_day <= next_day.due and coalesce(failure.last_day, days.day) >= days.day
  group by 1, 2
),
dues as materialized (
  select
    terms.day, terms.after_failure,
    case
      when terms.still_fails then null
      when terms.after_failure then working_days_after(terms.failed_until, 7)
      else terms.offline24_due
    end as due
  from terms
)
select
  late.entity, late.document, late.id, late.number, late.invoice_date, late.client_name, late.currency, late.gross,
  late.ksef_status, late.why, late.requested_at, dues.due, as_of - dues.due, dues.after_failure
from late
join dues on dues.day = late.invoice_date
where dues.due < as_of
$$;

-- The same today in Warsaw.
create or replace view ksef_past_deadline as
select * from ksef_past_deadline_as_of((now() at time zone 'Europe/Warsaw')::date);

-- Documents whose number came after the JPK of their month was filed. If they were filed as DI, the JPK has to be corrected; as OFF it has
-- not. `filed_at` is null where `jpk_filings` does not have the month: its last day, `due`, stands for that.
create or replace view ksef_number_after_filing as
with numbered as materialized (
  select *, coalesce(finished_at, read_at) as number_at, date_trunc('month', vat_date)::date as month
  from ksef_documents
  where proposal = 'number' and vat_date >= date '2026-02-01'
),
dues as materialized (
  select month, jpk_due(month) as due from (select distinct month from numbered) months
)
select
  numbered.entity, numbered.document, numbered.id, numbered.number, numbered.invoice_date, numbered.month,
  numbered.ksef_number, numbered.number_at, filing.filed_at, dues.due
from numbered
join dues on dues.month = numbered.month
left join jpk_filings filing on filing.entity = numbered.entity and filing.month = numbered.month
where numbered.number_at > coalesce(filing.filed_at, (dues.due + 1)::timestamp at time zone 'Europe/Warsaw');
