-- Sales documents and their lines, with the period of VAT of each.

-- Invoices and corrections that count: issued, of a kind that is known to be a sale. A proforma is an offer, a draft is not issued
-- yet. A status or a kind that is not listed here, a new one of the API or a cancelled document, counts nowhere: `to_check` has it.
create or replace view issued_documents as
select
  entity, 'invoice' as document, id, uuid, number, status, currency, payment_method,
  invoice_date, coalesce(sale_date, continuous_service_end_on) as sale_date, payment_date, paid_date,
  status = 'paid' or paid_date is not null as is_paid,
  vat_date_value, net_price, tax_price, gross_price, paid_price, left_to_pay, not_income, split_payment, ksef_number,
  client_id, client_company_name, client_first_name, client_last_name, client_tax_code, client_country, observed_at,
  null::text as corrected_uuid, null::text as corrected_number, null::date as corrected_date,
  null::text as correction_reason, null::text as correction_reason_symbol, null::date as sale_date_before
from invoices
where kind = 'vat' and status in ('sent', 'printed', 'paid')
union all
select
  entity, 'correction', id, uuid, number, status, currency, payment_method,
  invoice_date, coalesce(sale_date, continuous_service_end_on), payment_date, paid_date,
  status = 'paid' or paid_date is not null,
  vat_date_value, net_price, tax_price, gross_price, paid_price, left_to_pay, not_income, split_payment, ksef_number,
  client_id, client_company_name, client_first_name, client_last_name, client_tax_code, client_country, observed_at,
  corrected_invoice_uuid, corrected_invoice_number, corrected_invoice_date,
  correction_reason, correction_reason_symbol,
  coalesce(sale_date_before_correction, continuous_service_end_on_before_correction)
from corrective_invoices
where kind = 'correction' and status in ('sent', 'printed', 'paid');

-- The document that each correction corrects, and the invoice that all began with: by UUID, else by number and date within the
-- entity where one document alone has them. A correction without its invoice is not in this view.
create or replace view correction_ties as
with recursive by_uuid as (
  select entity, uuid, min(document) as document, min(id) as id
  from issued_documents where uuid is not null group by 1, 2 having count(*) = 1
),
by_number as (
  select entity, btrim(number) as number, invoice_date, min(document) as document, min(id) as id
  from issued_documents where number is not null group by 1, 2, 3 having count(*) = 1
),
aims as (
  select
    correction.entity, correction.id,
    coalesce(by_uuid.document, by_number.document) as corrected_document,
    coalesce(by_uuid.id, by_number.id) as corrected_id
  from issued_documents correction
  left join by_uuid on by_uuid.entity = correction.entity and by_uuid.uuid = correction.corrected_uuid
  left join by_number on by_number.entity = correction.entity and by_number.number = btrim(correction.corrected_number)
    and by_number.invoice_date = correction.corrected_date
  where correction.document = 'correction'
),
ties as (
  select entity, id, corrected_document, corrected_id, corrected_id as invoice_id
  from aims where corrected_document = 'invoice'
  union all
  -- Every correction has one aim, so walking from the invoices meets no circle.
  select aims.entity, aims.id, aims.corrected_document, aims.corrected_id, ties.invoice_id
  from ties join aims on aims.entity = ties.entity and aims.corrected_document = 'correction' and aims.corrected_id = ties.id
)
select * from ties;

-- Why a document was corrected, as far as its period of VAT depends on it: a mistake that was in the invoice from the beginning,
-- or a cause that came later. Null if neither inFakt's symbol nor its label says.
create or replace function correction_cause(symbol text, label text) returns text language sql immutable parallel safe as $$
  select case
    when said ~ 'błąd|błęd|omył|pomył|mistake|error' then 'mistake'
    when said ~ 'zwrot|obniż|podwyż|podnies|rabat|upust|opust|skont|bonif|zmian[aęy] cen|return|reduc|increas|raise|discount|refund'
      then 'new cause'
  end
  from (select lower(concat_ws(' ', symbol, label)) as said) reason
$$;

-- Sales documents that were issued. The amounts of a correction are the difference that it makes, usually negative: a sum over this
-- view has the corrections subtracted. Advance, final and margin invoices have the amounts that count (`other_documents`): net and
-- VAT of a margin invoice are null.
--
-- vat_date decides the period of VAT; null while that is the period of a payment that has not come.
-- An invoice: the day that `vat_date_value` names. A sale date that a correction changed is the changed one (art. 19a ust. 1 of
-- the VAT act: the tax arises with the delivery, not with what was first written).
-- A correction (art. 29a ust. 13-17 of the VAT act):
--   in minus: the month of its issue (ust. 13 and 14), never before the invoice's own period;
--   in plus for a mistake of the invoice: the invoice's period, as the cause existed then (ust. 17);
--   in plus for a new cause, or one that is not told: the month of that cause, for which the day of issue stands, because inFakt
--     knows no other day (ust. 17);
--   without amounts: the invoice's period.
-- Under the cash method (art. 21 ust. 1) nothing is due before the payment: a correction in minus counts with the invoice's
-- payment, or in the month of its issue if it came after that; one in plus with its own payment.
create or replace view sales_documents as
with moved as (
  -- The last correction that changed an invoice's sale date. What it was before may be missing: one without amounts that has
  -- another sale date than its invoice changes that.
  select distinct on (tie.entity, tie.invoice_id) tie.entity, tie.invoice_id, correction.sale_date
  from correction_ties tie
  join issued_documents correction
    on correction.document = 'correction' and correction.entity = tie.entity and correction.id = tie.id
  join issued_documents original
    on original.document = 'invoice' and original.entity = tie.entity and original.id = tie.invoice_id
  where correction.sale_date <> coalesce(
    correction.sale_date_before,
    case when correction.net_price = 0 and correction.tax_price = 0 then original.sale_date end
  )
  order by tie.entity, tie.invoice_id, correction.invoice_date desc nulls last, correction.id desc
),
invoice as (
  select
    issued.entity, issued.id, issued.invoice_date, issued.paid_date, issued.vat_date_value, issued.not_income,
    coalesce(moved.sale_date, issued.sale_date) as sale_date,
    case issued.vat_date_value
      when 'issue_date' then issued.invoice_date
      when 'paid_date' then issued.paid_date
      else coalesce(moved.sale_date, issued.sale_date, issued.invoice_date)
    end as vat_date
  from issued_documents issued
  left join moved on moved.entity = issued.entity and moved.invoice_id = issued.id
  where issued.document = 'invoice'
),
documents as (
  select
    issued.*,
    tie.corrected_document, tie.corrected_id,
    case issued.document when 'invoice' then issued.id else tie.invoice_id end as invoice_id,
    case issued.document when 'correction' then correction_cause(issued.correction_reason_symbol, issued.correction_reason) end as cause,
    case when issued.tax_price <> 0 then sign(issued.tax_price) else sign(coalesce(issued.net_price, 0)) end as direction
  from issued_documents issued
  left join correction_ties tie on issued.document = 'correction' and tie.entity = issued.entity and tie.id = issued.id
),
companies as (
  select distinct nip(nip) as nip from entities where nip(nip) is not null
)
select
  own.entity, own.document, own.id, own.uuid, own.number, own.status, own.currency,
  own.invoice_date,
  case
    when own.document = 'invoice' then invoice.vat_date
    when coalesce(invoice.vat_date_value, own.vat_date_value) = 'paid_date' then case
      when own.direction > 0 or own.invoice_id is null then own.paid_date
      when own.direction = 0 or invoice.paid_date is null then invoice.paid_date
      else greatest(invoice.paid_date, own.invoice_date)
    end
    when own.direction = 0 then coalesce(invoice.vat_date, own.corrected_date, own.invoice_date)
    when own.direction > 0 and own.cause = 'mistake' then coalesce(invoice.vat_date, own.corrected_date, own.invoice_date)
    else greatest(own.invoice_date, invoice.vat_date)
  end as vat_date,
  own.payment_date, own.paid_date,
  own.client_id,
  coalesce(own.client_company_name, nullif(concat_ws(' ', own.client_first_name, own.client_last_name), '')) as client_name,
  own.client_tax_code,
  (own.net_price / 100.00)::numeric(20, 2) as net,
  (own.tax_price / 100.00)::numeric(20, 2) as tax,
  (own.gross_price / 100.00)::numeric(20, 2) as gross,
  coalesce(own.not_income, invoice.not_income, false) as not_income,
  case own.document when 'invoice' then invoice.sale_date else own.sale_date end as sale_date,
  -- The day by which income counts: the sale's; of a correction the invoice's sale if it was a mistake, else the day of issue
  -- (art. 12 ust. 3j of the CIT act, art. 14 ust. 1m of the PIT act).
  case
    when own.document = 'invoice' or own.cause = 'mistake'
      then coalesce(invoice.sale_date, invoice.invoice_date, own.corrected_date, own.invoice_date)
    else own.invoice_date
  end as income_date,
  own.cause, own.correction_reason, own.correction_reason_symbol,
  own.corrected_number, own.corrected_document, own.corrected_id, own.invoice_id,
  own.client_country as country, own.payment_method, own.split_payment,
  coalesce(nullif(ksef.ksef_number, ''), own.ksef_number) as ksef_number, own.observed_at,
  coalesce(invoice.vat_date_value, own.vat_date_value) as vat_date_value,
  client_key(own.client_tax_code, own.client_country, own.entity, own.client_id) as client_key,
  companies.nip is not null as intercompany,
  ksef.status as ksef_status
from documents own
left join invoice on invoice.entity = own.entity and invoice.id = own.invoice_id
left join ksef on ksef.entity = own.entity and ksef.stream = stream_of(own.document) and ksef.id = own.id
left join companies on companies.nip = nip(own.client_tax_code)
union all
select
  other.entity, other.document, other.id, other.uuid, other.number, other.status, other.currency,
  other.invoice_date, other.vat_date, other.payment_date, other.paid_date,
  other.client_id,
  coalesce(other.client_company_name, nullif(concat_ws(' ', other.client_first_name, other.client_last_name), '')),
  other.client_tax_code,
  (other.net_price / 100.00)::numeric(20, 2),
  (other.tax_price / 100.00)::numeric(20, 2),
  (other.gross_price / 100.00)::numeric(20, 2),
  other.not_income, other.sale_date, other.income_date,
  null, null, null, null, null, null, null,
  other.client_country, other.payment_method, other.split_payment,
  coalesce(nullif(ksef.ksef_number, ''), other.ksef_number), other.observed_at,
  other.vat_date_value,
  client_key(other.client_tax_code, other.client_country, other.entity, other.client_id),
  companies.nip is not null,
  ksef.status
from other_documents other
left join ksef on ksef.entity = other.entity and ksef.stream = stream_of(other.document) and ksef.id = other.id
left join companies on companies.nip = nip(other.client_tax_code);

-- The lines of those documents. The lines of a correction stand in pairs, as it was before (correction = false) and as it is
-- after: here what was before counts as negative, so that a sum is again the difference. If one line of a correction does not say
-- which it is, none of its lines is here: `to_check` has the document.
-- Advance and final invoices have no tables of lines: each is one row here, with its net and VAT and the symbol `not by rate`.
create or replace view sales_lines as
select
  document, entity, invoice_id, line_no,
  head.number, head.currency, head.invoice_date, head.vat_date,
  name, tax_symbol, unit,
  sign * quantity::numeric as quantity,
  (unit_net_price / 100.00)::numeric(20, 2) as unit_net,
  (sign * net_price / 100.00)::numeric(20, 2) as net,
  (sign * tax_price / 100.00)::numeric(20, 2) as tax,
  (sign * gross_price / 100.00)::numeric(20, 2) as gross,
  head.sale_date, head.income_date, head.correction_reason, head.corrected_number,
  head.country, head.payment_method, head.split_payment, head.ksef_number, head.observed_at,
  head.not_income, head.client_key, head.intercompany, head.ksef_status
from (
  select
    'invoice' as document, entity, invoice_id, line_no, name, tax_symbol, unit, quantity,
    unit_net_price, net_price, tax_price, gross_price, 1 as sign
  from invoice_lines
  union all
  select
    'correction', entity, invoice_id, line_no, name, tax_symbol, unit, quantity,
    unit_net_price, net_price, tax_price, gross_price, case when correction then 1 else -1 end
  from corrective_invoice_lines whole
  where not exists (
    select from corrective_invoice_lines unclear
    where unclear.entity = whole.entity and unclear.invoice_id = whole.invoice_id and unclear.correction is null
  )
  union all
  select document, entity, id, null, null, 'not by rate', null, null, null, net_price, tax_price, gross_price, 1
  from other_documents
  where document in ('advance', 'final')
) line
join (
  select
    document, entity, id as invoice_id, number, currency, invoice_date, vat_date, sale_date, income_date, correction_reason,
    corrected_number, country, payment_method, split_payment, ksef_number, observed_at, not_income, client_key, intercompany,
    ksef_status
  from sales_documents
) head using (document, entity, invoice_id);

-- Clients of the whole group, one row a client: those with one tax number are one, a client without any stands for itself.
create or replace view group_clients as
with named as (
  select
    client_key(nip, country, entity, id) as client_key, nip(nip) as nip, entity, id as client_id, observed_at,
    coalesce(company_name, nullif(concat_ws(' ', first_name, last_name), '')) as name
  from clients
  union all
  select client_key, nip(client_tax_code), entity, client_id, observed_at, client_name from sales_documents
)
select
  client_key,
  case when client_key like 'PL%' then max(nip) end as nip,
  (array_agg(name order by observed_at desc, entity) filter (where name is not null))[1] as name,
  count(distinct entity) as entities,
  count(distinct (entity, client_id)) filter (where client_id is not null) as clients
from named
group by 1;
