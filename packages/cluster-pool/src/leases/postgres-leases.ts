import { lookMs, patienceMs } from './lease-store.js'

/**
 * Tables and functions; `$schema` stands for the schema's name.
 *
 * Each function that takes part locks the row of its object first, so that it is one step for all others who use that name. A
 * lock is a semaphore of 1.
 *
 * Invariant: the permits of all holders of an object whose end is not past are at most its bound.
 * Invariant: tokens are given in the order of the grants, each one higher than all before. The row of an object stays for ever.
 * Invariant: only the head of the line is granted anything, whatever it asks for: nobody passes it.
 * Invariant: who may go next is told whenever a step has made that so.
 *
 * What may be forgotten in a crash of the server does not wait for its disk: a release, since the lease then just runs out,
 * and a place in the line, since its owner takes a new one. Grants and renewals do wait.
 */
export const leasesSchema = `
create table if not exists $schema.lease_objects (
  object text primary key,
  -- The last ones given.
  token bigint not null default 0,
  ticket bigint not null default 0,
  -- How many permits there are.
  bound int not null
) with (fillfactor = 50);

create table if not exists $schema.lease_owners (
  object text not null,
  -- Of one acquisition.
  id text not null,
  permits int not null,
  -- Null: it waits.
  token bigint,
  -- The place in the line; null: it holds.
  ticket bigint,
  -- Of the lease; of one who waits: until when it must have looked again.
  ends timestamptz not null,
  primary key (object, id)
) with (fillfactor = 50);

create or replace function $schema.lease_time(ms float8) returns timestamptz language sql volatile as $$
  select clock_timestamp() + ms * interval '1 millisecond'
$$;

create or replace function $schema.lease_open(the_object text, the_bound int)
returns $schema.lease_objects language plpgsql as $$
declare
  opened $schema.lease_objects;
begin
  loop
    select * into opened from $schema.lease_objects where object = the_object for update;
    exit when found;
    insert into $schema.lease_objects (object, bound) values (the_object, the_bound) on conflict do nothing;
  end loop;
  delete from $schema.lease_owners where object = the_object and ends <= clock_timestamp();
  return opened;
end $$;

create or replace function $schema.lease_used(the_object text) returns int language sql volatile as $$
  select coalesce(sum(permits), 0)::int from $schema.lease_owners where object = the_object and token is not null
$$;

create or replace function $schema.lease_wake(the_object text, the_channel text, the_bound int)
returns void language plpgsql as $$
declare
  head $schema.lease_owners;
begin
  select * into head from $schema.lease_owners where object = the_object and token is null order by ticket limit 1;
  if found and head.permits <= the_bound - $schema.lease_used(the_object) then
    perform $schema.publish(the_channel, head.id);
  end if;
end $$;

-- One of the three: a token; after how many milliseconds to look again; the bound, which is another one.
create or replace function $schema.lease_ask(
  the_object text, the_channel text, the_id text, the_permits int, the_bound int, lease_ms float8, may_wait boolean,
  out granted bigint, out wait_ms float8, out other_bound int
) language plpgsql as $$
declare
  opened $schema.lease_objects;
  mine $schema.lease_owners;
  head text;
begin
  opened := $schema.lease_open(the_object, the_bound);
  if opened.bound <> the_bound then
    if exists (select from $schema.lease_owners where object = the_object) then
      other_bound := opened.bound;
      perform $schema.lease_wake(the_object, the_channel, opened.bound);
      return;
    end if;
    update $schema.lease_objects set bound = the_bound where object = the_object;
  end if;

  select * into mine from $schema.lease_owners where object = the_object and id = the_id;
  if mine.token is not null then
    granted := mine.token;
    update $schema.lease_owners set ends = $schema.lease_time(lease_ms) where object = the_object and id = the_id;
    perform $schema.lease_wake(the_object, the_channel, the_bound);
    return;
  end if;

  select id into head from $schema.lease_owners where object = the_object and token is null order by ticket limit 1;
  if coalesce(head = the_id, true) and the_permits <= the_bound - $schema.lease_used(the_object) then
    update $schema.lease_objects set token = token + 1 where object = the_object returning token into granted;
    delete from $schema.lease_owners where object = the_object and id = the_id;
    insert into $schema.lease_owners (object, id, permits, token, ends)
      values (the_object, the_id, the_permits, granted, $schema.lease_time(lease_ms));
    perform $schema.lease_wake(the_object, the_channel, the_bound);
    return;
  end if;

  perform set_config('synchronous_commit', 'off', true);
  if may_wait and mine.id is not null then
    update $schema.lease_owners set ends = $schema.lease_time(${patienceMs}) where object = the_object and id = the_id;
  elsif may_wait then
    update $schema.lease_objects set ticket = ticket + 1 where object = the_object returning * into opened;
    insert into $schema.lease_owners (object, id, permits, ticket, ends)
      values (the_object, the_id, the_permits, opened.ticket, $schema.lease_time(${patienceMs}));
  end if;
  wait_ms := ${lookMs};
  if coalesce(head = the_id, true) then
    select extract(epoch from min(ends) - clock_timestamp()) * 1000 into wait_ms
      from $schema.lease_owners where object = the_object and token is not null;
  else
    perform $schema.lease_wake(the_object, the_channel, the_bound);
  end if;
end $$;

create or replace function $schema.lease_renew(the_object text, the_channel text, the_id text, the_bound int, lease_ms float8)
returns boolean language plpgsql as $$
declare
  opened $schema.lease_objects;
begin
  opened := $schema.lease_open(the_object, the_bound);
  perform $schema.lease_wake(the_object, the_channel, opened.bound);
  update $schema.lease_owners set ends = $schema.lease_time(lease_ms)
    where object = the_object and id = the_id and token is not null;
  return found;
end $$;

create or replace function $schema.lease_release(the_object text, the_channel text, the_id text, the_bound int)
returns void language plpgsql as $$
declare
  opened $schema.lease_objects;
begin
  perform set_config('synchronous_commit', 'off', true);
  opened := $schema.lease_open(the_object, the_bound);
  delete from $schema.lease_owners where object = the_object and id = the_id;
  perform $schema.lease_wake(the_object, the_channel, opened.bound);
end $$;

-- Only looks: what has ended is not counted, and left for others to remove.
create or replace function $schema.lease_state(the_object text, out used int, out known_bound int, out waiters int)
language plpgsql as $$
begin
  select coalesce(sum(permits) filter (where token is not null), 0), count(*) filter (where token is null)
    into used, waiters from $schema.lease_owners where object = the_object and ends > clock_timestamp();
  select bound into known_bound from $schema.lease_objects where object = the_object;
end $$;
`
