import { loadSchema, schemaNames } from '../../../src/sinks/avro';
import { recordsOf, type RecordOutline } from '../../../tools/docs/schema';
import { renderTopicsPage } from '../../../tools/docs/topics-page';

const page = renderTopicsPage();
const records = schemaNames()
  .filter((name) => !name.endsWith('-key') && name !== 'ledger-block')
  .flatMap((name) => recordsOf(loadSchema(name)));

/** The fields that a reader of the page finds for a record, those of the record that the page refers to included. */
function fieldsOnPage(record: string): Set<string> {
  const begin = new RegExp(`^(?:Each element \`infakt\\.${record}\`|.*Value: \\[\`infakt\\.${record}\`)`, 'm');
  const [, text = ''] = page.split(begin);
  const [own = ''] = text.split(/^(?:Each element |## )/m);
  const [, base, without = ''] = /fields of `infakt\.(\w+)`(?: without (.*))?, about/.exec(own) ?? [];
  const fields = base === undefined ? new Set<string>() : fieldsOnPage(base);
  for (const name of namesIn(without)) fields.delete(name);
  for (const [, name = ''] of own.matchAll(/^\| `(\w+)` \|/gm)) fields.add(name);
  return fields;
}

function namesIn(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
}

test.each(records.map((record): [string, RecordOutline] => [record.name, record]))(
  'the topics page has every field of %s and no other, also where it refers to an earlier record',
  (name, { fields }) => {
    expect([...fieldsOnPage(name)].sort()).toEqual(fields.map((field) => field.name).sort());
  },
);

test('a correction repeats no field that means the same in an invoice, and has those that differ', () => {
  const [, after = ''] = page.split(/^## `<prefix>\.corrective-invoices`/m);
  const [corrections = ''] = after.split(/^## /m);
  expect(corrections).toContain("| `id` | long, never null, strict | The correction's integer id");
  expect(corrections).not.toContain('`client_street`');
});
