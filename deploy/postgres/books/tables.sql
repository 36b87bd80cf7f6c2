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
  add column if not exists nip text, add column if not exists country text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
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
  add column if not exists client_tax_code text, add column if not exists client_country text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
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
  add column if not exists continuous_service_end_on_before_correction date,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
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

-- The other sales documents. A company whose entity file names none of their streams has no row of them.
create table if not exists advance_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null, primary key (entity, id)
);
create table if not exists final_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null, primary key (entity, id)
);
create table if not exists margin_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null, primary key (entity, id)
);
alter table advance_invoices
  add column if not exists uuid text, add column if not exists number text, add column if not exists kind text,
  add column if not exists status text, add column if not exists currency text, add column if not exists payment_method text,
  add column if not exists invoice_date date, add column if not exists advance_date date,
  add column if not exists payment_date date, add column if not exists paid_date date,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists advance_price bigint,
  add column if not exists left_to_pay bigint, add column if not exists not_income boolean,
  add column if not exists split_payment boolean, add column if not exists ksef_number text,
  add column if not exists client_id bigint, add column if not exists client_company_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists client_tax_code text, add column if not exists client_country text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
alter table final_invoices
  add column if not exists uuid text, add column if not exists number text, add column if not exists kind text,
  add column if not exists status text, add column if not exists currency text, add column if not exists payment_method text,
  add column if not exists invoice_date date, add column if not exists sale_date date,
  add column if not exists continuous_service_end_on date, add column if not exists payment_date date,
  add column if not exists paid_date date, add column if not exists vat_date_value text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists paid_price bigint,
  add column if not exists left_to_pay bigint, add column if not exists not_income boolean,
  add column if not exists split_payment boolean, add column if not exists ksef_number text,
  add column if not exists previous_advances text,
  add column if not exists client_id bigint, add column if not exists client_company_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists client_tax_code text, add column if not exists client_country text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
alter table margin_invoices
  add column if not exists uuid text, add column if not exists number text, add column if not exists kind text,
  add column if not exists status text, add column if not exists currency text, add column if not exists payment_method text,
  add column if not exists invoice_date date, add column if not exists sale_date date,
  add column if not exists payment_date date, add column if not exists paid_date date,
  add column if not exists vat_date_value text, add column if not exists margin_kind text,
  add column if not exists gross_price bigint, add column if not exists margin_amount_price bigint,
  add column if not exists paid_price bigint, add column if not exists left_to_pay bigint,
  add column if not exists ksef_number text,
  add column if not exists client_id bigint, add column if not exists client_company_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists client_tax_code text, add column if not exists client_country text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;

-- OSS invoices and their corrections. Their rows say neither whether they were issued nor whether they were paid.
create table if not exists oss_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null, primary key (entity, id)
);
create table if not exists corrective_oss_invoices (
  entity text not null, id bigint not null, observed_at timestamp(6) not null, primary key (entity, id)
);
alter table oss_invoices
  add column if not exists number text, add column if not exists country text, add column if not exists client_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists service_date date, add column if not exists issue_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
alter table corrective_oss_invoices
  add column if not exists number text, add column if not exists country text, add column if not exists client_name text,
  add column if not exists client_first_name text, add column if not exists client_last_name text,
  add column if not exists service_date date, add column if not exists issue_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists corrected_invoice_number text,
  add column if not exists corrected_invoice_date date, add column if not exists correction_reason text,
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;

-- What each finished sweep came to: the latest of an entity's stream. The sums by month and currency are JSON text.
create table if not exists sweeps (
  entity text not null, stream text not null, observed_at timestamp(6) not null,
  primary key (entity, stream)
);
alter table sweeps
  add column if not exists number bigint, add column if not exists scope_from date, add column if not exists scope_to date,
  add column if not exists started_at timestamp(6), add column if not exists finished_at timestamp(6),
  add column if not exists rows bigint, add column if not exists sums_json text, add column if not exists complete boolean,
  add column if not exists created bigint, add column if not exists updated bigint, add column if not exists deleted bigint,
  add column if not exists unchanged bigint, add column if not exists dead_letters bigint, add column if not exists strays bigint,
  add column if not exists living_count bigint, add column if not exists fingerprint_sum text,
  add column if not exists fingerprint_definition integer;

-- A second copy of the same topics, of few columns: what is lost or changed in the tables above is still here.
create table if not exists client_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
create table if not exists invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
create table if not exists corrective_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
alter table client_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer;
alter table invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists invoice_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;
alter table corrective_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists invoice_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;

create table if not exists advance_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
create table if not exists final_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
create table if not exists margin_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
alter table advance_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists invoice_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint, add column if not exists advance_price bigint;
alter table final_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists invoice_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;
alter table margin_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists invoice_date date, add column if not exists currency text,
  add column if not exists gross_price bigint;

create table if not exists oss_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
create table if not exists corrective_oss_invoice_fingerprints (
  entity text not null, id bigint not null, primary key (entity, id)
);
alter table oss_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists issue_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;
alter table corrective_oss_invoice_fingerprints
  add column if not exists fingerprint text, add column if not exists fingerprint_definition integer,
  add column if not exists issue_date date, add column if not exists currency text,
  add column if not exists net_price bigint, add column if not exists tax_price bigint,
  add column if not exists gross_price bigint;

-- The companies of the group, one row for each entity file; the account's own tax number and name. An account whose key may not
-- read them has no record, so its row is written by hand:
--   insert into entities (entity, nip, name) values ('alfa', '5252248481', 'Alfa sp. z o.o.');
create table if not exists entities (
  entity text primary key
);
alter table entities
  add column if not exists nip text, add column if not exists name text, add column if not exists observed_at timestamp(6);

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

-- What the totals of a company's final invoices are of, which inFakt's documents do not say: the `whole` order, so that what the
-- advances had counts once more, or the `rest` of it. `infakt-kafka check` says which by the newest final invoices of the account.
-- Final invoices with advances of a company without a row are in no sum: `to_check` has them.
--   insert into final_totals (entity, totals) values ('alfa', 'whole');
create table if not exists final_totals (
  entity text primary key,
  totals text not null check (totals in ('whole', 'rest'))
);
