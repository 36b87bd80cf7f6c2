-- Amounts in zloty beside those of the document's currency.
--
-- The rate is that of NBP's last table before the earlier of the day that the tax arises and the day of issue (art. 31a ust. 1 and
-- 2 of the VAT act); a correction has the rate of its invoice (art. 31b ust. 1, since 1 July 2023). A collective correction of a
-- discount may have another one (art. 31b ust. 2): inFakt does not tell such corrections apart, nor do these views.
-- A document whose rate is not known has null in zloty, and a line in `to_check`; so has one whose last table before that day is
-- more than a week older, as then the rates were not loaded.

create or replace view sales_documents_pln as
with sales as materialized (
  select * from sales_documents
)
select
  sale.entity, sale.document, sale.id, sale.number, sale.invoice_date, sale.vat_date, sale.currency,
  sale.net, sale.tax, sale.gross,
  basis.day as rate_before,
  table_of_day.day as rate_day,
  case sale.currency when 'PLN' then 1 else table_of_day.rate end as rate,
  table_of_day.table_number,
  round(sale.net * case sale.currency when 'PLN' then 1 else table_of_day.rate end, 2) as net_pln,
  round(sale.tax * case sale.currency when 'PLN' then 1 else table_of_day.rate end, 2) as tax_pln,
  round(sale.gross * case sale.currency when 'PLN' then 1 else table_of_day.rate end, 2) as gross_pln,
  sale.not_income, sale.intercompany, sale.ksef_number, sale.ksef_status
from sales sale
left join sales invoice
  on sale.document = 'correction' and invoice.document = 'invoice' and invoice.entity = sale.entity and invoice.id = sale.invoice_id
cross join lateral (
  select case
    when sale.document = 'correction' then least(invoice.vat_date, invoice.invoice_date)
    else least(sale.vat_date, sale.invoice_date)
  end as day
) basis
left join lateral (
  select last.day, last.rate, last.table_number
  from exchange_rates last
  where sale.currency <> 'PLN' and last.currency = sale.currency and last.day < basis.day and last.day >= basis.day - 7
  order by last.day desc
  limit 1
) table_of_day on true;

-- VAT of each document by symbol of the rate, in its currency and in zloty (art. 106e ust. 11 of the VAT act), each sum rounded to
-- the grosz.
create or replace view vat_pln as
with sums as materialized (
  select entity, document, invoice_id as id, vat_date, currency, tax_symbol, country, sum(net) as net, sum(tax) as tax
  from sales_lines
  group by 1, 2, 3, 4, 5, 6, 7
),
heads as materialized (
  select entity, document, id, rate, ksef_number, ksef_status from sales_documents_pln
)
select
  sums.entity, sums.document, sums.id, sums.vat_date, sums.currency, sums.tax_symbol, sums.country, sums.net, sums.tax,
  round(sums.net * heads.rate, 2) as net_pln,
  round(sums.tax * heads.rate, 2) as tax_pln,
  heads.ksef_number, heads.ksef_status
from sums
join heads on heads.entity = sums.entity and heads.document = sums.document and heads.id = sums.id;

-- VAT in zloty by month of its period; `without_rate` counts the documents that are missing in the sums.
create or replace view vat_pln_by_month as
select
  date_trunc('month', vat_date)::date as month, entity, tax_symbol,
  sum(net_pln) as net_pln, sum(tax_pln) as tax_pln,
  count(distinct (document, id)) filter (where net_pln is null) as without_rate
from vat_pln
group by 1, 2, 3;
