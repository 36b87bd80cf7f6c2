-- All that a person must look at before the figures are signed, one row a finding: what it is, and what to do.

create or replace view to_check as
with written as (
  select entity, 'invoice' as document, id, number, kind, 'vat' as usual_kind, status from invoices
  where kind is distinct from 'proforma'
  union all
  select entity, 'correction', id, number, kind, 'correction', status from corrective_invoices
  union all
  select entity, 'advance', id, number, kind, 'advance', status from advance_invoices
  union all
  select entity, 'final', id, number, kind, 'final', status from final_invoices
  union all
  select entity, 'margin', id, number, kind, 'margin', status from margin_invoices
),
payable as (
  select entity, document, id, is_paid, paid_price, left_to_pay, gross_price from issued_documents
  union all
  select entity, document, id, is_paid, paid_price, left_to_pay, gross_price from other_documents where document <> 'advance'
),
lines as (
  select entity, 'invoice' as document, invoice_id, line_no, tax_symbol, null::boolean as correction, false as paired from invoice_lines
  union all
  select entity, 'correction', invoice_id, line_no, tax_symbol, correction, true from corrective_invoice_lines
),
sums as materialized (
  select entity, document, invoice_id, sum(net) as net, sum(tax) as tax, sum(gross) as gross from sales_lines group by 1, 2, 3
),
sales as materialized (
  select * from sales_documents
),
zloty as materialized (
  select * from sales_documents_pln
),
has_lines as materialized (
  select distinct entity, document, invoice_id from lines
)
-- Held aside: in no figure.
select
  entity, document, id,
  'a draft with a number' as what,
  format('it counts nowhere: issue %s in inFakt, or delete it there', number) as what_to_do
from written where status = 'draft' and nullif(btrim(number), '') is not null
union all
select
  entity, document, id,
  format('unknown status %s', coalesce(status, 'null')),
  'it counts nowhere: look what it means in inFakt, and whether it is a sale'
from written where status is null or status not in ('draft', 'sent', 'printed', 'paid')
union all
select
  entity, document, id,
  format('unknown kind %s', coalesce(kind, 'null')),
  'it counts nowhere: look what it means in inFakt, and whether it is a sale'
from written
where kind is distinct from usual_kind and status is distinct from 'draft'
union all
select
  final.entity, 'final', final.id,
  case when settled.totals is null then 'whether its total contains its advances is not known' else 'its advances are not known' end,
  case when settled.totals is null
    then 'it counts nowhere: write into final_totals what infakt-kafka check says of the totals of final-invoices'
    else 'it counts nowhere: look at the document in inFakt, and enter what it adds to its advances by hand'
  end
from final_invoices final
join final_settled settled on settled.entity = final.entity and settled.id = final.id
where final.kind = 'final' and final.status in ('sent', 'printed', 'paid') and settled.gross is null
union all
select
  settled.entity, 'final', settled.final_id,
  format('its advance %s is not among the advances with that amount', coalesce(settled.number, settled.advance_id::text, 'null')),
  'the amount of that advance counts nowhere or twice: see whether it was issued, and is read (`start_date: all`)'
from settled_advances settled
join other_documents final on final.document = 'final' and final.entity = settled.entity and final.id = settled.final_id
where not exists (
  select from other_documents advance
  where advance.document = 'advance' and advance.entity = settled.entity and advance.id = settled.advance_id
    and advance.gross_price = settled.advance_price
)
union all
select
  entity, document, id,
  'no day of the advance',
  'its VAT is in no month: enter the day on which it was received in inFakt'
from other_documents where document = 'advance' and vat_date is null
union all
select
  entity, document, invoice_id,
  'a line of a correction does not say whether it is before or after',
  'none of its lines is in the VAT by lines: look at the document in inFakt'
from lines where paired and correction is null
group by 1, 2, 3
union all
select
  entity, document, id,
  'a correction of an OSS invoice, whose totals may be no difference',
  format(
    'it is in no sum: look in inFakt what it changes of %s, and put that into the OSS return by hand',
    coalesce(corrected_number, 'an invoice, as it names none')
  )
from oss_documents where document = 'oss-correction'
-- Counted, but perhaps not as it should be.
union all
select
  entity, document, invoice_id,
  format('unknown tax symbol %s', coalesce(tax_symbol, 'null')),
  'its lines stand apart in the VAT: decide where they belong'
from lines
where tax_symbol is null or tax_symbol not in ('23', '22', '8', '7', '5', '4', '3', '0', 'zw', 'np', 'oo')
group by 1, 2, 3, tax_symbol
union all
select
  sale.entity, sale.document, sale.id,
  format(
    'lines and totals differ: net %s and %s, tax %s and %s, gross %s and %s',
    sums.net, sale.net, sums.tax, sale.tax, sums.gross, sale.gross
  ),
  'revenue follows the totals, VAT the lines: the document decides'
from sales sale
join sums on sums.entity = sale.entity and sums.document = sale.document and sums.invoice_id = sale.id
where (sums.net, sums.tax, sums.gross) is distinct from (sale.net, sale.tax, sale.gross)
union all
select
  sale.entity, sale.document, sale.id,
  'no lines',
  'its VAT is in no sum by lines: see whether the connector of lines runs, then look at the document'
from sales sale
where not exists (
    select from has_lines lines
    where lines.entity = sale.entity and lines.document = sale.document and lines.invoice_id = sale.id
  )
  -- Whoever leaves the lines' topics out has none at all.
  and exists (select from has_lines lines where lines.entity = sale.entity and lines.document = sale.document)
union all
select
  entity, document, id,
  'amounts that are missing or do not add up',
  format('net %s, tax %s, gross %s: look at the document in inFakt', coalesce(net::text, 'null'), coalesce(tax::text, 'null'),
    coalesce(gross::text, 'null'))
from sales where (case document when 'margin' then gross is not null else net + tax = gross end) is not true
union all
select
  entity, document, id,
  concat_ws(' and ', case when currency is null then 'no currency' end, case when invoice_date is null then 'no date of issue' end),
  'it is in no month or no currency of the reports: complete it in inFakt'
from sales where currency is null or invoice_date is null
union all
select
  entity, document, id,
  'paid without a date',
  case vat_date_value
    when 'paid_date' then 'under the cash method its VAT is in no month: enter the day of payment in inFakt'
    else 'what was owed on a past day leaves it out: enter the day of payment in inFakt'
  end
from sales where status = 'paid' and paid_date is null and document <> 'advance'
union all
select
  sale.entity, sale.document, sale.id,
  'a part payment under the cash method',
  'VAT of the part is due in the month of that payment, whose day inFakt does not tell: enter it by hand'
from sales sale
join payable issued on issued.entity = sale.entity and issued.document = sale.document and issued.id = sale.id
where sale.vat_date_value = 'paid_date' and not issued.is_paid
  and (issued.paid_price > 0 or issued.left_to_pay < issued.gross_price and issued.gross_price > 0)
union all
select
  entity, document, id,
  format('unknown vat_date_value %s', vat_date_value),
  'its VAT counts by the sale date: look at the document in inFakt'
from sales where vat_date_value not in ('issue_date', 'sale_date', 'paid_date')
union all
select
  entity, document, id,
  'a correction without its invoice',
  format(
    'not aged and not in what is owed unless in plus: read older invoices too (`start_date: all`), or look for %s',
    coalesce(corrected_number, 'an invoice, as it names none')
  )
from sales where document = 'correction' and invoice_id is null
union all
select
  entity, document, id,
  'a correction in plus whose cause is not known',
  'its VAT is in the month of issue: if it was a mistake of the invoice, it belongs into the month of the invoice'
from sales where document = 'correction' and cause is null and (tax > 0 or tax = 0 and net > 0)
union all
select
  entity, document, id,
  'what is owed after its correction is not certain',
  'look at its payments in inFakt: left_to_pay seems to have the correction in it, or the payment came after the correction'
from open_items((now() at time zone 'Europe/Warsaw')::date) where is_unclear
union all
select
  entity, document, id,
  format('no exchange rate of %s', currency),
  format('it has no amount in zloty: load the rates before %s into exchange_rates', coalesce(rate_before::text, 'its invoice''s day'))
from zloty where rate is null
union all
select
  entity, document, id,
  format('the exchange rate is of %s', rate_day),
  format('a table of %s is expected: load it into exchange_rates', working_day_before(rate_before))
from zloty where currency <> 'PLN' and rate_day <> working_day_before(rate_before)
union all
select
  sale.entity, sale.document, sale.id,
  format('changed after %s was closed', to_char(sale.vat_date, 'YYYY-MM')),
  format('read with a change, or again after a resync, at %s: correct the return, or undo the change', sale.observed_at)
from sales sale
join closed_months closed on closed.entity = sale.entity and closed.month = date_trunc('month', sale.vat_date)
where sale.observed_at at time zone 'UTC' > closed.closed_at
union all
select
  entity, document, id,
  format('the tax number %s is no NIP', client_tax_code),
  'the client stands alone and is not seen as a company of the group: correct the number in inFakt'
from sales
where btrim(client_tax_code) <> '' and nip(client_tax_code) is null and upper(coalesce(nullif(btrim(country), ''), 'PL')) = 'PL'
  and client_tax_code !~* '^\s*[a-z]{2}'
union all
select
  seen.entity, null, null,
  'a company that is not in the table entities, or whose NIP is not valid',
  'what the others sell to it counts as the group''s revenue: add it to entities'
from (select distinct entity from sales) seen
left join entities company on company.entity = seen.entity
where nip(company.nip) is null and (select count(distinct entity) from sales) > 1
union all
select
  entity, document, id,
  concat_ws(
    ' and ', case when country is null then 'no country of the buyer' end, case when currency is null then 'no currency' end,
    case when day is null then 'no date of service or issue' end
  ),
  'it is in no quarter, country or currency of the OSS return: complete it in inFakt'
from oss_documents where document = 'oss' and (country is null or currency is null or day is null)
union all
select
  entity, document, id,
  format('an OSS invoice for a buyer in %s', country),
  'OSS is for consumers in other countries of the EU: look at the document in inFakt'
from oss_documents where document = 'oss' and (country = 'PL' or not is_in_eu(country) and country <> 'XI')
union all
select
  entity, document, id,
  'amounts that are missing or do not add up',
  format('net %s, tax %s, gross %s: look at the document in inFakt', coalesce(net::text, 'null'), coalesce(tax::text, 'null'),
    coalesce(gross::text, 'null'))
from oss_documents where document = 'oss' and (net + tax = gross) is not true;
