-- What is owed, and what is to be given back. An invoice and its corrections are one: they are owed together and age together. Final
-- and margin invoices are owed too; advances are not, as each tells what was received.

-- Whether an entity's account keeps `left_to_pay`: inFakt was seen to leave it at the whole amount when an invoice was marked as
-- paid. It counts as kept unless more than one in ten of the entity's paid documents show something else than 0.
create or replace view left_to_pay_kept as
select
  entity,
  count(*) filter (where is_paid) as paid_documents,
  count(*) filter (where is_paid and left_to_pay <> 0) as paid_and_not_zero,
  count(*) filter (where is_paid and left_to_pay <> 0) * 10 <= count(*) filter (where is_paid) as kept
from issued_documents
group by 1;

-- What every invoice, with its corrections, had open on a day: above zero the client owes it, below zero the seller does. A
-- correction whose invoice is not here stands for itself if it is in plus; one in minus is in `to_check` alone.
--
-- Known of the past are full payments (`paid_date`) and corrections (the day of issue). A part payment has no date in inFakt: it
-- counts from the day of issue on, unless the document was paid in full later.
create or replace function open_items(as_of date) returns table (
  entity text, document text, id bigint,
  open_amount numeric, overpaid numeric, to_refund numeric, corrected numeric, is_unclear boolean
) language sql stable parallel safe as $$
with issued as (
  select
    issued.entity, issued.document, issued.id, issued.invoice_date, issued.paid_date,
    coalesce(issued.gross_price, 0) as gross, issued.left_to_pay,
    case when issued.is_paid and issued.paid_date > as_of then 0 else coalesce(issued.paid_price, 0) end as paid,
    coalesce(issued.is_paid and (issued.paid_date is null or issued.paid_date <= as_of), false) as is_paid,
    -- What the document alone has open.
    case
      when issued.is_paid and (issued.paid_date is null or issued.paid_date <= as_of) then 0
      when issued.is_paid then coalesce(issued.gross_price, 0)
      when account.kept and issued.left_to_pay is not null then issued.left_to_pay
      else coalesce(issued.gross_price, 0) - coalesce(issued.paid_price, 0)
    end as open,
    account.kept and not issued.is_paid and issued.left_to_pay is not null as uses_left_to_pay,
    case issued.document when 'invoice' then issued.id else tie.invoice_id end as invoice_id
  from issued_documents issued
  join left_to_pay_kept account on account.entity = issued.entity
  left join correction_ties tie on issued.document = 'correction' and tie.entity = issued.entity and tie.id = issued.id
),
corrections as (
  select
    correction.entity, correction.invoice_id,
    sum(correction.gross) as ever,
    sum(correction.gross) filter (where present) as gross,
    sum(correction.open) filter (where present and correction.gross > 0) as plus,
    -- In minus: still open, or settled already, with money or against the invoice.
    sum(least(-abs(correction.open), 0)) filter (where present and correction.gross < 0) as minus,
    sum(correction.gross) filter (where present and correction.gross < 0 and correction.open = 0) as minus_settled,
    sum(correction.gross) filter (
      where present and correction.gross < 0 and correction.invoice_date < invoice.paid_date
    ) as minus_before_payment
  from issued correction
  join issued invoice
    on invoice.document = 'invoice' and invoice.entity = correction.entity and invoice.id = correction.invoice_id
  cross join lateral (select correction.invoice_date is null or correction.invoice_date <= as_of as present) day
  where correction.document = 'correction'
  group by 1, 2
),
together as (
  select
    invoice.*,
    coalesce(ever, 0) as ever, coalesce(corrections.gross, 0) as corrected, coalesce(plus, 0) as plus,
    coalesce(minus, 0) as minus, coalesce(minus_settled, 0) as minus_settled,
    -- Paid: what came. `paid_price` says it if it is neither empty nor the invoice's whole amount; else a payment that came after
    -- a correction in minus is taken to be the corrected amount, any other the whole.
    case
      when invoice.paid > 0 and invoice.paid <> invoice.gross then invoice.paid
      else invoice.gross + coalesce(minus_before_payment, 0)
    end as received,
    coalesce(minus_before_payment, 0) <> 0 and not (invoice.paid > 0 and invoice.paid <> invoice.gross) as assumes_received,
    -- Unpaid: `left_to_pay` may have the corrections in it already; it has if it is exactly gross less paid plus corrections.
    coalesce(
      uses_left_to_pay and ever <> 0 and invoice.left_to_pay = invoice.gross - invoice.paid + ever, false
    ) as includes_corrections
  from issued invoice
  left join corrections on corrections.entity = invoice.entity and corrections.invoice_id = invoice.id
  where invoice.document = 'invoice' and (invoice.invoice_date is null or invoice.invoice_date <= as_of)
),
owed as (
  select
    *,
    -- What the invoice alone has open, less than nothing if it is overpaid.
    case
      when is_paid then least(gross - received, 0)
      when includes_corrections then gross - paid
      when paid > gross then least(open, gross - paid)
      else open
    end as own,
    -- Paid with less than its amount: that much of the corrections was never paid, so never to be refunded.
    case when is_paid then greatest(gross - received, 0) else 0 end as short
  from together
),
netted as (
  select
    *,
    case when is_paid or own <= 0 then own else greatest(own + minus_settled, 0) end as own_netted,
    least(minus + short, 0) as refund
  from owed
)
select
  entity, document, id,
  (own_netted + refund + plus) / 100.00,
  greatest(-own, 0) / 100.00,
  -refund / 100.00,
  corrected / 100.00,
  includes_corrections or assumes_received and is_paid
from netted
union all
select entity, document, id, open / 100.00, 0, 0, 0, false
from issued
where document = 'correction' and invoice_id is null and open > 0 and gross > 0
  and (invoice_date is null or invoice_date <= as_of)
union all
select
  other.entity, other.document, other.id,
  open / 100.00, greatest(-open, 0) / 100.00, 0, 0, false
from other_documents other
left join left_to_pay_kept account on account.entity = other.entity
cross join lateral (
  select case
    when other.is_paid and (other.paid_date is null or other.paid_date <= as_of) then 0
    when other.is_paid then coalesce(other.gross_price, 0)
    when coalesce(account.kept, true) and other.left_to_pay is not null then other.left_to_pay
    else coalesce(other.gross_price, 0) - coalesce(other.paid_price, 0)
  end as open
) item
where other.document in ('final', 'margin') and (other.invoice_date is null or other.invoice_date <= as_of)
$$;

-- What was owed on a day, one row a document that is owed.
create or replace function receivables_as_of(as_of date) returns table (
  entity text, document text, id bigint, number text, currency text, client_id bigint, client_name text, client_tax_code text,
  invoice_date date, payment_date date, gross numeric, days_overdue integer, open_amount numeric, due_date date,
  corrected numeric, client_key text, intercompany boolean
) language sql stable parallel safe as $$
with owed as materialized (
  select item.* from open_items(as_of) item where item.open_amount > 0
),
sales as materialized (
  select * from sales_documents
),
terms as materialized (
  select term, next_working_day(term) as due_date
  from (select distinct payment_date as term from sales) terms where term is not null
)
select
  owed.entity, owed.document, owed.id, sale.number, sale.currency, sale.client_id, sale.client_name, sale.client_tax_code,
  sale.invoice_date, sale.payment_date, sale.gross, as_of - terms.due_date, owed.open_amount::numeric(20, 2), terms.due_date,
  owed.corrected::numeric(20, 2), sale.client_key, sale.intercompany
from owed
join sales sale on sale.entity = owed.entity and sale.document = owed.document and sale.id = owed.id
left join terms on terms.term = sale.payment_date
$$;

-- What is owed today in Warsaw.
create or replace view receivables as
select
  owed.entity, owed.document, owed.id, owed.number, owed.currency, owed.client_id, owed.client_name, owed.client_tax_code,
  owed.invoice_date, owed.payment_date, owed.gross::numeric(20, 2) as gross, owed.days_overdue,
  owed.open_amount::numeric(20, 2) as open_amount, owed.due_date, owed.corrected::numeric(20, 2) as corrected, owed.client_key,
  owed.intercompany, coalesce(nullif(ksef.ksef_number, ''), issued.ksef_number) as ksef_number, ksef.status as ksef_status
from receivables_as_of((now() at time zone 'Europe/Warsaw')::date) owed
-- By its key, one after the other: planned as a join, this would go through all documents for each that is owed.
left join lateral (
  select issued.ksef_number from issued_documents issued
  where issued.entity = owed.entity and issued.document = owed.document and issued.id = owed.id
  limit 1
) issued on true
left join ksef on ksef.entity = owed.entity and ksef.stream = stream_of(owed.document) and ksef.id = owed.id;

-- What the seller owes its clients: the amount is above zero.
create or replace view credits as
with items as materialized (
  select * from open_items((now() at time zone 'Europe/Warsaw')::date) item where item.open_amount < 0
),
sales as materialized (
  select * from sales_documents
)
select
  item.entity, item.document, item.id, sale.number, sale.client_id, sale.client_name, sale.client_key, sale.currency,
  (-item.open_amount)::numeric(20, 2) as amount,
  concat_ws(
    ' and ',
    case when item.overpaid > 0 then 'overpaid' end,
    case when item.to_refund > 0 or item.overpaid = 0 then 'to be refunded after a correction' end
  ) as why,
  sale.intercompany, sale.ksef_number, sale.ksef_status
from items item
join sales sale on sale.entity = item.entity and sale.document = item.document and sale.id = item.id;

-- Who owes what and since when, one row a client of the group and a currency.
create or replace view overdue_by_client as
select
  client_key,
  max(client_name) as client_name,
  currency,
  count(distinct entity) as entities,
  count(*) as documents,
  sum(open_amount) as open_amount,
  coalesce(sum(open_amount) filter (where days_overdue > 0), 0) as overdue,
  greatest(max(days_overdue), 0) as days_overdue,
  bool_or(intercompany) as intercompany
from receivables
group by client_key, currency;

-- How long clients take to pay (days sales outstanding, weighted by amount), by month of payment. A document that was paid before
-- it was issued says nothing of that, so it is counted apart.
create or replace view days_to_pay as
select
  entity, currency, date_trunc('month', paid_date)::date as month,
  count(*) filter (where paid_date >= invoice_date) as documents,
  round(
    sum((paid_date - invoice_date) * gross) filter (where paid_date >= invoice_date)
      / nullif(sum(gross) filter (where paid_date >= invoice_date), 0),
    1
  ) as days,
  count(*) filter (where paid_date < invoice_date) as paid_before_issue
from sales_documents
where document in ('invoice', 'final', 'margin') and paid_date is not null and gross > 0
group by 1, 2, 3;
