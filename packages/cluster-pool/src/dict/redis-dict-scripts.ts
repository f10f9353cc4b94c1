import { RedisScript } from '../connection/redis-server.js'
import { pageBytes, pageKeys, swept } from './dict-store.js'

/*
 * Each script is one step for all others.
 *
 * Invariant: each change takes the next version, and tells it in that order; none is given twice, `state` never expires.
 * Invariant: a key is in `info`, `values` and `keys`, or in none of them; in `ends` besides when it ends.
 * Invariant: an entry whose end is past is as none for whoever asks, whether it was removed already or not.
 * Invariant: what is refused changes nothing.
 *
 * | key    | kind | what is in it                                                                        |
 * | state  | hash | version: the last one given                                                          |
 * | info   | hash | key: version and end, microseconds of the server's clock, 0: it does not end          |
 * | values | hash | key: what encodeEntry makes                                                          |
 * | ends   | zset | key: its end                                                                         |
 * | keys   | zset | key: 0, so that they are in the order of their bytes                                 |
 * | fences | hash | key: the highest fence that was seen. Stays when the entry goes: see there            |
 */
export const dictParts = ['state', 'info', 'values', 'ends', 'keys', 'fences'] as const

const common = `
local state, info, values, ends, keys, fences = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Version and end of a living entry; nil: there is none.
local function entry(key)
  local version, end_ = string.match(redis.call('HGET', info, key) or '', '^(%d+) (%d+)$')
  if not version or (end_ ~= '0' and tonumber(end_) <= now) then return nil end
  return version, end_
end

local function left(end_)
  if end_ == '0' then return '' end
  return string.format('%.0f', end_ - now)
end
`

const writing = `${common}
local channel, key, name = ARGV[1], ARGV[2], ARGV[3]

local function drop(key)
  redis.call('HDEL', info, key)
  redis.call('HDEL', values, key)
  redis.call('ZREM', ends, key)
  redis.call('ZREM', keys, key)
end

local function sweep()
  local past = redis.call('ZRANGEBYSCORE', ends, '-inf', string.format('%.0f', now), 'LIMIT', 0, ${swept})
  for _, key in ipairs(past) do drop(key) end
end

local function tell(type)
  redis.call('HINCRBY', state, 'version', 1)
  local version = redis.call('HGET', state, 'version')
  redis.call('PUBLISH', channel, type .. version .. ' ' .. name)
  return version
end

-- Ending: '' as it is, 0 never, or microseconds from now.
local function write(value, ending)
  local _, before = entry(key)
  local end_ = '0'
  if ending == '' then
    end_ = before or '0'
  elseif ending ~= '0' then
    end_ = string.format('%.0f', now + ending)
  end
  local version = tell('s')
  redis.call('HSET', info, key, version .. ' ' .. end_)
  redis.call('HSET', values, key, value)
  redis.call('ZADD', keys, 0, key)
  if end_ == '0' then redis.call('ZREM', ends, key) else redis.call('ZADD', ends, end_, key) end
  return version
end

-- Of digits without leading zeros, which may be more than a number can hold.
local function is_less(one, other)
  if #one ~= #other then return #one < #other end
  return one < other
end

local function fits(condition, fence)
  local version = entry(key)
  if condition == 'absent' then
    if version then return false end
  elseif condition ~= '' and condition ~= version then
    return false
  end
  if fence == '' then return true end
  local seen = redis.call('HGET', fences, key)
  if seen and is_less(fence, seen) then return false end
  redis.call('HSET', fences, key, fence)
  return true
end

sweep()
`

/** ARGV: key. Gives version, left, value; or nothing. */
export const readScript = new RedisScript(`${common}
local version, end_ = entry(ARGV[1])
if not version then return false end
return {version, left(end_), redis.call('HGET', values, ARGV[1])}
`)

/** ARGV: key. */
export const hasScript = new RedisScript(`${common}
return entry(ARGV[1]) and 1 or 0
`)

/** ARGV: channel, key, its name in notices, value, ending, condition, fence. Gives the version, or nothing. */
export const writeScript = new RedisScript(`${writing}
if not fits(ARGV[6], ARGV[7]) then return false end
return write(ARGV[4], ARGV[5])
`)

/** ARGV: channel, key, its name in notices, condition, fence. */
export const removeScript = new RedisScript(`${writing}
if not fits(ARGV[4], ARGV[5]) or not entry(key) then return 0 end
drop(key)
tell('d')
return 1
`)

/** ARGV: channel, key, its name in notices, amount, ending. Gives what, sum. */
export const addScript = new RedisScript(`${writing}
local sum = tonumber(ARGV[4])
if entry(key) then
  local value = redis.call('HGET', values, key)
  if string.sub(value, 1, 1) ~= 'n' then return {'no number'} end
  sum = sum + tonumber(string.sub(value, 2))
end
if sum > ${Number.MAX_SAFE_INTEGER} or sum < ${Number.MIN_SAFE_INTEGER} then return {'out of range'} end
local digits = string.format('%.0f', sum)
write('n' .. digits, ARGV[5])
return {'sum', digits}
`)

export const countScript = new RedisScript(`${common}
return redis.call('ZCARD', keys) - redis.call('ZCOUNT', ends, '-inf', string.format('%.0f', now))
`)

/** ARGV: from where, 1 or 0: with values. Gives the last key, if there may be more, then four for each. */
export const pageScript = new RedisScript(`${common}
local names = redis.call('ZRANGEBYLEX', keys, ARGV[1], '+', 'LIMIT', 0, ${pageKeys})
local page, bytes = {#names == ${pageKeys} and names[#names] or ''}, 0
for index, key in ipairs(names) do
  local version, end_ = entry(key)
  if version then
    local value = ARGV[2] == '1' and redis.call('HGET', values, key) or ''
    page[#page + 1] = key
    page[#page + 1] = version
    page[#page + 1] = left(end_)
    page[#page + 1] = value
    bytes = bytes + #value
    if bytes >= ${pageBytes} and index < #names then
      page[1] = key
      break
    end
  end
end
return page
`)

/** ARGV: channel, '', ''. */
export const clearScript = new RedisScript(`${writing}
redis.call('UNLINK', info, values, ends, keys)
tell('c')
return 1
`)
