-- Net revenue of each company this year up to the day, and up to the same day of the year before; a row without an entity is the
-- sum of a currency.
select
  sale.entity,
  case when grouping(sale.entity) = 0 then max(company.name) end as name,
  sale.currency,
  coalesce(sum(net) filter (where invoice_date >= date_trunc('month', $1::date)), 0) as this_month,
  coalesce(sum(net) filter (where invoice_date >= date_trunc('year', $1::date)), 0) as this_year,
  coalesce(sum(net) filter (where invoice_date <= $1::date - interval '1 year'), 0) as last_year
from sales_documents sale
left join entities company on company.entity = sale.entity
where not not_income and currency is not null
  and invoice_date >= date_trunc('year', $1::date) - interval '1 year' and invoice_date <= $1::date
group by grouping sets ((sale.entity, sale.currency), (sale.currency))
order by sale.currency <> 'PLN', sale.currency, sale.entity is null, this_year desc, sale.entity;
