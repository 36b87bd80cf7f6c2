-- Revenue by month of issue, entity and currency, the latest month first, corrections subtracted, sales that are no
-- income left out.
select
  to_char(invoice_date, 'YYYY-MM') as month,
  entity,
  currency,
  count(*) as documents,
  sum(net) as net,
  sum(tax) as tax,
  sum(gross) as gross
from sales_documents
where not not_income
group by 1, 2, 3
order by 1 desc nulls last, 2, 3;
