-- What each company is owed, by how long it is overdue; a row without an entity is the sum of a currency.
select
  owed.entity,
  case when grouping(owed.entity) = 0 then max(company.name) end as name,
  owed.currency,
  count(*) as documents,
  coalesce(sum(open_amount) filter (where days_overdue <= 0), 0) as not_due,
  coalesce(sum(open_amount) filter (where days_overdue between 1 and 30), 0) as days_1_30,
  coalesce(sum(open_amount) filter (where days_overdue between 31 and 60), 0) as days_31_60,
  coalesce(sum(open_amount) filter (where days_overdue between 61 and 90), 0) as days_61_90,
  coalesce(sum(open_amount) filter (where days_overdue > 90), 0) as over_90,
  coalesce(sum(open_amount) filter (where days_overdue is null), 0) as no_due_date,
  coalesce(sum(open_amount) filter (where days_overdue > 0), 0) as overdue,
  greatest(max(days_overdue), 0) as longest,
  sum(open_amount) as owed
from receivables_as_of($1::date) owed
left join entities company on company.entity = owed.entity
group by grouping sets ((owed.entity, owed.currency), (owed.currency))
order by owed.currency <> 'PLN', owed.currency, owed.entity is null, sum(open_amount) desc, owed.entity;
