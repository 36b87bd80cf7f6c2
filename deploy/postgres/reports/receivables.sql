-- Receivables of all entities by currency and age: what is owed today, corrections and part payments subtracted, and for how long.
select
  currency,
  case
    when days_overdue is null then 'no due date'
    when days_overdue <= 0 then 'not due'
    when days_overdue <= 30 then '1-30 days'
    when days_overdue <= 60 then '31-60 days'
    when days_overdue <= 90 then '61-90 days'
    else 'over 90 days'
  end as age,
  count(*) as documents,
  sum(open_amount) as open_amount
from receivables
group by 1, 2
order by 1, min(coalesce(days_overdue, -1000000));
