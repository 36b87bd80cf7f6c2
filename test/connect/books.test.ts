import { makeViews } from '../../tools/example/reports';
import { startPostgres, type LocalPostgres } from '../../tools/postgres';
import { fillBooks, sections } from '../support/books';

let postgres: LocalPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
  await fillBooks(postgres);
});

afterAll(async () => {
  await postgres.stop();
});

test.each(sections.filter(({ sql }) => sql !== undefined))(
  'docs/books-example.md: $title',
  async ({ sql = '', table }) => {
    const columns = table.columns.map((column) => `${column}::text`).join(', ');
    const answer = await postgres.select(`select ${columns} from (${sql}) answer`);
    expect(answer.map((row) => table.columns.map((column) => row[column] ?? ''))).toEqual(
      table.rows.map((row) => row.map((cell) => cell ?? '')),
    );
  },
);

test('the views can be made again over tables that are filled', async () => {
  const before = await postgres.select('select count(*) as findings from to_check');
  await makeViews(postgres);
  expect(await postgres.select('select count(*) as findings from to_check')).toEqual(before);
});
