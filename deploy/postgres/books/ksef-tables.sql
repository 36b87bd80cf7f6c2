-- Tables that the views of KSeF read. A company that does not publish `ksef` has no rows here, and no view lacks a document by that.

create table if not exists ksef (
  entity text not null, stream text not null, id bigint not null, observed_at timestamp(6) not null,
  primary key (entity, stream, id)
);
alter table ksef
  add column if not exists uuid text, add column if not exists number text, add column if not exists ksef_number text,
  add column if not exists status text, add column if not exists status_description text,
  add column if not exists request_uuid text, add column if not exists requested_at timestamp(6),
  add column if not exists finished_at timestamp(6), add column if not exists extra text;
alter table invoices add column if not exists client_business_activity_kind text;
alter table corrective_invoices add column if not exists client_business_activity_kind text;
alter table advance_invoices add column if not exists client_business_activity_kind text;
alter table final_invoices add column if not exists client_business_activity_kind text;
alter table margin_invoices add column if not exists client_business_activity_kind text;

-- The day from which a company has to use KSeF: 1 February 2026 unless it stands here.
--   insert into ksef_duty (entity, since) values ('alfa', '2026-04-01');
create table if not exists ksef_duty (
  entity text primary key,
  since date not null
);

-- Failures of KSeF as the Minister of Finance announced them in the BIP: first and last day, the last one null while it goes on.
--   insert into ksef_failures (first_day, last_day) values ('2026-05-04', '2026-05-05');
create table if not exists ksef_failures (
  first_day date primary key,
  last_day date check (last_day >= first_day)
);

-- When the JPK of a month was filed. A month that is not here counts as filed on the last day that it could be.
--   insert into jpk_filings (entity, month, filed_at) values ('alfa', '2026-09-01', '2026-10-20 12:00+02');
create table if not exists jpk_filings (
  entity text not null,
  month date not null check (month = date_trunc('month', month)),
  filed_at timestamptz not null,
  primary key (entity, month)
);

-- The stream that has a document of `issued_documents`, as the key of `ksef` names it.
create or replace function stream_of(document text) returns text language sql immutable strict parallel safe as $$
  select case document when 'invoice' then 'invoices' when 'correction' then 'corrective-invoices' else document || '-invoices' end
$$;
