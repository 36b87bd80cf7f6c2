-- The ten clients that brought most net revenue this year, in each currency.
select * from (
  select
    coalesce(max(client_name), client_key) as client,
    currency,
    bool_or(intercompany) as intercompany,
    count(distinct entity) as companies,
    coalesce(sum(net) filter (where invoice_date >= date_trunc('year', $1::date)), 0) as this_year,
    coalesce(sum(net) filter (where invoice_date <= $1::date - interval '1 year'), 0) as last_year,
    row_number() over (
      partition by currency
      order by sum(net) filter (where invoice_date >= date_trunc('year', $1::date)) desc nulls last, client_key
    ) as place
  from sales_documents
  where not not_income and currency is not null
    and invoice_date >= date_trunc('year', $1::date) - interval '1 year' and invoice_date <= $1::date
  group by client_key, currency
) clients
where this_year > 0 and place <= 10
order by currency <> 'PLN', currency, place;
