-- Sales by kind of document and currency, sales that are no income too: what counts of each kind, so that all kinds together are what
-- was sold but for OSS (`oss_by_quarter`), every zloty of an order once. A margin has neither net nor VAT.
select
  document as kind,
  currency,
  count(*) as documents,
  coalesce(sum(net), 0) as net,
  coalesce(sum(tax), 0) as tax,
  sum(gross) as gross
from sales_documents
group by 1, 2
order by 1, 2;
