import { defineTask } from '@heddle/worker-pool'
import incrementNumber from './increment.js'
import lengthOfBytes from './length-of.js'
import spinForEver from './spin.js'
import whereaboutsOf from './whereabouts.js'
import { work as workOn } from './work.js'

/** Processes share an envelope between tasks only where a task may run again after a crash. */
const again = { idempotent: true }

export const increment = defineTask(import.meta.url, 'increment', incrementNumber, again)
export const work = defineTask(import.meta.url, 'work', workOn, again)
export const lengthOf = defineTask(import.meta.url, 'lengthOf', lengthOfBytes)
export const spin = defineTask(import.meta.url, 'spin', spinForEver)
export const whereabouts = defineTask(import.meta.url, 'whereabouts', whereaboutsOf)
