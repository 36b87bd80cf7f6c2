-- What is owed to the group and what it is to give back, before and after its companies' debts to each other.
select
  currency,
  coalesce(receivables_before_elimination, 0) as receivables_before,
  coalesce(receivables_after_elimination, 0) as receivables_after,
  coalesce(debts_before_elimination, 0) as debts_before,
  coalesce(debts_after_elimination, 0) as debts_after
from group_balances
order by currency <> 'PLN', currency;
