-- The first five hundred findings that a person must look at; `findings` is how many there are in all.
select
  finding.entity, company.name, finding.document, finding.id, head.number, finding.what, finding.what_to_do,
  count(*) over () as findings
from to_check finding
left join entities company on company.entity = finding.entity
left join (
  select entity, 'invoice' as document, id, number from invoices
  union all
  select entity, 'correction', id, number from corrective_invoices
  union all
  select entity, 'advance', id, number from advance_invoices
  union all
  select entity, 'final', id, number from final_invoices
  union all
  select entity, 'margin', id, number from margin_invoices
  union all
  select entity, document, id, number from oss_documents
) head on head.entity = finding.entity and head.document = finding.document and head.id = finding.id
order by finding.entity, finding.document desc nulls first, finding.id, finding.what
limit 500;
