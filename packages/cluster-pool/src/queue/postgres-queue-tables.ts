import { memoryMs, patienceMs } from './queue-store.js'

/** Tables, and the functions that those of the steps are made of; `$schema` stands for the schema's name. */
export const queueTables = `
create table if not exists $schema.queues (
  name text primary key,
  closed boolean not null default false,
  inside bigint not null default 0
) with (fillfactor = 50);

create table if not exists $schema.queue_items (
  id bigint generated always as identity,
  queue text not null,
  body bytea not null,
  attempts int not null default 0,
  token text,
  ends timestamptz,
  dead boolean not null default false,
  primary key (queue, id)
);
create index if not exists queue_items_waiting on $schema.queue_items (queue, id) where token is null and not dead;
create index if not exists queue_items_back on $schema.queue_items (queue, attempts)
  where token is null and not dead and attempts > 0;
create index if not exists queue_items_claimed on $schema.queue_items (queue, ends) where token is not null;
create index if not exists queue_items_dead on $schema.queue_items (queue, id) where dead;

create unlogged table if not exists $schema.queue_waiters (
  queue text not null,
  kind text not null,
  channel text not null,
  tag text not null,
  looked timestamptz not null,
  primary key (queue, kind, tag)
);

create table if not exists $schema.queue_requests (
  queue text not null,
  client text not null,
  kind text not null,
  number bigint not null,
  answer text not null,
  at timestamptz not null,
  primary key (queue, client, kind)
) with (fillfactor = 50);

create or replace function $schema.queue_wake(p_queue text, p_kind text, p_count bigint) returns void
language plpgsql as $$
declare
  told record;
begin
  if p_count <= 0 then return; end if;
  for told in
    delete from $schema.queue_waiters w where w.queue = p_queue and w.kind = p_kind and w.tag in (
      select n.tag from $schema.queue_waiters n
      where n.queue = p_queue and n.kind = p_kind and n.looked > clock_timestamp() - interval '${patienceMs} milliseconds'
      order by n.looked limit p_count
    ) returning w.channel, w.tag
  loop
    perform $schema.publish(told.channel, told.tag);
  end loop;
end $$;

create or replace function $schema.queue_wait(p_queue text, p_kind text, p_channel text, p_tag text) returns void
language plpgsql as $$
begin
  insert into $schema.queue_waiters values (p_queue, p_kind, p_channel, p_tag, clock_timestamp())
    on conflict (queue, kind, tag) do update set looked = excluded.looked;
  delete from $schema.queue_waiters where queue = p_queue
    and looked < clock_timestamp() - interval '${20 * patienceMs} milliseconds';
end $$;

-- Locks the queue, and takes back what its holders have not renewed.
create or replace function $schema.queue_enter(p_queue text) returns $schema.queues language plpgsql as $$
declare
  q $schema.queues;
  reaped bigint;
begin
  loop
    select * into q from $schema.queues where name = p_queue for update;
    exit when found;
    insert into $schema.queues (name) values (p_queue) on conflict (name) do nothing;
  end loop;
  update $schema.queue_items set token = null, ends = null
    where queue = p_queue and token is not null and ends <= clock_timestamp();
  get diagnostics reaped = row_count;
  perform $schema.queue_wake(p_queue, 'getter', reaped);
  return q;
end $$;

-- After something has left the queue.
create or replace function $schema.queue_freed(q $schema.queues, p_count bigint) returns $schema.queues
language plpgsql as $$
begin
  if p_count = 0 then return q; end if;
  update $schema.queues set inside = inside - p_count where name = q.name returning * into q;
  perform $schema.queue_wake(q.name, 'putter', p_count);
  if q.closed and q.inside = 0 then perform $schema.queue_wake(q.name, 'getter', 1000000); end if;
  return q;
end $$;

create or replace function $schema.queue_remember(p_queue text, p_client text, p_kind text, p_number bigint, p_answer text)
returns void language plpgsql as $$
begin
  update $schema.queue_requests set number = p_number, answer = p_answer, at = clock_timestamp()
    where queue = p_queue and client = p_client and kind = p_kind;
  if found then return; end if;
  insert into $schema.queue_requests values (p_queue, p_client, p_kind, p_number, p_answer, clock_timestamp());
  delete from $schema.queue_requests where queue = p_queue and at < clock_timestamp() - interval '${memoryMs} milliseconds';
end $$;

-- The places, from 0 on, of those of the claims that are not held.
create or replace function $schema.queue_refused(p_queue text, p_ids bigint[], p_tokens text[]) returns text
language sql as $$
  select coalesce(string_agg((c.place - 1)::text, ' ' order by c.place), '')
  from unnest(p_ids, p_tokens) with ordinality as c (id, token, place)
  where not exists (select from $schema.queue_items i where i.queue = p_queue and i.id = c.id and i.token = c.token)
$$;
`
