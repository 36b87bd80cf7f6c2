-- What reports read: sales documents, their lines and what is owed, with amounts as decimals in the document's currency.
--
-- Run it at any time, before the sink's first record or after, and again after an upgrade:
--   psql -v ON_ERROR_STOP=1 -1 -f deploy/postgres/views.sql

-- The sink creates a table at its first record and adds the columns that it lacks. An account without corrections would never
-- have that table, and no view could be made: so they are made here, as far as the views need them.
create table if not exists invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null,
  uuid text, number text, kind text, status text, currency text,
  invoice_date date, sale_date date, continuous_service_end_on date, payment_date date, paid_date date, vat_date_value text,
  net_price bigint, tax_price bigint, gross_price bigint, not_income boolean,
  client_id bigint, client_company_name text, client_first_name text, client_last_name text, client_tax_code text,
  primary key (entity, id)
);
create table if not exists corrective_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null,
  uuid text, number text, kind text, status text, currency text,
  invoice_date date, payment_date date, paid_date date,
  net_price bigint, tax_price bigint, gross_price bigint, not_income boolean,
  client_id bigint, client_company_name text, client_first_name text, client_last_name text, client_tax_code text,
  primary key (entity, id)
);
create table if not exists invoice_lines (
  entity text not null, invoice_id bigint not null, line_no integer not null, observed_at timestamp(6) not null,
  name text, tax_symbol text, unit text, quantity text,
  unit_net_price bigint, net_price bigint, tax_price bigint, gross_price bigint,
  primary key (entity, invoice_id, line_no)
);
create table if not exists corrective_invoice_lines (
  entity text not null, invoice_id bigint not null, line_no integer not null, observed_at timestamp(6) not null,
  name text, tax_symbol text, unit text, quantity text,
  unit_net_price bigint, net_price bigint, tax_price bigint, gross_price bigint,
  correction boolean,
  primary key (entity, invoice_id, line_no)
);

-- Invoices and corrections that were issued: a proforma is an offer, a draft is not issued yet. The amounts of a correction are
-- the difference that it makes, usually negative: a sum over this view has the corrections subtracted.
create or replace view sales_documents as
select
  entity, 'invoice' as document, id, uuid, number, status, currency,
  invoice_date,
  -- The period of VAT; null while it is that of a payment that has not come.
  case vat_date_value
    when 'issue_date' then invoice_date
    when 'paid_date' then paid_date
    else coalesce(sale_date, continuous_service_end_on, invoice_date)
  end as vat_date,
  payment_date, paid_date,
  client_id,
  coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), '')) as client_name,
  client_tax_code,
  (net_price / 100.00)::numeric(20, 2) as net,
  (tax_price / 100.00)::numeric(20, 2) as tax,
  (gross_price / 100.00)::numeric(20, 2) as gross,
  coalesce(not_income, false) as not_income
from invoices
where kind is distinct from 'proforma' and status is distinct from 'draft'
union all
select
  entity, 'correction', id, uuid, number, status, currency,
  invoice_date,
  invoice_date,
  payment_date, paid_date,
  client_id,
  coalesce(client_company_name, nullif(concat_ws(' ', client_first_name, client_last_name), '')),
  client_tax_code,
  (net_price / 100.00)::numeric(20, 2),
  (tax_price / 100.00)::numeric(20, 2),
  (gross_price / 100.00)::numeric(20, 2),
  coalesce(not_income, false)
from corrective_invoices
where status is distinct from 'draft';

-- The lines of those documents. The lines of a correction stand in pairs, as it was before (correction = false) and as it is
-- after: here what was before counts as negative, so that a sum is again the difference.
create or replace view sales_lines as
select
  document, entity, invoice_id, line_no,
  number, currency, invoice_date, vat_date,
  name, tax_symbol, unit,
  sign * quantity::numeric as quantity,
  (unit_net_price / 100.00)::numeric(20, 2) as unit_net,
  (sign * net_price / 100.00)::numeric(20, 2) as net,
  (sign * tax_price / 100.00)::numeric(20, 2) as tax,
  (sign * gross_price / 100.00)::numeric(20, 2) as gross
from (
  select
    'invoice' as document, entity, invoice_id, line_no, name, tax_symbol, unit, quantity,
    unit_net_price, net_price, tax_price, gross_price, 1 as sign
  from invoice_lines
  union all
  select
    'correction', entity, invoice_id, line_no, name, tax_symbol, unit, quantity,
    unit_net_price, net_price, tax_price, gross_price, case when correction then 1 else -1 end
  from corrective_invoice_lines
) line
join (
  select document, entity, id as invoice_id, number, currency, invoice_date, vat_date from sales_documents
) head using (document, entity, invoice_id);

-- What is owed. Paid is what inFakt calls paid or gives a day of payment: it does not always clear left_to_pay. There is no
-- partial payment in it, so a document is owed in full or not at all.
create or replace view receivables as
select
  entity, document, id, number, currency, client_id, client_name, client_tax_code, invoice_date, payment_date, gross,
  (now() at time zone 'Europe/Warsaw')::date - payment_date as days_overdue
from sales_documents
where status is distinct from 'paid' and paid_date is null;
