-- Which company of the group owes which.
select
  debt.debtor, debtor.name as debtor_name, debt.creditor, creditor.name as creditor_name, debt.currency, debt.open_amount as owed
from intercompany_debts debt
left join entities debtor on debtor.entity = debt.debtor
left join entities creditor on creditor.entity = debt.creditor
order by debt.currency <> 'PLN', debt.currency, debt.open_amount desc, debt.debtor, debt.creditor;
