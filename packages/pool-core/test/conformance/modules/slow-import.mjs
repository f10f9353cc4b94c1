// A task module that takes its time: until the gate of the test is open.
import { defineTask } from '@heddle/pool-core'
import { gateIsOpen, logBegin } from '../gate-side.mjs'

const dir = process.env.HEDDLE_TEST_DIR
logBegin(dir, 'import')
await gateIsOpen(dir)

export const atLast = defineTask(import.meta.url, 'atLast', () => 'at last')
