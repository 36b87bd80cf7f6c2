-- Documents that were paid in the seven days up to the day, the latest first.
select
  sale.entity, company.name, sale.document, sale.id, sale.number, coalesce(sale.client_name, sale.client_key) as client, sale.currency, sale.paid_date,
  sale.gross as amount,
  sum(sale.gross) over (partition by sale.currency) as total,
  count(*) over (partition by sale.currency) as documents
from sales_documents sale
left join entities company on company.entity = sale.entity
where sale.paid_date between $1::date - 6 and $1::date
order by sale.currency <> 'PLN', sale.currency, sale.paid_date desc, sale.gross desc, sale.entity, sale.id;
