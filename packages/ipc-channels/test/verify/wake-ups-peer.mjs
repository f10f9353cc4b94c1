// Sends back what it gets. See wake-ups.mjs.
import { ThreadSafeQueue } from '@heddle/ipc-channels'
import { onOrder, say } from './peer-side.mjs'
import { openMemory } from './peers.mjs'

onOrder(async ({ memory, there, back, blocking }) => {
  openMemory(memory)
  const [from, to] = [there, back].map((handle) => ThreadSafeQueue.fromHandle(handle))
  say('ready')
  try {
    for (;;)
      if (blocking) to.putSync(from.getSync({ timeout: 10_000 }))
      else await to.put(await from.get())
  } catch (error) {
    if (error.code !== 'ERR_CLOSED' && error.code !== 'ERR_TIMEOUT') say({ wrong: error.stack })
  }
})
