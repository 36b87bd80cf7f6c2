-- Advance, final and margin invoices, as far as each of them counts: every zloty of an order once.

-- The advances that each final invoice settles, by what it says of them.
create or replace view settled_advances as
select
  final.entity, final.id as final_id,
  case when jsonb_typeof(advance -> 'id') = 'number' then (advance ->> 'id')::numeric end as advance_id,
  advance ->> 'number' as number,
  case when jsonb_typeof(advance -> 'advance_price') = 'number' then (advance ->> 'advance_price')::numeric end as advance_price
from final_invoices final
cross join lateral jsonb_array_elements(
  case when jsonb_typeof(final.previous_advances::jsonb) = 'array' then final.previous_advances::jsonb else '[]' end
) advance;

-- How much of each final invoice its advances had already, of the gross total and of the VAT: both 0 if its total is what they left,
-- null if nobody said in `final_totals` which it is, or if the advances are not known. Without advances both are the same.
create or replace view final_settled as
select
  final.entity, final.id,
  case when totals.totals = 'rest' or advances.gross = 0 then 0 when totals.totals = 'whole' then advances.gross end as gross,
  case when totals.totals = 'rest' or advances.gross = 0 then 0 when totals.totals = 'whole' then advances.tax end as tax,
  totals.totals
from final_invoices final
left join final_totals totals on totals.entity = final.entity
cross join lateral (
  select
    case when jsonb_typeof(final.previous_advances::jsonb) = 'array' and count(*) = count(advance_price)
      then coalesce(sum(advance_price), 0) end as gross,
    -- Each rounded by itself, as it counts where it stands.
    coalesce(sum(round(advance_price * final.tax_price / nullif(final.gross_price, 0))), 0) as tax
  from settled_advances advance
  where advance.entity = final.entity and advance.final_id = final.id
) advances;

-- Issued advance, final and margin invoices with the amounts that count.
--
-- An advance: what was received, `advance_price`. Its totals are of the whole order and stand on each advance, so they count nowhere,
--   and its `left_to_pay` is no debt. VAT is that share of the amount which it is of the order's total (art. 106f ust. 1 pkt 3 of the
--   VAT act), due in the month of `advance_date` (art. 19a ust. 8). It is no income before the sale (art. 12 ust. 4 pkt 1 of the CIT
--   act, art. 14 ust. 3 pkt 1 of the PIT act): income_date is the sale's of the final invoice that settles it, null without one.
--   inFakt marks ordinary advances with `not_income`, so that of the final invoice decides.
-- A final invoice: its totals less what the advances had (art. 106f ust. 3 of the VAT act), or as they are if they are that already.
--   One of which this is not known is not here: `to_check` has it.
-- A margin invoice: gross alone. It says neither net nor VAT, and the VAT of a margin is no matter of a single document.
create or replace view other_documents as
with advance as (
  select
    advance.*,
    round(advance_price * tax_price::numeric / nullif(gross_price, 0)) as advance_tax,
    final.sale_day, final.not_income as final_not_income
  from advance_invoices advance
  left join lateral (
    select coalesce(final.sale_date, final.continuous_service_end_on, final.invoice_date) as sale_day, final.not_income
    from settled_advances settled
    join final_invoices final on final.entity = settled.entity and final.id = settled.final_id
    where settled.entity = advance.entity and settled.advance_id = advance.id
      and final.kind = 'final' and final.status in ('sent', 'printed', 'paid')
    order by final.invoice_date, final.id
    limit 1
  ) final on true
)
select
  entity, 'advance' as document, id, uuid, number, status, currency, payment_method,
  invoice_date, null::date as sale_date, advance_date as vat_date, sale_day as income_date, payment_date, paid_date,
  status = 'paid' or paid_date is not null as is_paid, null::text as vat_date_value,
  advance_price - advance_tax as net_price, advance_tax as tax_price, advance_price::numeric as gross_price,
  null::bigint as margin_price, null::bigint as paid_price, null::bigint as left_to_pay,
  coalesce(final_not_income, false) as not_income, split_payment, ksef_number,
  client_id, client_company_name, client_first_name, client_last_name, client_tax_code, client_country, observed_at
from advance
where kind = 'advance' and status in ('sent', 'printed', 'paid')
union all
select
  final.entity, 'final', final.id, uuid, number, status, currency, payment_method,
  invoice_date, coalesce(sale_date, continuous_service_end_on),
  case vat_date_value
    when 'issue_date' then invoice_date
    when 'paid_date' then paid_date
    else coalesce(sale_date, continuous_service_end_on, invoice_date)
  end,
  coalesce(sale_date, continuous_service_end_on, invoice_date), payment_date, paid_date,
  status = 'paid' or paid_date is not null, vat_date_value,
  net_price - (settled.gross - settled.tax), tax_price - settled.tax, gross_price - settled.gross,
  null, paid_price, left_to_pay,
  coalesce(not_income, false), split_payment, ksef_number,
  client_id, client_company_name, client_first_name, client_last_name, client_tax_code, client_country, observed_at
from final_invoices final
join final_settled settled on settled.entity = final.entity and settled.id = final.id
where kind = 'final' and status in ('sent', 'printed', 'paid') and settled.gross is not null
union all
select
  entity, 'margin', id, uuid, number, status, currency, payment_method,
  invoice_date, sale_date,
  case vat_date_value when 'issue_date' then invoice_date when 'paid_date' then paid_date else coalesce(sale_date, invoice_date) end,
  coalesce(sale_date, invoice_date), payment_date, paid_date,
  status = 'paid' or paid_date is not null, vat_date_value,
  null, null, gross_price, margin_amount_price, paid_price, left_to_pay,
  false, null, ksef_number,
  client_id, client_company_name, client_first_name, client_last_name, client_tax_code, client_country, observed_at
from margin_invoices
where kind = 'margin' and status in ('sent', 'printed', 'paid');

-- Sales under a margin procedure by month of their VAT date, apart from all VAT: gross and margin, as the documents have them.
create or replace view margin_by_month as
select
  date_trunc('month', vat_date)::date as month, entity, currency,
  count(*) as documents,
  (sum(gross_price) / 100)::numeric(20, 2) as gross,
  (sum(margin_price) / 100)::numeric(20, 2) as margin
from other_documents
where document = 'margin'
group by 1, 2, 3;
