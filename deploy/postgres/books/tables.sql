-- Tables that the views read.

-- The sink creates a table at its first record and adds the columns that it lacks. An account without corrections would never
-- have that table, and no view could be made: so the tables are made here, as far as the views need them.
create table if not exists clients (
  entity text not null, id bigint not null, observed_at timestamp(6) not null,
  primary key (entity, id)
);
create table if not exists invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null,
  primary key (entity, id)
);
create table if not exists corrective_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null,
  primary key (entity, id)
);
create table if not exists invoice_lines (
  entity text not null, invoice_id bigint not null, line_no integer not null, observed_at timestamp(6) not null,
  primary key (entity, invoice_id, line_no)
);
create table if not exists corrective_invoice_lines (
  entity text not null, invoice_id bigint not null, line_no integer not null, observed_at timestamp(6) not null,
  primary key (entity, invoice_id, line_no)
);

-- A table that an earlier version made may lack columns which the views read now.
alter table clients
  add column if not exists company_name text, add column if not exists first_name text, add column if not exists last_name text,
  add column if not exists nip text, add column if not exists country text;
alter table invoices
  add column if not exists uuid text, add column if not exists number text, add column if not exists kind text,
  add column if not exists status text, add column if not exists currency text, add column if not exists payment_method text,
  add column if not exists invoice_date date, add column if not exists sale_date date,
  add column if not exists continuous_service_end_on date, add column if not exists payment_date date,
  add column if not exists paid_date date, add column if not exists vat_date_value text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists paid_price bigint,
  add column if not exists left_to_pay bigint, add column if not exists not_income boolean,
  add column if not exists split_payment boolean, add column if not exists ksef_number text,
  add column if not exists client_id bigint, add column if not exists client_company_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists client_tax_code text, add column if not exists client_country text;
alter table corrective_invoices
  add column if not exists uuid text, add column if not exists number text, add column if not exists kind text,
  add column if not exists status text, add column if not exists currency text, add column if not exists payment_method text,
  add column if not exists invoice_date date, add column if not exists sale_date date,
  add column if not exists continuous_service_end_on date, add column if not exists payment_date date,
  add column if not exists paid_date date, add column if not exists vat_date_value text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists paid_price bigint,
  add column if not exists left_to_pay bigint, add column if not exists not_income boolean,
  add column if not exists split_payment boolean, add column if not exists ksef_number text,
  add column if not exists client_id bigint, add column if not exists client_company_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists client_tax_code text, add column if not exists client_country text,
  add column if not exists corrected_invoice_uuid text, add column if not exists corrected_invoice_number text,
  add column if not exists corrected_invoice_date date, add column if not exists correction_reason text,
  add column if not exists correction_reason_symbol text, add column if not exists sale_date_before_correction date,
  add column if not exists continuous_service_end_on_before_correction date;
alter table invoice_lines
  add column if not exists name text, add column if not exists tax_symbol text, add column if not exists unit text,
  add column if not exists quantity text, add column if not exists unit_net_price bigint,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;
alter table corrective_invoice_lines
  add column if not exists name text, add column if not exists tax_symbol text, add column if not exists unit text,
  add column if not exists quantity text, add column if not exists unit_net_price bigint,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists correction boolean;

-- The companies of the group. Filled by hand for now, one row for each entity file:
--   insert into entities (entity, nip, name) values ('alfa', '5252248481', 'Alfa sp. z o.o.');
create table if not exists entities (
  entity text primary key,
  nip text,
  name text
);

-- Average rates of the National Bank of Poland (NBP), tables A and B: how many zloty one unit of the currency is worth.
create table if not exists exchange_rates (
  day date not null,
  currency text not null,
  rate numeric not null check (rate > 0),
  table_number text,
  primary key (day, currency)
);

-- Months whose VAT return was sent. A document of such a month that was read with a change afterwards is in `to_check`.
--   insert into closed_months (entity, month, closed_at) values ('alfa', '2026-09-01', '2026-10-25 12:00+02');
create table if not exists closed_months (
  entity text not null,
  month date not null check (month = date_trunc('month', month)),
  closed_at timestamptz not null,
  primary key (entity, month)
);
