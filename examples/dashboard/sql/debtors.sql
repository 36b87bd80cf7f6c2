-- The ten clients that are late with most, in each currency.
select * from (
  select
    coalesce(max(client_name), client_key) as client,
    currency,
    count(*) filter (where days_overdue > 0) as documents,
    coalesce(sum(open_amount) filter (where days_overdue > 0), 0) as overdue,
    sum(open_amount) as owed,
    max(days_overdue) as longest,
    bool_or(intercompany) as intercompany,
    row_number() over (
      partition by currency order by sum(open_amount) filter (where days_overdue > 0) desc nulls last, client_key
    ) as place
  from receivables_as_of($1::date)
  group by client_key, currency
) clients
where overdue > 0 and place <= 10
order by currency <> 'PLN', currency, place;
