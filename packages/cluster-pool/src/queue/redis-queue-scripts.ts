import { RedisScript } from '../connection/redis-server.js'
import { memoryMs, patienceMs } from './queue-store.js'

/*
 * Each script is one step for all others.
 *
 * Invariant: an id is in one of `waiting`, `claims` and `dead`, with a body; in `claims` with a token.
 * Invariant: ids grow in the order of the puts, and an item keeps its own: what comes back is before all that were put later.
 * Invariant: whoever is in `getters` or `putters` has looked when there was nothing, or no room; for each item or place that has
 * come since, one was told and taken out.
 *
 * | key      | kind | what is in it                                                              |
 * | state    | hash | last: the last id; closed: 1                                               |
 * | waiting  | zset | id: the same number                                                        |
 * | claims   | zset | id: when the claim ends, milliseconds of the server's clock                |
 * | tokens   | hash | id: token of the claim                                                     |
 * | bodies   | hash | id: body                                                                   |
 * | attempts | hash | id: how often it was delivered                                             |
 * | dead     | zset | id: the same number                                                        |
 * | getters  | zset | channel and tag of one who waits: when it has looked                       |
 * | putters  | zset | the same                                                                   |
 * | sent     | hash | the last requests of one object that have changed something, and the answers |
 */
export const queueParts = [
  'state',
  'waiting',
  'claims',
  'tokens',
  'bodies',
  'attempts',
  'dead',
  'getters',
  'putters',
] as const

const common = `
local state, waiting, claims, tokens, bodies = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local attempts, dead, getters, putters, sent = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function ms(value)
  return string.format('%.3f', value)
end

-- Those who have not looked for long are dead, and so is whom no message reaches.
local function wake(who, count)
  while count > 0 do
    local next = redis.call('ZPOPMIN', who)
    if not next[1] then return end
    if tonumber(next[2]) > now - ${patienceMs} then
      local channel, tag = string.match(next[1], '^(.*) (%S+)$')
      if redis.call('PUBLISH', channel, tag) > 0 then count = count - 1 end
    end
  end
end

local function wait(who, name)
  redis.call('ZADD', who, ms(now), name)
  redis.call('PEXPIRE', who, ${20 * patienceMs})
end

local function inside()
  return redis.call('ZCARD', waiting) + redis.call('ZCARD', claims)
end

local function is_closed()
  return redis.call('HEXISTS', state, 'closed') == 1
end

-- After something has left the queue.
local function freed(count)
  if count == 0 then return end
  wake(putters, count)
  if is_closed() and inside() == 0 then wake(getters, math.huge) end
end

local function remember(...)
  redis.call('HSET', sent, ...)
  redis.call('PEXPIRE', sent, ${memoryMs})
end

local function holds(id, token)
  return redis.call('HGET', tokens, id) == token
end

local function unclaim(id)
  redis.call('ZREM', claims, id)
  redis.call('HDEL', tokens, id)
end

local function drop(id)
  redis.call('HDEL', bodies, id)
  redis.call('HDEL', attempts, id)
end

local function reap()
  local ids = redis.call('ZRANGEBYSCORE', claims, '-inf', ms(now))
  for _, id in ipairs(ids) do
    unclaim(id)
    redis.call('ZADD', waiting, id, id)
  end
  wake(getters, #ids)
end

-- In parts: a script can pass on only so many values at once.
local function all(key, visit)
  local count = 0
  while true do
    local ids = redis.call('ZRANGE', key, 0, 999)
    if #ids == 0 then return count end
    redis.call('ZREM', key, unpack(ids))
    for _, id in ipairs(ids) do visit(id) end
    count = count + #ids
  end
end

reap()
`

/** ARGV: number, capacity or -1, name of the waiter or nothing, bodies. Gives how many were put, -1: it is closed. */
export const putScript = new RedisScript(`${common}
local number, capacity, waiter = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local count = #ARGV - 3
if tonumber(redis.call('HGET', sent, 'put') or 0) >= number then return tonumber(redis.call('HGET', sent, 'accepted')) end
if is_closed() then return -1 end
local room = count
if capacity >= 0 then room = math.max(0, math.min(count, capacity - inside())) end
if room > 0 then
  local last = redis.call('HINCRBY', state, 'last', room) - room
  for i = 1, room do
    local id = string.format('%.0f', last + i)
    redis.call('HSET', bodies, id, ARGV[3 + i])
    redis.call('ZADD', waiting, id, id)
  end
  remember('put', number, 'accepted', room)
  wake(getters, room)
end
if waiter ~= '' then
  if room < count then wait(putters, waiter) else redis.call('ZREM', putters, waiter) end
end
return room
`)

/**
 * ARGV: number, token, most, lease, most deliveries or -1, name of the waiter or nothing. Gives 1 or 0: it is over; when the
 * next claim ends, or nothing; then id, attempt, body of each.
 */
export const claimScript = new RedisScript(`${common}
local number, token, most, lease, deliveries = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local waiter = ARGV[6]
local answer = {0, ''}
local function add(id)
  table.insert(answer, id)
  table.insert(answer, tonumber(redis.call('HGET', attempts, id)))
  table.insert(answer, redis.call('HGET', bodies, id))
end
if redis.call('HGET', sent, 'claim') == number then
  -- Its answer was lost. What has ended since is not its own any more.
  for id in string.gmatch(redis.call('HGET', sent, 'claimed'), '%S+') do
    if holds(id, token) then add(id) end
  end
  return answer
end
local taken, died = {}, 0
while #taken < most do
  local id = redis.call('ZPOPMIN', waiting)[1]
  if not id then break end
  if deliveries >= 0 and tonumber(redis.call('HGET', attempts, id) or 0) >= deliveries then
    redis.call('ZADD', dead, id, id)
    died = died + 1
  else
    redis.call('HINCRBY', attempts, id, 1)
    redis.call('HSET', tokens, id, token)
    redis.call('ZADD', claims, ms(now + lease), id)
    table.insert(taken, id)
    add(id)
  end
end
if #taken > 0 then remember('claim', number, 'claimed', table.concat(taken, ' ')) end
freed(died)
if #taken < most then
  local ends = redis.call('ZRANGE', claims, 0, 0, 'WITHSCORES')[2]
  if ends then answer[2] = ms(tonumber(ends) - now) end
  if is_closed() and inside() == 0 then answer[1] = 1 end
end
if waiter ~= '' then
  if #taken < most and answer[1] == 0 then wait(getters, waiter) else redis.call('ZREM', getters, waiter) end
end
return answer
`)

/** ARGV: number, id and token of each. Gives the places of those that are not held. */
export const acknowledgeScript = new RedisScript(`${common}
local number, refused, count = ARGV[1], {}, 0
if redis.call('HGET', sent, 'acknowledge') == number then
  for place in string.gmatch(redis.call('HGET', sent, 'refused'), '%S+') do table.insert(refused, tonumber(place)) end
  return refused
end
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    unclaim(ARGV[i])
    drop(ARGV[i])
    count = count + 1
  else
    table.insert(refused, i / 2 - 1)
  end
end
remember('acknowledge', number, 'refused', table.concat(refused, ' '))
freed(count)
return refused
`)

/** ARGV: lease, id and token of each. Gives the places of those that are not held. */
export const renewScript = new RedisScript(`${common}
local refused = {}
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then redis.call('ZADD', claims, ms(now + tonumber(ARGV[1])), ARGV[i])
  else table.insert(refused, i / 2 - 1) end
end
return refused
`)

/** ARGV: 1: nobody has seen them; id and token of each. */
export const giveBackScript = new RedisScript(`${common}
local count = 0
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    unclaim(ARGV[i])
    redis.call('ZADD', waiting, ARGV[i], ARGV[i])
    if ARGV[1] == '1' then redis.call('HINCRBY', attempts, ARGV[i], -1) end
    count = count + 1
  end
end
wake(getters, count)
return count
`)

/** ARGV: getter or putter, name of the waiter. */
export const leaveScript = new RedisScript(`${common}
local who = ARGV[1] == 'getter' and getters or putters
if redis.call('ZREM', who, ARGV[2]) == 0 and (who == putters or redis.call('ZCARD', waiting) > 0) then wake(who, 1) end
return 1
`)

export const closeScript = new RedisScript(`${common}
redis.call('HSET', state, 'closed', 1)
wake(getters, math.huge)
wake(putters, math.huge)
return 1
`)

/** Gives waiting, claimed, dead letters, 1 or 0: closed. */
export const stateScript = new RedisScript(`${common}
return {redis.call('ZCARD', waiting), redis.call('ZCARD', claims), redis.call('ZCARD', dead), is_closed() and 1 or 0}
`)

export const clearScript = new RedisScript(`${common}
local count = all(waiting, drop)
freed(count)
return count
`)

export const destroyScript = new RedisScript(`${common}
wake(getters, math.huge)
wake(putters, math.huge)
for i = 1, 9 do redis.call('UNLINK', KEYS[i]) end
return 1
`)

/** ARGV: most. Gives attempt and body of each. */
export const deadLettersScript = new RedisScript(`${common}
local answer = {}
for _, id in ipairs(redis.call('ZRANGE', dead, 0, tonumber(ARGV[1]) - 1)) do
  table.insert(answer, tonumber(redis.call('HGET', attempts, id)))
  table.insert(answer, redis.call('HGET', bodies, id))
end
return answer
`)

export const retryDeadLettersScript = new RedisScript(`${common}
local count = all(dead, function(id)
  redis.call('HDEL', attempts, id)
  redis.call('ZADD', waiting, id, id)
end)
wake(getters, count)
return count
`)

export const clearDeadLettersScript = new RedisScript(`${common}
return all(dead, drop)
`)
