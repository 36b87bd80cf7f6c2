-- Net revenue of each month of the day's year and of the year before, by date of issue; null for a month that has not begun.
with sales as materialized (
  select currency, invoice_date, net from sales_documents where not not_income and currency is not null
),
months as (
  select month from generate_series(1, 12) month
)
select
  currencies.currency, months.month,
  case
    when months.month <= extract(month from $1::date) then coalesce(sum(net) filter (
      where date_trunc('year', invoice_date) = date_trunc('year', $1::date) and invoice_date <= $1::date
    ), 0)
  end as this_year,
  coalesce(sum(net) filter (where extract(year from invoice_date) = extract(year from $1::date) - 1), 0) as last_year
from (select distinct currency from sales) currencies
cross join months
left join sales on sales.currency = currencies.currency and extract(month from sales.invoice_date) = months.month
group by 1, 2
order by currencies.currency <> 'PLN', 1, 2;
