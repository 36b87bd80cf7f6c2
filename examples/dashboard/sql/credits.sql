-- What is to be given back to clients, the largest twenty-five amounts in each currency; `total` and `documents` are those of all.
select * from (
  select
    credit.entity, company.name, credit.document, credit.id, credit.number,
    coalesce(credit.client_name, credit.client_key) as client, credit.currency, credit.amount, credit.why,
    sum(credit.amount) over (partition by credit.currency) as total,
    count(*) over (partition by credit.currency) as documents,
    row_number() over (partition by credit.currency order by credit.amount desc, credit.entity, credit.id) as place
  from credits credit
  left join entities company on company.entity = credit.entity
) owed_back
where place <= 25
order by currency <> 'PLN', currency, place;
