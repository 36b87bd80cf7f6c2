-- Net revenue of the group in the twelve months up to the day's, before and after what its companies sold to each other.
with revenue as materialized (
  select * from group_revenue
  where currency is not null and month > date_trunc('month', $1::date) - interval '12 months' and month <= $1::date
)
select
  to_char(months.month, 'YYYY-MM') as month,
  currencies.currency,
  coalesce(net_before_elimination, 0) as before,
  coalesce(intercompany, 0) as intercompany,
  coalesce(net_after_elimination, 0) as after
from (select distinct currency from revenue) currencies
cross join generate_series(
  date_trunc('month', $1::date) - interval '11 months', date_trunc('month', $1::date), interval '1 month'
) as months (month)
left join revenue on revenue.currency = currencies.currency and revenue.month = months.month::date
order by currencies.currency <> 'PLN', currencies.currency, months.month;
