-- Documents that were paid in the seven days up to the day, the latest twenty-five in each currency; `total` and `documents` are
-- those of all.
select * from (
  select
    sale.entity, company.name, sale.document, sale.id, sale.number, coalesce(sale.client_name, sale.client_key) as client,
    sale.currency, sale.paid_date, sale.gross as amount,
    sum(sale.gross) over (partition by sale.currency) as total,
    count(*) over (partition by sale.currency) as documents,
    row_number() over (partition by sale.currency order by sale.paid_date desc, sale.gross desc, sale.entity, sale.id) as place
  from sales_documents sale
  left join entities company on company.entity = sale.entity
  where sale.paid_date between $1::date - 6 and $1::date
) paid
where place <= 25
order by currency <> 'PLN', currency, place;
