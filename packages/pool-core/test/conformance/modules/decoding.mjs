// A task module with kinds of shared objects whose opening fails, each in its own way.
import { defineTask } from '@heddle/pool-core'

const key = Symbol.for('heddle.kinds')
globalThis[key] ??= new Map()
globalThis[key].set('test/fails-there', {
  fromHandle() {
    throw Object.assign(new Error('cannot be opened'), { code: 'E_OPEN' })
  },
})
globalThis[key].set('test/exits-there', { fromHandle: () => process.exit(4) })

export const take = defineTask(import.meta.url, 'take', (value) => typeof value)

/** Opened by whoever gets it. */
export const give = defineTask(import.meta.url, 'give', (kind) => ({ toHandle: () => ({ kind }) }))
