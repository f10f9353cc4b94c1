import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { listOf } from './times.mjs'

const lockMs = 2_000
const stalledMs = 1_000
/** What the machine may take beyond them: to see it, to take the task and to begin it. */
const slackMs = 1_000
const limits = ['--lock', String(lockMs), '--stalled', String(stalledMs)]

let prefixes = 0

/** What becomes of tasks when nodes, servers and connections die. */
export async function verifyTasks(kit) {
  const { row, factor } = kit
  await row('a node is killed in the middle of an idempotent task', () => killed(kit, 100 * factor))
  await row('the server is killed and started again with 200 tasks pending', () => serverKilled(kit))
  await row('all connections break while 2,000 tasks run', () => connectionsBroken(kit))
  await row('a body that spins for 6 s with a lock of 2 s', () => spins(kit))
}

async function open({ heddle, server }, onEnd) {
  prefixes += 1
  const cluster = await heddle.Cluster.connect({ url: server.url, prefix: `verify_${prefixes}` })
  onEnd(() => cluster.close())
  return cluster
}

/** Ends what was begun, the last first. */
async function withEnds(check) {
  const ends = []
  try {
    return await check((end) => ends.push(end))
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

const lines = (file) => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])

async function until(isThere, ms, what) {
  const due = performance.now() + ms
  while (!isThere()) {
    if (performance.now() > due) throw new Error(`within ${ms} ms it did not come to ${what}`)
    await delay(2)
  }
}

/** Two nodes for each lane: whoever has the task is killed, and the other has to begin it within the bound. */
function killed(kit, count) {
  return withEnds(async (onEnd) => {
    const cluster = await open(kit, onEnd)
    const took = []
    const lanes = Array.from({ length: 5 }, (_, lane) =>
      killIn({ ...kit, cluster, lane, count: count / 5, took }, onEnd),
    )
    await Promise.all(lanes)
    if (took.length !== count) throw new Error(`only ${took.length} of ${count} were run again`)
    return `${took.length} of ${count} were run again within ${lockMs + stalledMs + slackMs} ms (${listOf(took)})`
  })
}

async function killIn({ heddle, tasks, startNode, cluster, dir, lane, count, took }, onEnd) {
  const name = `lane-${lane}`
  const pool = new heddle.ClusterPoolManager(cluster, { name })
  onEnd(() => pool.terminate())
  const nodes = new Map()
  onEnd(() => Promise.all(Array.from(nodes.values(), (node) => node.kill('SIGKILL'))))
  const startOne = async () => {
    const node = await startNode(cluster, ['--pool', name, '--concurrency', '1'], limits)
    nodes.set(String(node.pid), node)
  }
  await startOne()
  for (let round = 0; round < count; round += 1) {
    if (nodes.size < 2) await startOne()
    const [log, gate] = ['log', 'gate'].map((file) => join(dir, `${cluster.prefix}-${lane}-${round}-${file}`))
    const result = pool.run(tasks.holdAgain, [log, gate])
    // Should a check fail before it is awaited.
    result.catch(() => undefined)
    await until(() => lines(log).length === 1, 20_000, 'the begin of a task')
    const [victim] = lines(log)
    const begun = performance.now()
    await nodes.get(victim).kill('SIGKILL')
    nodes.delete(victim)
    await until(() => lines(log).length > 1, lockMs + stalledMs + slackMs, 'the second begin of a task')
    took.push(performance.now() - begun)
    writeFileSync(gate, '')
    const pid = String(await result)
    if (pid === victim || lines(log).length !== 2) throw new Error(`it was run by ${lines(log).join(', ')}`)
  }
}

function serverKilled(kit) {
  return withEnds(async (onEnd) => {
    const cluster = await open(kit, onEnd)
    const { heddle, tasks, server } = kit
    const pool = new heddle.ClusterPoolManager(cluster)
    onEnd(() => pool.terminate())
    // They wait: no node is there yet.
    const pending = Array.from({ length: 200 }, (_, n) => pool.run(tasks.square, [n]))
    const settled = Promise.allSettled(pending)
    await until(() => pool.stats().queued === 200, 20_000, '200 stored tasks')
    const node = await heddle.ClusterNode.start(cluster, {
      tasks,
      concurrency: 4,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
    })
    onEnd(() => node.terminate())
    await until(() => pool.stats().succeeded > 10, 20_000, 'the first results')
    process.kill(server.pid, 'SIGKILL')
    const left = 200 - pool.stats().succeeded
    await delay(500)
    const begun = performance.now()
    await server.restart()
    const outcomes = await Promise.race([settled, delay(60_000)])
    if (!outcomes) throw new Error(`${pool.stats().queued} tasks never settled`)
    const wrong = outcomes.filter(({ status, value }, n) => status !== 'fulfilled' || value !== n * n)
    if (wrong.length > 0)
      throw new Error(`${wrong.length} did not succeed, such as ${wrong[0].reason ?? wrong[0].value}`)
    return `all 200 settled with their results, ${left} of them pending at its death, ${Math.round(performance.now() - begun)} ms after its start`
  })
}

function connectionsBroken(kit) {
  return withEnds(async (onEnd) => {
    const cluster = await open(kit, onEnd)
    const { heddle, tasks, server, breakConnections } = kit
    const pool = new heddle.ClusterPoolManager(cluster)
    onEnd(() => pool.terminate())
    const node = await heddle.ClusterNode.start(cluster, {
      tasks,
      concurrency: 4,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
    })
    onEnd(() => node.terminate())
    let next = 0
    let wrong = 0
    const inFlight = Array.from({ length: 64 }, async () => {
      while (next < 2_000) {
        next += 1
        const n = next
        if ((await pool.run(tasks.square, [n])) !== n * n) wrong += 1
      }
    })
    const all = Promise.all(inFlight)
    all.catch(() => undefined)
    let breaks = 0
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([all.then(() => true), delay(500, false)])
      if (isOver) break
      await breakConnections(server)
      breaks += 1
      if (breaks > 200) throw new Error(`${pool.stats().succeeded} of 2,000 after 200 breaks`)
      if (breaks >= 6) isOver = await Promise.race([all.then(() => true), delay(60_000, true)])
    }
    const { succeeded } = pool.stats()
    if (succeeded !== 2_000 || wrong > 0)
      throw new Error(`${succeeded} of 2,000 succeeded, ${wrong} with a wrong result`)
    return `2,000 of 2,000 right results, ${breaks} breaks`
  })
}

function spins(kit) {
  return withEnds(async (onEnd) => {
    const cluster = await open(kit, onEnd)
    const { heddle, tasks, startNode, dir } = kit
    const pool = new heddle.ClusterPoolManager(cluster)
    onEnd(() => pool.terminate())
    for (let count = 0; count < 2; count += 1) {
      const node = await startNode(cluster, ['--concurrency', '1'], limits)
      onEnd(() => node.kill('SIGKILL'))
    }
    const log = join(dir, `${cluster.prefix}-spins`)
    const result = await pool.run(tasks.spin, [log, 6_000])
    const runs = lines(log).length
    if (result !== 'done' || runs !== 1) throw new Error(`it was run ${runs} times`)
    return 'run once'
  })
}
