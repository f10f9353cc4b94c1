import type { Pool } from 'pg'

/** Raised with every change of a table or a function. */
const version = 1

/** So that only one of those who connect at a time sets the schema up; any number that is ours alone. */
const setUpLock = 6_824_309_511n

/** What all parts use: messages that are too long for a notice, and the version. `$schema` stands for the schema's name. */
const base = `
create table if not exists $schema.meta (version int not null, secret text not null);

create table if not exists $schema.messages (
  id bigint generated always as identity primary key,
  body text not null,
  at timestamptz not null default clock_timestamp()
);
create index if not exists messages_at on $schema.messages (at);

-- A notice takes at most 8,000 bytes. A longer message is put into a row for a minute, and the notice names it.
create or replace function $schema.publish(channel text, body text) returns void language plpgsql as $$
declare
  message_id bigint;
begin
  if octet_length(body) < 7900 then
    perform pg_notify(channel, 'i' || body);
  else
    -- What others delete at the same time is not waited for.
    delete from $schema.messages where id in (
      select id from $schema.messages where at < clock_timestamp() - interval '1 minute' for update skip locked
    );
    insert into $schema.messages (body) values (body) returning id into message_id;
    perform pg_notify(channel, 'r' || message_id);
  end if;
end $$;
`

/**
 * Sets up the tables and functions, if that was not done by anybody yet.
 *
 * @param parts - of all that use the server, in which `$schema` stands for the schema's name
 * @returns what the names of the channels are made with: whoever may not read the schema does not know them
 */
export async function setUpSchema(pool: Pool, schema: string, parts: readonly string[]): Promise<string> {
  const meta = await metaOf(pool, schema)
  if (meta?.version === version) return meta.secret
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1)', [setUpLock])
    await client.query(`create schema if not exists ${schema}`)
    for (const part of [base, ...parts]) await client.query(part.replaceAll('$schema', schema))
    await client.query(
      `with old as (delete from ${schema}.meta returning secret)
       insert into ${schema}.meta (version, secret)
       select ${version}, coalesce((select secret from old limit 1), gen_random_uuid()::text)`,
    )
    await client.query('commit')
    client.release()
    return (await metaOf(pool, schema))?.secret ?? ''
  } catch (error) {
    // With its transaction.
    client.release(true)
    throw error
  }
}

interface Meta {
  readonly version: number
  readonly secret: string
}

async function metaOf(pool: Pool, schema: string): Promise<Meta | undefined> {
  const table = await pool.query<{ known: string | null }>('select to_regclass($1)::text as known', [`${schema}.meta`])
  if (!table.rows[0]?.known) return undefined
  const { rows } = await pool.query<Meta>(`select version, secret from ${schema}.meta`)
  return rows[0]
}
