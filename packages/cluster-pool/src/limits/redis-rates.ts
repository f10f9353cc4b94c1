import type { RateLimiterRedis } from 'rate-limiter-flexible'
import type { RedisServer } from '../connection/redis-server.js'
import { fillMs, type RateLimits } from './rate-options.js'
import type { RateLibrary } from './rate-store.js'

/*
 * A key holds the moment at which its bucket is full, milliseconds of the server's clock, and ends then.
 *
 * The library's own script counts windows of whole seconds, and counts what it refuses: then a request for many permits would
 * use up what others could have.
 *
 * ARGV: permits; nothing; the burst; seconds in which it is filled. Gives what is used, more than the burst: refused; and
 * milliseconds until so many are there, or all.
 */
const takeScript = `
local permits, burst, fill = tonumber(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4]) * 1000
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + permits * fill / burst
local wait = full - fill - now
if wait > 0 then return {burst + 1, math.ceil(wait)} end
redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.max(1, math.ceil(full - now)))
return {math.min(burst, math.ceil((full - now) * burst / fill)), math.ceil(full - now)}
`

export function newRedisRates(
  library: RateLibrary,
  server: RedisServer,
  name: string,
  limits: RateLimits,
): RateLimiterRedis {
  return new library.RateLimiterRedis({
    storeClient: server.client,
    // Its length comes first: no two names and keys make the same.
    keyPrefix: server.key(`rate:${name.length}`, name),
    points: limits.burst,
    duration: fillMs(limits) / 1_000,
    customIncrTtlLuaScript: takeScript,
  })
}
