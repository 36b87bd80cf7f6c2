-- What is to be given back to clients.
select
  credit.entity, company.name, credit.document, credit.id, credit.number, coalesce(credit.client_name, credit.client_key) as client, credit.currency,
  credit.amount, credit.why,
  sum(credit.amount) over (partition by credit.currency) as total
from credits credit
left join entities company on company.entity = credit.entity
order by credit.currency <> 'PLN', credit.currency, credit.amount desc, credit.entity, credit.id;
