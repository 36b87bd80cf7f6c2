-- Who is who: tax numbers as people write them, one client out of several companies' lists, companies of the group.

-- The ten digits of a Polish tax number (NIP) however it is written; null if it is none, as its check digit tells.
create or replace function nip(written text) returns text language plpgsql immutable strict parallel safe as $$
declare
  digits text := regexp_replace(upper(written), '[^0-9A-Z]|^\W*PL', '', 'g');
  weights constant integer[] := array[6, 5, 7, 2, 3, 4, 5, 6, 7];
  sum integer := 0;
begin
  if digits !~ '^[0-9]{10}$' then return null; end if;
  for place in 1..9 loop
    sum := sum + weights[place] * substr(digits, place, 1)::integer;
  end loop;
  return case when sum % 11 = substr(digits, 10, 1)::integer then digits end;
end
$$;

-- What makes two clients one: the Polish NIP, or a foreign tax number with its country. A client without either stays apart,
-- by entity and id.
create or replace function client_key(tax_code text, country text, entity text, id bigint) returns text
language plpgsql immutable parallel safe as $$
declare
  code text := regexp_replace(upper(coalesce(tax_code, '')), '[^0-9A-Z]', '', 'g');
  land text := upper(coalesce(nullif(btrim(country), ''), 'PL'));
  own_nip text := nip(tax_code);
begin
  return case
    when own_nip is not null and (land = 'PL' or code like 'PL%') then 'PL' || own_nip
    when code ~ '^[A-Z]{2}[0-9A-Z]*[0-9]' and length(code) > 6 and code not like 'PL%' then code
    when land <> 'PL' and length(code) > 4 then land || code
    else concat_ws(' ', entity, coalesce(id::text, 'without a client'))
  end;
end
$$;

-- Whether a country is in the EU, by its code of two letters; null if no country is named. Greece is GR, or EL as in tax numbers.
create or replace function is_in_eu(country text) returns boolean language sql immutable strict parallel safe as $$
  select upper(btrim(country)) in (
    'AT', 'BE', 'BG', 'CY', 'CZ', 'DE', 'DK', 'EE', 'EL', 'ES', 'FI', 'FR', 'GR', 'HR', 'HU', 'IE', 'IT', 'LT', 'LU', 'LV',
    'MT', 'NL', 'PL', 'PT', 'RO', 'SE', 'SI', 'SK'
  )
$$;
