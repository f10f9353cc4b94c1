import { publisherMemoryMs, topicMemoryMs } from './topic-store.js'

/*
 * Each function locks the row of its topic first, and the server delivers notices in the order of the commits: so their order is
 * that of their places.
 *
 * Nothing here waits for the disk: messages are for those who listen now. When a crash of the server undoes a place, the
 * connections of all who listen have broken.
 */

/** Tables and functions; `$schema` stands for the schema's name. */
export const topicSchema = `
create table if not exists $schema.topics (
  name text primary key,
  epoch text not null,
  place bigint not null default 0,
  used timestamptz not null default clock_timestamp()
) with (fillfactor = 50);

create table if not exists $schema.topic_requests (
  topic text not null,
  client text not null,
  number bigint not null,
  at timestamptz not null,
  primary key (topic, client)
) with (fillfactor = 50);

create or replace function $schema.topic_enter(p_topic text, p_epoch text) returns $schema.topics
language plpgsql as $$
declare
  t $schema.topics;
begin
  perform set_config('synchronous_commit', 'off', true);
  loop
    select * into t from $schema.topics where name = p_topic for update;
    if found then return t; end if;
    delete from $schema.topics where name in (
      select name from $schema.topics where used < clock_timestamp() - interval '${topicMemoryMs} milliseconds'
      for update skip locked
    );
    insert into $schema.topics (name, epoch) values (p_topic, p_epoch) on conflict (name) do nothing;
  end loop;
end $$;

create or replace function $schema.topic_publish(
  p_topic text, p_epoch text, p_channel text, p_client text, p_number bigint, p_bodies text[]
) returns void language plpgsql as $$
declare
  t $schema.topics;
  body text;
begin
  t := $schema.topic_enter(p_topic, p_epoch);
  if exists (
    select from $schema.topic_requests where topic = p_topic and client = p_client and number >= p_number
  ) then return; end if;
  update $schema.topic_requests set number = p_number, at = clock_timestamp()
    where topic = p_topic and client = p_client;
  if not found then
    insert into $schema.topic_requests values (p_topic, p_client, p_number, clock_timestamp());
    delete from $schema.topic_requests where topic = p_topic
      and at < clock_timestamp() - interval '${publisherMemoryMs} milliseconds';
  end if;
  foreach body in array p_bodies loop
    t.place := t.place + 1;
    perform $schema.publish(p_channel, t.epoch || ' ' || t.place || ' ' || body);
  end loop;
  update $schema.topics set place = t.place, used = clock_timestamp() where name = p_topic;
end $$;

create or replace function $schema.topic_mark(p_topic text, p_epoch text, p_channel text) returns void
language plpgsql as $$
declare
  t $schema.topics;
begin
  t := $schema.topic_enter(p_topic, p_epoch);
  update $schema.topics set used = clock_timestamp() where name = p_topic;
  perform $schema.publish(p_channel, t.epoch || ' ' || t.place);
end $$;
`
