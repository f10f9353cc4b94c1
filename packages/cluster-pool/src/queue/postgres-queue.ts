import { queueTables } from './postgres-queue-tables.js'

/*
 * Each function is one step for all others: it locks the row of its queue first.
 *
 * Invariant: an item is waiting (no token), claimed (a token, and when the claim ends) or a dead letter.
 * Invariant: `inside` is the number of items that are waiting or claimed.
 * Invariant: ids grow in the order of the puts of one queue, since they are drawn under its lock, and an item keeps its own.
 * Invariant: whoever is in queue_waiters has looked when there was nothing, or no room; for each item or place that has come
 * since, one was told and taken out.
 *
 * What nobody relies on does not wait for the disk: a claim of nothing, what is given back, that somebody waits no more.
 */

const steps = `
-- How many were put; -1: it is closed.
create or replace function $schema.queue_put(
  p_queue text, p_client text, p_number bigint, p_bodies bytea[], p_capacity bigint, p_channel text
) returns bigint language plpgsql as $$
declare
  q $schema.queues;
  done $schema.queue_requests;
  count bigint := cardinality(p_bodies);
  room bigint := count;
begin
  q := $schema.queue_enter(p_queue);
  select * into done from $schema.queue_requests where queue = p_queue and client = p_client and kind = 'put';
  if done.number >= p_number then return done.answer::bigint; end if;
  if q.closed then return -1; end if;
  if p_capacity is not null then room := greatest(0, least(count, p_capacity - q.inside)); end if;
  if room > 0 then
    insert into $schema.queue_items (queue, body)
      select p_queue, b.body from unnest(p_bodies[1:room]) with ordinality as b (body, place) order by b.place;
    update $schema.queues set inside = inside + room where name = p_queue;
    perform $schema.queue_remember(p_queue, p_client, 'put', p_number, room::text);
    perform $schema.queue_wake(p_queue, 'getter', room);
  end if;
  if p_channel is not null then
    if room < count then perform $schema.queue_wait(p_queue, 'putter', p_channel, p_client);
    else delete from $schema.queue_waiters where queue = p_queue and kind = 'putter' and tag = p_client;
    end if;
  end if;
  return room;
end $$;

-- First a row without an id: whether it is over, and the milliseconds until the next claim ends. Then the items.
create or replace function $schema.queue_claim(
  p_queue text, p_client text, p_number bigint, p_most bigint, p_lease double precision, p_deliveries bigint, p_channel text
) returns table (id bigint, attempts int, body bytea, is_over boolean, next_end double precision) language plpgsql as $$
#variable_conflict use_column
declare
  q $schema.queues;
  own text := p_client || ':' || p_number;
  died bigint;
  taken bigint;
begin
  q := $schema.queue_enter(p_queue);
  if exists (
    select from $schema.queue_requests where queue = p_queue and client = p_client and kind = 'claim' and number = p_number
  ) then
    -- Its answer was lost. What has ended since is not its own any more.
    return query select null::bigint, null::int, null::bytea, false, null::double precision;
    return query select i.id, i.attempts, i.body, null::boolean, null::double precision
      from $schema.queue_items i where i.queue = p_queue and i.token = own order by i.id;
    return;
  end if;
  update $schema.queue_items i
    set token = own, attempts = i.attempts + 1, ends = clock_timestamp() + p_lease * interval '1 millisecond'
    where i.queue = p_queue and i.id in (
      select n.id from $schema.queue_items n where n.queue = p_queue and n.token is null and not n.dead
        and (p_deliveries is null or n.attempts < p_deliveries)
      order by n.id limit p_most
    );
  get diagnostics taken = row_count;
  if p_deliveries is not null then
    -- Those that were passed over.
    update $schema.queue_items i set dead = true
      where i.queue = p_queue and i.token is null and not i.dead and i.attempts > 0 and i.attempts >= p_deliveries and (
        taken < p_most or i.id < (select max(o.id) from $schema.queue_items o where o.queue = p_queue and o.token = own)
      );
    get diagnostics died = row_count;
    q := $schema.queue_freed(q, died);
  end if;
  if taken > 0 then perform $schema.queue_remember(p_queue, p_client, 'claim', p_number, '');
  else perform set_config('synchronous_commit', 'off', true);
  end if;
  if p_channel is not null then
    if taken < p_most and not (q.closed and q.inside = 0)
      then perform $schema.queue_wait(p_queue, 'getter', p_channel, p_client);
      else delete from $schema.queue_waiters w where w.queue = p_queue and w.kind = 'getter' and w.tag = p_client;
    end if;
  end if;
  return query select null::bigint, null::int, null::bytea, q.closed and q.inside = 0,
    (select (extract(epoch from min(i.ends) - clock_timestamp()) * 1000)::double precision
      from $schema.queue_items i where i.queue = p_queue and i.token is not null);
  return query select i.id, i.attempts, i.body, null::boolean, null::double precision
    from $schema.queue_items i where i.queue = p_queue and i.token = own order by i.id;
end $$;

create or replace function $schema.queue_acknowledge(
  p_queue text, p_client text, p_number bigint, p_ids bigint[], p_tokens text[]
) returns text language plpgsql as $$
declare
  q $schema.queues;
  done $schema.queue_requests;
  refused text;
  gone bigint;
begin
  q := $schema.queue_enter(p_queue);
  select * into done from $schema.queue_requests where queue = p_queue and client = p_client and kind = 'acknowledge';
  if done.number = p_number then return done.answer; end if;
  refused := $schema.queue_refused(p_queue, p_ids, p_tokens);
  delete from $schema.queue_items i using unnest(p_ids, p_tokens) as c (id, token)
    where i.queue = p_queue and i.id = c.id and i.token = c.token;
  get diagnostics gone = row_count;
  perform $schema.queue_remember(p_queue, p_client, 'acknowledge', p_number, refused);
  perform $schema.queue_freed(q, gone);
  return refused;
end $$;

create or replace function $schema.queue_renew(
  p_queue text, p_ids bigint[], p_tokens text[], p_lease double precision
) returns text language plpgsql as $$
begin
  perform $schema.queue_enter(p_queue);
  update $schema.queue_items i set ends = clock_timestamp() + p_lease * interval '1 millisecond'
    from unnest(p_ids, p_tokens) as c (id, token) where i.queue = p_queue and i.id = c.id and i.token = c.token;
  return $schema.queue_refused(p_queue, p_ids, p_tokens);
end $$;

create or replace function $schema.queue_give_back(p_queue text, p_ids bigint[], p_tokens text[], p_delivered boolean)
returns void language plpgsql as $$
declare
  back bigint;
begin
  perform set_config('synchronous_commit', 'off', true);
  perform $schema.queue_enter(p_queue);
  update $schema.queue_items i
    set token = null, ends = null, attempts = i.attempts - case when p_delivered then 0 else 1 end
    from unnest(p_ids, p_tokens) as c (id, token) where i.queue = p_queue and i.id = c.id and i.token = c.token;
  get diagnostics back = row_count;
  perform $schema.queue_wake(p_queue, 'getter', back);
end $$;

create or replace function $schema.queue_leave(p_queue text, p_kind text, p_tag text) returns void language plpgsql as $$
begin
  perform set_config('synchronous_commit', 'off', true);
  perform $schema.queue_enter(p_queue);
  delete from $schema.queue_waiters where queue = p_queue and kind = p_kind and tag = p_tag;
  if found then return; end if;
  if p_kind = 'putter' or exists (
    select from $schema.queue_items where queue = p_queue and token is null and not dead
  ) then perform $schema.queue_wake(p_queue, p_kind, 1); end if;
end $$;
`

const whole = `
create or replace function $schema.queue_close(p_queue text) returns void language plpgsql as $$
begin
  perform $schema.queue_enter(p_queue);
  update $schema.queues set closed = true where name = p_queue;
  perform $schema.queue_wake(p_queue, 'getter', 1000000);
  perform $schema.queue_wake(p_queue, 'putter', 1000000);
end $$;

create or replace function $schema.queue_state(p_queue text)
returns table (waiting bigint, claimed bigint, dead bigint, closed boolean) language plpgsql as $$
#variable_conflict use_column
declare
  q $schema.queues;
  held bigint;
begin
  q := $schema.queue_enter(p_queue);
  select count(*) into held from $schema.queue_items i where i.queue = p_queue and i.token is not null;
  return query select q.inside - held, held,
    (select count(*) from $schema.queue_items i where i.queue = p_queue and i.dead), q.closed;
end $$;

create or replace function $schema.queue_clear(p_queue text) returns bigint language plpgsql as $$
declare
  q $schema.queues;
  gone bigint;
begin
  q := $schema.queue_enter(p_queue);
  delete from $schema.queue_items where queue = p_queue and token is null and not dead;
  get diagnostics gone = row_count;
  perform $schema.queue_freed(q, gone);
  return gone;
end $$;

create or replace function $schema.queue_destroy(p_queue text) returns void language plpgsql as $$
begin
  perform $schema.queue_enter(p_queue);
  perform $schema.queue_wake(p_queue, 'getter', 1000000);
  perform $schema.queue_wake(p_queue, 'putter', 1000000);
  delete from $schema.queue_items where queue = p_queue;
  delete from $schema.queue_requests where queue = p_queue;
  delete from $schema.queues where name = p_queue;
end $$;

create or replace function $schema.queue_retry_dead(p_queue text) returns bigint language plpgsql as $$
declare
  back bigint;
begin
  perform $schema.queue_enter(p_queue);
  update $schema.queue_items set dead = false, attempts = 0 where queue = p_queue and dead;
  get diagnostics back = row_count;
  update $schema.queues set inside = inside + back where name = p_queue;
  perform $schema.queue_wake(p_queue, 'getter', back);
  return back;
end $$;
`

/** Tables and functions; `$schema` stands for the schema's name. */
export const queueSchema = queueTables + steps + whole
