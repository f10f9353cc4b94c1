import { RedisScript } from '../connection/redis-server.js'
import { lookMs, patienceMs } from './lease-store.js'

/*
 * Each script is one step for all others.
 *
 * Invariant: the permits of all in `held` whose end is not past are at most the bound; those of a lock are 1 of 1.
 * Invariant: tokens are given in the order of the grants, each one higher than all before. `meta` never expires.
 * Invariant: only the head of the line is granted anything, whatever it asks for: nobody passes it.
 * Invariant: `used` is the sum of the permits of all in `held`.
 * Invariant: who may go next is told whenever a step has made that so.
 *
 * | key    | kind | what is in it                                                                  |
 * | meta   | hash | token, ticket: the last one given; used: permits; bound: how many there are    |
 * | held   | zset | id of a holder: when its lease ends, microseconds of the server's clock        |
 * | line   | zset | id of a waiter: its ticket                                                     |
 * | looks  | zset | id of a waiter: until when it must have looked again                           |
 * | owners | hash | id of either: permits and token, that of a waiter is 0                         |
 */
export const leaseParts = ['meta', 'held', 'line', 'looks', 'owners'] as const

const common = `
local meta, held, line, looks, owners = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local channel = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function number(name)
  return tonumber(redis.call('HGET', meta, name) or 0)
end

local function owner(id)
  local permits, token = string.match(redis.call('HGET', owners, id) or '', '^(%d+) (%d+)$')
  return tonumber(permits), token
end

local function after(microseconds)
  return string.format('%.0f', now + microseconds)
end

local function drop(id)
  if redis.call('ZREM', held, id) == 1 then
    redis.call('HINCRBY', meta, 'used', -owner(id))
  end
  redis.call('ZREM', line, id)
  redis.call('ZREM', looks, id)
  redis.call('HDEL', owners, id)
end

local function purge()
  local present = string.format('%.0f', now)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', present)) do drop(id) end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', looks, '-inf', present)) do drop(id) end
end

local function first()
  return redis.call('ZRANGE', line, 0, 0)[1]
end

local function wake()
  local id = first()
  if id and owner(id) <= number('bound') - number('used') then redis.call('PUBLISH', channel, id) end
end

purge()
`

/** ARGV: channel, id, permits, bound, lease in microseconds, 1 or 0: may wait. Gives: what, token or wait or bound. */
export const askScript = new RedisScript(`${common}
local id, permits, bound, lease, may_wait = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
if number('bound') ~= bound then
  if redis.call('EXISTS', owners) == 1 then
    wake()
    return {'bound', tostring(number('bound'))}
  end
  redis.call('HSET', meta, 'bound', bound)
end
if redis.call('ZSCORE', held, id) then
  redis.call('ZADD', held, after(lease), id)
  wake()
  local _, token = owner(id)
  return {'token', token}
end
local head = first()
local is_first = not head or head == id
if is_first and permits <= bound - number('used') then
  redis.call('HINCRBY', meta, 'token', 1)
  local token = redis.call('HGET', meta, 'token')
  redis.call('ZREM', line, id)
  redis.call('ZREM', looks, id)
  redis.call('ZADD', held, after(lease), id)
  redis.call('HSET', owners, id, permits .. ' ' .. token)
  redis.call('HINCRBY', meta, 'used', permits)
  wake()
  return {'token', token}
end
if may_wait == '1' then
  if not redis.call('ZSCORE', line, id) then
    redis.call('ZADD', line, redis.call('HINCRBY', meta, 'ticket', 1), id)
    redis.call('HSET', owners, id, permits .. ' 0')
  end
  redis.call('ZADD', looks, after(${patienceMs * 1_000}), id)
end
local wait = ${lookMs * 1_000}
if is_first then
  local ends = redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2]
  if ends then wait = tonumber(ends) - now end
else
  wake()
end
return {'wait', string.format('%.0f', wait)}
`)

/** ARGV: channel, id, lease in microseconds. Gives 1, or 0: it is not held. */
export const renewScript = new RedisScript(`${common}
wake()
if not redis.call('ZSCORE', held, ARGV[2]) then return 0 end
redis.call('ZADD', held, after(tonumber(ARGV[3])), ARGV[2])
return 1
`)

/** ARGV: channel, id. */
export const releaseScript = new RedisScript(`${common}
drop(ARGV[2])
wake()
return 1
`)

/** ARGV: channel. Gives used, bound, waiters. */
export const stateScript = new RedisScript(`${common}
wake()
return {number('used'), number('bound'), redis.call('ZCARD', line)}
`)
