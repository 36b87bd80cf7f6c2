-- VAT by month of its period, entity, currency and rate, corrections subtracted in the month that the law puts them in.
-- Sales that are no income have VAT too; that of advance and final invoices is not by rate, and that of a margin is not here. Without a month: what is due with a payment that has not come.
select
  to_char(vat_date, 'YYYY-MM') as month,
  entity,
  currency,
  tax_symbol as rate,
  sum(net) as net,
  sum(tax) as tax
from sales_lines
group by 1, 2, 3, 4
order by 1 desc nulls last, 2, 3, 4;
