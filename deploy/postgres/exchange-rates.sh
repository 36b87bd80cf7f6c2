#!/usr/bin/env bash
# Loads NBP's average rates of table A into exchange_rates, from its API or from a file that has the API's answer.
# Needs bash, curl, psql and the date of GNU.
set -euo pipefail

usage='usage: exchange-rates.sh FROM TO    two days, 2026-01-01, as far apart as you like
       exchange-rates.sh FILE       what https://api.nbp.pl/api/exchangerates/tables/A/FROM/TO/?format=json answered
psql finds the database by PGHOST, PGDATABASE, PGUSER and so on. NBP_URL is another address for https://api.nbp.pl.'

# One JSON text on standard input: tables of a day with their rates.
load() {
  local tables
  tables=$(cat)
  psql -X -q -v ON_ERROR_STOP=1 -1 -f - <<SQL
create temporary table answer (body jsonb) on commit drop;
copy answer from stdin with (format csv, quote E'\x01', delimiter E'\x02');
$(tr -d '\r\n' <<<"$tables")
\.
insert into exchange_rates (day, currency, rate, table_number)
select (day ->> 'effectiveDate')::date, rate ->> 'code', (rate ->> 'mid')::numeric, day ->> 'no'
from answer, jsonb_array_elements(body) day, jsonb_array_elements(day -> 'rates') rate
on conflict (day, currency) do update set rate = excluded.rate, table_number = excluded.table_number;
SQL
}

case $# in
  1) load <"$1" ;;
  2)
    # The API answers for at most 93 days at a time, and with 404 where no table was published between two days.
    day=$1
    while [[ ! $day > $2 ]]; do
      last=$(date -u -d "$day + 92 days" +%F)
      if [[ $last > $2 ]]; then last=$2; fi
      answer=$(mktemp)
      status=$(curl -sS -o "$answer" -w '%{http_code}' "${NBP_URL:-https://api.nbp.pl}/api/exchangerates/tables/A/$day/$last/?format=json")
      if [[ $status == 200 ]]; then
        load <"$answer"
      elif [[ $status != 404 ]]; then
        echo "NBP's rates from $day to $last: expected status 200 or 404, got $status" >&2
        rm -f "$answer"
        exit 3
      fi
      rm -f "$answer"
      day=$(date -u -d "$last + 1 day" +%F)
    done
    ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
esac
