// A program that takes a lock again and again. HEDDLE_URL names the server.
//
//   lock-process.mjs contend PREFIX NAME COUNT DIR   holds it COUNT times; DIR shows whether it ever was not alone
//   lock-process.mjs hold PREFIX NAME LEASE          takes it, tells the token, and holds it; then obeys its parent's messages
import { once } from 'node:events'
import { appendFileSync, closeSync, openSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Cluster, ClusterDict, ClusterLock } from '@heddle/cluster-pool'

const [what, prefix, name, number, dir] = process.argv.slice(2)
const cluster = await Cluster.connect({ url: process.env.HEDDLE_URL, prefix })

if (what === 'contend') {
  const lock = new ClusterLock(cluster, name)
  const alone = join(dir, 'held')
  for (let round = 0; round < Number(number); round += 1)
    await lock.runExclusive(({ token }) => {
      let file
      try {
        file = openSync(alone, 'wx')
      } catch {
        appendFileSync(join(dir, 'overlaps'), `${token}\n`)
        return
      }
      appendFileSync(join(dir, 'tokens'), `${token}\n`)
      closeSync(file)
      unlinkSync(alone)
    })
  await cluster.close()
} else {
  const guard = await new ClusterLock(cluster, name, { lease: Number(number) }).acquire()
  process.send({ token: String(guard.token) })
  await once(process, 'message')
  // A write that comes late: others may have held the lock meanwhile.
  const version = await new ClusterDict(cluster, name).set('value', 'late', { fence: guard.token })
  process.send({ wasWritten: version !== undefined, isHeld: guard.held, isLost: guard.lost.aborted })
}
