import { fitted, helpText, painted, pageOf, plainPage } from '../../src/commands/page';

const terminal = { isTTY: true, columns: 100 };

describe('a page', () => {
  test('has the columns of a terminal, and none where there is no terminal', () => {
    expect(pageOf(terminal, {})).toEqual({ columns: 100, hasColour: true });
    expect(pageOf({}, {})).toEqual(plainPage);
    expect(pageOf({ isTTY: true, columns: 3 }, {}).columns).toBe(40);
  });

  test.each([
    ['NO_COLOR', { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', { NO_COLOR: '' }, true],
    ['TERM=dumb', { TERM: 'dumb' }, false],
  ])('with %s %j shows colour: %s', (_, env, hasColour) => {
    expect(pageOf(terminal, env).hasColour).toBe(hasColour);
    expect(painted('red', 'bad', pageOf(terminal, env))).toBe(hasColour ? '\u001b[31mbad\u001b[39m' : 'bad');
  });
});

describe('fitted', () => {
  const text = 'ok   stream invoices alfa: 10 rows from 2020-01-01 to now and beyond, order by id is kept';

  test('breaks a line between words and indents what goes on', () => {
    expect(fitted(text, { columns: 50 }, 5)).toBe(
      'ok   stream invoices alfa: 10 rows from 2020-01-01\n     to now and beyond, order by id is kept',
    );
  });

  test('keeps the indentation of a line, and what no word of fits', () => {
    expect(fitted('  one two three', { columns: 8 })).toBe('  one\n    two\n    three');
    expect(fitted('short\na-word-that-is-longer-than-the-page', { columns: 10 })).toBe(
      'short\na-word-that-is-longer-than-the-page',
    );
  });

  test('leaves lines whole where no terminal shows them, as programs search them', () => {
    expect(fitted(text, plainPage)).toBe(text);
  });

  test('does not count colours', () => {
    const page = { columns: 11, hasColour: true };
    expect(fitted(`${painted('green', 'ok', page)} one two`, page)).toBe('\u001b[32mok\u001b[39m one two');
  });
});

test('a help is filled up to 80 columns, paragraph by paragraph, and what an option does stands beside its name', () => {
  const help = `Usage: infakt-kafka x [options]
       infakt-kafka x --help

One sentence.
Another one, which goes on and on until it does not fit into a line of eighty columns.

Options
  --entity ID        only records of this entity, whatever it may be called in the configuration of the service
  --help             this text
`;
  expect(helpText(help)).toBe(`Usage: infakt-kafka x [options]
       infakt-kafka x --help

One sentence. Another one, which goes on and on until it does not fit into a
line of eighty columns.

Options
  --entity ID        only records of this entity, whatever it may be called in
                     the configuration of the service
  --help             this text
`);
});
