import { pageBytes, pageKeys, swept } from './dict-store.js'

/**
 * Tables and functions; `$schema` stands for the schema's name.
 *
 * Each function that changes something locks the row of its dict first, so that it is one step for all others who change the
 * same dict, and versions are told in their order.
 *
 * Invariant: each change takes the next version, and tells it in that order; none is given twice, the row of a dict stays.
 * Invariant: an entry whose end is past is as none for whoever asks, whether it was removed already or not.
 * Invariant: what is refused changes nothing.
 * Invariant: the highest fence that was seen for a key stays when its entry goes.
 */
export const dictSchema = `
create table if not exists $schema.dict_states (
  dict text primary key,
  -- The last one given.
  version bigint not null default 0
) with (fillfactor = 50);

create table if not exists $schema.dict_entries (
  dict text not null,
  -- In UTF-8.
  key bytea not null,
  version bigint not null,
  -- Null: it does not end.
  ends timestamptz,
  value bytea not null,
  primary key (dict, key)
);
create index if not exists dict_entries_ends on $schema.dict_entries (dict, ends) where ends is not null;

create table if not exists $schema.dict_fences (
  dict text not null,
  key bytea not null,
  fence bigint not null,
  primary key (dict, key)
);

create or replace function $schema.dict_open(the_dict text) returns void language plpgsql as $$
begin
  loop
    perform from $schema.dict_states where dict = the_dict for update;
    exit when found;
    insert into $schema.dict_states (dict) values (the_dict) on conflict do nothing;
  end loop;
  delete from $schema.dict_entries where dict = the_dict and key in (
    select key from $schema.dict_entries where dict = the_dict and ends <= clock_timestamp() limit ${swept}
  );
end $$;

create or replace function $schema.dict_tell(the_dict text, the_channel text, message_type text, key_name text)
returns bigint language plpgsql as $$
declare
  next_version bigint;
begin
  update $schema.dict_states set version = version + 1 where dict = the_dict returning version into next_version;
  perform $schema.publish(the_channel, message_type || next_version || ' ' || key_name);
  return next_version;
end $$;

-- Ending: milliseconds, infinity: never, null: as it is.
create or replace function $schema.dict_put(
  the_dict text, the_channel text, the_key bytea, key_name text, the_value bytea, ending float8
) returns bigint language plpgsql as $$
declare
  next_version bigint;
  until timestamptz;
begin
  if ending is null then
    select ends into until from $schema.dict_entries
      where dict = the_dict and key = the_key and ends > clock_timestamp();
  elsif ending <> 'infinity' then
    until := clock_timestamp() + ending * interval '1 millisecond';
  end if;
  next_version := $schema.dict_tell(the_dict, the_channel, 's', key_name);
  insert into $schema.dict_entries (dict, key, version, ends, value) values (the_dict, the_key, next_version, until, the_value)
    on conflict (dict, key) do update set version = excluded.version, ends = excluded.ends, value = excluded.value;
  return next_version;
end $$;

create or replace function $schema.dict_fits(the_dict text, the_key bytea, condition text, the_fence bigint)
returns boolean language plpgsql as $$
declare
  known bigint;
  seen bigint;
begin
  select version into known from $schema.dict_entries
    where dict = the_dict and key = the_key and (ends is null or ends > clock_timestamp());
  if condition = 'absent' then
    if known is not null then return false; end if;
  elsif condition is not null and condition is distinct from known::text then
    return false;
  end if;
  if the_fence is null then return true; end if;
  select fence into seen from $schema.dict_fences where dict = the_dict and key = the_key;
  if the_fence < seen then return false; end if;
  insert into $schema.dict_fences (dict, key, fence) values (the_dict, the_key, the_fence)
    on conflict (dict, key) do update set fence = excluded.fence;
  return true;
end $$;

create or replace function $schema.dict_write(
  the_dict text, the_channel text, the_key bytea, key_name text,
  the_value bytea, ending float8, condition text, the_fence bigint
) returns bigint language plpgsql as $$
begin
  perform $schema.dict_open(the_dict);
  if not $schema.dict_fits(the_dict, the_key, condition, the_fence) then return null; end if;
  return $schema.dict_put(the_dict, the_channel, the_key, key_name, the_value, ending);
end $$;

create or replace function $schema.dict_remove(
  the_dict text, the_channel text, the_key bytea, key_name text, condition text, the_fence bigint
) returns boolean language plpgsql as $$
begin
  perform $schema.dict_open(the_dict);
  if not $schema.dict_fits(the_dict, the_key, condition, the_fence) then return false; end if;
  delete from $schema.dict_entries
    where dict = the_dict and key = the_key and (ends is null or ends > clock_timestamp());
  if not found then return false; end if;
  perform $schema.dict_tell(the_dict, the_channel, 'd', key_name);
  return true;
end $$;

create or replace function $schema.dict_add(
  the_dict text, the_channel text, the_key bytea, key_name text, amount numeric, ending float8,
  out what text, out total numeric
) language plpgsql as $$
declare
  known bytea;
begin
  perform $schema.dict_open(the_dict);
  select value into known from $schema.dict_entries
    where dict = the_dict and key = the_key and (ends is null or ends > clock_timestamp());
  total := amount;
  if known is not null then
    if substring(known from 1 for 1) <> 'n' then
      what := 'no number';
      return;
    end if;
    total := total + encode(substring(known from 2), 'escape')::numeric;
  end if;
  if abs(total) > ${Number.MAX_SAFE_INTEGER} then
    what := 'out of range';
    return;
  end if;
  what := 'sum';
  perform $schema.dict_put(the_dict, the_channel, the_key, key_name, decode('n' || total, 'escape'), ending);
end $$;

create or replace function $schema.dict_clear(the_dict text, the_channel text) returns void language plpgsql as $$
begin
  perform $schema.dict_open(the_dict);
  delete from $schema.dict_entries where dict = the_dict;
  perform $schema.dict_tell(the_dict, the_channel, 'c', '');
end $$;

-- Ends behind the entry with which the values reach the bytes of a page.
create or replace function $schema.dict_page(the_dict text, after_key bytea, with_values boolean)
returns table (found_key bytea, version bigint, left_ms float8, value bytea) language sql volatile as $$
  select key, version, (extract(epoch from ends - clock_timestamp()) * 1000)::float8,
    case when with_values then value else '' end
  from (
    select *, sum(octet_length(value)) over (order by key) - octet_length(value) as bytes_before from (
      select * from $schema.dict_entries
      where dict = the_dict and key > after_key and (ends is null or ends > clock_timestamp())
      order by key limit ${pageKeys}
    ) as listed
  ) as measured
  where not with_values or bytes_before < ${pageBytes} order by key
$$;
`
