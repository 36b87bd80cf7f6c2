-- Revenue by month of issue, entity and currency, the latest month first, corrections subtracted, sales that are no
-- income left out; `margin_gross` is what of `gross` was sold under a margin procedure, which has neither net nor VAT.
select
  to_char(invoice_date, 'YYYY-MM') as month,
  entity,
  currency,
  count(*) as documents,
  coalesce(sum(net), 0) as net,
  coalesce(sum(tax), 0) as tax,
  sum(gross) as gross,
  coalesce(sum(gross) filter (where document = 'margin'), 0) as margin_gross
from sales_documents
where not not_income
group by 1, 2, 3
order by 1 desc nulls last, 2, 3;
