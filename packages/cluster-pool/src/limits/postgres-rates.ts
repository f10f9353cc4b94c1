import type { RateLimiterPostgres } from 'rate-limiter-flexible'
import type { PostgresServer } from '../connection/postgres-server.js'
import { fillMs, type RateLimits } from './rate-options.js'
import type { RateLibrary } from './rate-store.js'

/*
 * A row holds the moment at which the bucket of its key is full.
 *
 * The library's own statement goes by the clocks of those who ask, and counts what it refuses: then a request for many permits
 * would use up what others could have.
 */

/** Tables and functions; `$schema` stands for the schema's name. */
export const ratesSchema = `
create table if not exists $schema.rates (
  key text primary key,
  filled timestamptz not null
) with (fillfactor = 50);
create index if not exists rates_filled on $schema.rates (filled);

-- Milliseconds until so many are there; 0: they are taken.
create or replace function $schema.rate_take(p_key text, p_permits bigint, p_burst bigint, p_fill double precision)
returns double precision language plpgsql as $$
declare
  r $schema.rates;
  present timestamptz;
  fill interval := p_fill * interval '1 millisecond';
begin
  -- A crash of the server may give back what was taken just before.
  perform set_config('synchronous_commit', 'off', true);
  loop
    select * into r from $schema.rates where key = p_key for update;
    exit when found;
    delete from $schema.rates where key in (
      select key from $schema.rates where filled < clock_timestamp() limit 10 for update skip locked
    );
    insert into $schema.rates values (p_key, clock_timestamp()) on conflict (key) do nothing;
  end loop;
  present := clock_timestamp();
  r.filled := greatest(r.filled, present) + fill * p_permits / p_burst;
  if r.filled - fill > present then return extract(epoch from r.filled - fill - present) * 1000; end if;
  update $schema.rates set filled = r.filled where key = p_key;
  return 0;
end $$;
`

/** The one statement that the library sends here: the key and the permits are its first values. */
interface Question {
  readonly values: readonly [key: string, permits: number, ...unknown[]]
}

export function newPostgresRates(
  library: RateLibrary,
  server: PostgresServer,
  name: string,
  limits: RateLimits,
): RateLimiterPostgres {
  const { burst } = limits
  const fill = fillMs(limits)
  const take = async ({ values: [key, permits] }: Question) => {
    const text = `select ${server.schema}.rate_take($1, $2, $3, $4) as wait`
    const { rows } = await server.pool.query<{ wait: number }>(text, [key, permits, burst, fill])
    const wait = rows[0]?.wait ?? 0
    return { rows: [{ points: wait > 0 ? burst + 1 : permits, expire: Date.now() + Math.ceil(wait) }] }
  }
  return new library.RateLimiterPostgres({
    storeClient: { query: take },
    storeType: 'pool',
    tableCreated: true,
    clearExpiredByTimeout: false,
    // Its length comes first: no two names and keys make the same.
    keyPrefix: `${name.length}:${name}`,
    points: burst,
    duration: fill / 1_000,
  })
}
