-- Revenue and VAT by month, and what of it stays within the group.

-- Net revenue by month of issue (basis 'issue') and by the month in which income counts (basis 'sale'), corrections subtracted,
-- documents that are no income left out. What was sold under a margin procedure is in `gross` and in neither net nor VAT;
-- `margin_gross` says how much of `gross` that is.
create or replace view revenue_by_month as
select
  basis, date_trunc('month', day)::date as month, entity, currency,
  count(*) as documents, coalesce(sum(net), 0) as net, coalesce(sum(tax), 0) as tax, sum(gross) as gross,
  coalesce(sum(gross) filter (where document = 'margin'), 0) as margin_gross
from (
  select 'issue' as basis, invoice_date as day, entity, document, currency, net, tax, gross from sales_documents where not not_income
  union all
  select 'sale', income_date, entity, document, currency, net, tax, gross from sales_documents where not not_income
) based
group by 1, 2, 3, 4;

-- VAT by month of its period and by symbol of the rate: np, oo, zw and the rates each stand alone, and so do buyers in Poland, in
-- the rest of the EU and elsewhere. Without a month: what is due with a payment that has not come.
create or replace view vat_by_month as
select
  date_trunc('month', vat_date)::date as month, entity, currency, tax_symbol,
  case
    when upper(coalesce(nullif(btrim(country), ''), 'PL')) = 'PL' then 'PL'
    when is_in_eu(country) then 'EU'
    else 'elsewhere'
  end as buyer,
  sum(net) as net, sum(tax) as tax
from sales_lines
group by 1, 2, 3, 4, 5;

-- Revenue of the group by month of issue: what its companies sold to each other goes out once for all. What was sold under a margin
-- procedure has no net: its gross stands apart.
create or replace view group_revenue as
select
  date_trunc('month', invoice_date)::date as month, currency,
  coalesce(sum(net), 0) as net_before_elimination,
  coalesce(sum(net) filter (where intercompany), 0) as intercompany,
  coalesce(sum(net) filter (where not intercompany), 0) as net_after_elimination,
  coalesce(sum(gross) filter (where document = 'margin'), 0) as margin_gross_before_elimination,
  coalesce(sum(gross) filter (where document = 'margin' and not intercompany), 0) as margin_gross_after_elimination
from sales_documents
where not not_income
group by 1, 2;

-- What is owed to the group, and what the group is to give back, before and after its companies' debts to each other.
create or replace view group_balances as
with owed as materialized (
  select currency, open_amount, intercompany from receivables
)
select
  currency,
  sum(receivable) as receivables_before_elimination,
  sum(receivable) filter (where not intercompany) as receivables_after_elimination,
  sum(credit) as debts_before_elimination,
  sum(credit) filter (where not intercompany) as debts_after_elimination
from (
  select currency, open_amount as receivable, 0.00 as credit, intercompany from owed
  union all
  select currency, 0.00, amount, intercompany from credits
  union all
  -- What a company is owed by another of the group is the other's debt.
  select currency, 0.00, open_amount, true from owed where intercompany
) balances
group by 1;

-- Which company of the group owes which, by currency.
create or replace view intercompany_debts as
select
  (select min(company.entity) from entities company where nip(company.nip) = nip(owed.client_tax_code)) as debtor,
  owed.entity as creditor,
  owed.currency,
  sum(owed.open_amount) as open_amount
from receivables owed
where owed.intercompany
group by 1, 2, 3;
