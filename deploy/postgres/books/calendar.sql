-- Working days in Poland.

-- Easter Sunday of a year, by the Gregorian computus (Meeus, Jones and Butcher).
create or replace function easter(year integer) returns date language sql immutable strict parallel safe as $$
  select make_date(year, (h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1)
  from (select year % 19 as a, year / 100 as b, year % 100 as c) one
  cross join lateral (select (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30 as h) two
  cross join lateral (select (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7 as l) three
  cross join lateral (select (a + 11 * h + 22 * l) / 451 as m) four
$$;

-- Public holidays of a year. Source: ustawa z 18 stycznia 1951 r. o dniach wolnych od pracy, art. 1; Epiphany since 2011,
-- Christmas Eve since 2025 (Dz.U. 2024 poz. 1965), 12 November in 2018 alone (Dz.U. 2018 poz. 2117).
create or replace function polish_holidays(year integer) returns table (day date, name text)
language sql immutable strict parallel safe as $$
  select holiday.day, holiday.name
  from (
    values
      (make_date(year, 1, 1), 'Nowy Rok', 0),
      (make_date(year, 1, 6), 'Trzech Króli', 2011),
      (easter(year), 'Wielkanoc', 0),
      (easter(year) + 1, 'Poniedziałek Wielkanocny', 0),
      (make_date(year, 5, 1), 'Święto Państwowe', 0),
      (make_date(year, 5, 3), 'Święto Narodowe Trzeciego Maja', 0),
      (easter(year) + 49, 'Zielone Świątki', 0),
      (easter(year) + 60, 'Boże Ciało', 0),
      (make_date(year, 8, 15), 'Wniebowzięcie Najświętszej Maryi Panny', 0),
      (make_date(year, 11, 1), 'Wszystkich Świętych', 0),
      (make_date(year, 11, 11), 'Narodowe Święto Niepodległości', 0),
      (make_date(year, 12, 24), 'Wigilia Bożego Narodzenia', 2025),
      (make_date(year, 12, 25), 'Boże Narodzenie', 0),
      (make_date(year, 12, 26), 'Boże Narodzenie, drugi dzień', 0)
  ) as holiday (day, name, since)
  where year >= holiday.since
  union all
  select date '2018-11-12', 'Święto Narodowe z okazji Setnej Rocznicy Odzyskania Niepodległości' where year = 2018
$$;

-- Neither a Saturday nor a Sunday nor a public holiday.
create or replace function is_working_day(day date) returns boolean language plpgsql immutable strict parallel safe as $$
begin
  return extract(isodow from day) < 6
    and not exists (select from polish_holidays(extract(year from $1)::integer) holiday where holiday.day = $1);
end
$$;

-- The day itself if it is a working day, else the next one: where a term ends that would end on that day.
-- Source: art. 115 of the Civil Code (Kodeks cywilny).
create or replace function next_working_day(day date) returns date language plpgsql immutable strict parallel safe as $$
begin
  while not is_working_day(day) loop
    day := day + 1;
  end loop;
  return day;
end
$$;

-- The last working day before a day.
create or replace function working_day_before(day date) returns date language plpgsql immutable strict parallel safe as $$
begin
  loop
    day := day - 1;
    exit when is_working_day(day);
  end loop;
  return day;
end
$$;
