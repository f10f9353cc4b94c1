// After a death: takes each object once, and says which of them could not be had in time.
import { bound, exclusive, permits } from './storm-objects.mjs'

/** A guard for `enter` and `leave`, got by blocking or by awaiting. */
const ways = {
  mutex: (lock, blocks) => (blocks ? lock.acquireSync({ timeout: bound }) : lock.acquire({ timeout: bound })),
  readWriteLock: (lock, blocks) =>
    blocks ? lock.acquireWriteSync({ timeout: bound }) : lock.acquireWrite({ timeout: bound }),
  semaphore: (semaphore, blocks) =>
    blocks ? semaphore.acquireSync(permits, { timeout: bound }) : semaphore.acquire(permits, { timeout: bound }),
}

/** @returns what could not be had, and why */
export async function sweep(objects, record, who, blocks) {
  const missing = []
  for (const name of [...exclusive, 'semaphore'])
    try {
      const guard = await (ways[name] ?? ways.mutex)(objects[name], blocks)
      if (name !== 'semaphore') {
        record.enter(name, who, guard.ownerDied)
        if (guard.ownerDied) guard.markConsistent()
        record.leave(name)
      }
      guard.release()
    } catch (error) {
      missing.push(`${name}: ${error.code ?? error} for ${who}`)
    }
  return missing
}

/** What only one who is alone can see, when all others have come to rest. @returns what is wrong */
export async function inspect({ semaphore, conditionMutex, condition, barrier, event, readWriteLock }) {
  const wrong = []
  const check = async (what, run) => {
    try {
      if (!(await run())) wrong.push(what)
    } catch (error) {
      wrong.push(`${what}: ${error.code ?? error}`)
    }
  }
  await check('semaphore: not exactly its permits are free', () => {
    const all = semaphore.tryAcquire(permits)
    if (!all || semaphore.tryAcquire(1)) return false
    all.release()
    return semaphore.availablePermits === permits
  })
  await check('condition: a waiter behind the dead is not reached', async () => {
    const guard = await conditionMutex.acquire({ timeout: bound })
    const waiting = condition.wait(guard, { timeout: bound })
    await conditionMutex.runExclusive((notifier) => condition.notify(notifier), { timeout: bound })
    const reached = await waiting
    guard.release()
    return reached
  })
  await check('barrier: not usable after a reset', async () => {
    barrier.reset()
    const parties = Array.from({ length: barrier.parties }, () => barrier.wait({ timeout: bound }))
    const turns = await Promise.all(parties)
    return turns.filter(({ serial }) => serial).length === 1
  })
  await check('event: a signal does not reach the one that waits', async () => {
    event.reset()
    const waiting = event.wait({ timeout: bound })
    event.set()
    return (await waiting) && !event.isSet
  })
  await check('readWriteLock: readers or an upgrade do not come in', async () => {
    const reader = await readWriteLock.acquireRead({ timeout: bound })
    const upgradable = await readWriteLock.acquireUpgradableRead({ timeout: bound })
    reader.release()
    const writer = await upgradable.upgrade({ timeout: bound })
    writer.release()
    return readWriteLock.getState().readers === 0
  })
  return wrong
}
