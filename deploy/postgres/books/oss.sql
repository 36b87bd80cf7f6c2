-- Sales under the One Stop Shop (OSS): to consumers in other countries of the EU, with the VAT of the buyer's country.
--
-- They are revenue, and in no other view of the books: their VAT is not Polish, their rows do not say whether they were paid, and
-- inFakt sends none of them to KSeF. They are not in `revenue_by_month` and `group_revenue` either, whose sums have the corrections
-- subtracted, which cannot be done here.

-- OSS invoices ('oss') and their corrections ('oss-correction'). `day` decides the quarter: the day of the service or delivery, or
-- else that of issue.
--
-- inFakt does not say whether the totals of a correction are the difference that it makes: in its examples they are that once, and
-- once the sum of the lines before and after. They stand here as inFakt says them, so a sum over both kinds means nothing.
create or replace view oss_documents as
with documents as (
  select
    'oss' as document, entity, id, number, country, client_name, client_first_name, client_last_name, service_date, issue_date,
    currency, net_price, tax_price, gross_price,
    null::text as corrected_number, null::date as corrected_date, null::text as correction_reason, observed_at
  from oss_invoices
  union all
  select
    'oss-correction', entity, id, number, country, client_name, client_first_name, client_last_name, service_date, issue_date,
    currency, net_price, tax_price, gross_price,
    corrected_invoice_number, corrected_invoice_date, correction_reason, observed_at
  from corrective_oss_invoices
)
select
  entity, document, id, number, issue_date, service_date, coalesce(service_date, issue_date) as day,
  upper(nullif(btrim(country), '')) as country, currency,
  coalesce(nullif(btrim(client_name), ''), nullif(concat_ws(' ', client_first_name, client_last_name), '')) as client_name,
  (net_price / 100.00)::numeric(20, 2) as net,
  (tax_price / 100.00)::numeric(20, 2) as tax,
  (gross_price / 100.00)::numeric(20, 2) as gross,
  corrected_number, corrected_date, correction_reason, observed_at
from documents;

-- What the OSS return is made of, which is quarterly and by country of the buyer. `net`, `tax` and `gross` are those of OSS invoices
-- alone, no correction subtracted or added. The corrections of the same quarter, country and currency stand beside them, with their
-- totals as inFakt says them; each is in `to_check`.
create or replace view oss_by_quarter as
select
  date_trunc('quarter', day)::date as quarter, entity, country, currency,
  count(*) filter (where document = 'oss') as documents,
  coalesce(sum(net) filter (where document = 'oss'), 0) as net,
  coalesce(sum(tax) filter (where document = 'oss'), 0) as tax,
  coalesce(sum(gross) filter (where document = 'oss'), 0) as gross,
  count(*) filter (where document = 'oss-correction') as corrections,
  coalesce(sum(net) filter (where document = 'oss-correction'), 0) as corrections_net,
  coalesce(sum(tax) filter (where document = 'oss-correction'), 0) as corrections_tax,
  coalesce(sum(gross) filter (where document = 'oss-correction'), 0) as corrections_gross
from oss_documents
group by 1, 2, 3, 4;
