-- Who is who: tax numbers as people write them, one client out of several companies' lists, companies of the group.

-- The ten digits of a Polish tax number (NIP) however it is written; null if it is none, as its check digit tells.
create or replace function nip(written text) returns text language sql immutable strict parallel safe as $$
  select digits
  from (select regexp_replace(upper(written), '[^0-9A-Z]|^\W*PL', '', 'g') as digits) plain
  where digits ~ '^[0-9]{10}$'
    and (
      select sum(substr(digits, place::integer, 1)::integer * weight)
      from unnest(array[6, 5, 7, 2, 3, 4, 5, 6, 7]) with ordinality as weights (weight, place)
    ) % 11 = substr(digits, 10, 1)::integer
$$;

-- What makes two clients one: the Polish NIP, or a foreign tax number with its country. A client without either stays apart,
-- by entity and id.
create or replace function client_key(tax_code text, country text, entity text, id bigint) returns text
language sql immutable parallel safe as $$
  select case
    when own_nip is not null and (country = 'PL' or code like 'PL%') then 'PL' || own_nip
    when code ~ '^[A-Z]{2}[0-9A-Z]*[0-9]' and length(code) > 6 and code not like 'PL%' then code
    when country <> 'PL' and length(code) > 4 then country || code
    else concat_ws(' ', entity, coalesce(id::text, 'without a client'))
  end
  from (
    select
      nip(tax_code) as own_nip,
      regexp_replace(upper(coalesce(tax_code, '')), '[^0-9A-Z]', '', 'g') as code,
      upper(coalesce(nullif(btrim(country), ''), 'PL')) as country
  ) plain
$$;
