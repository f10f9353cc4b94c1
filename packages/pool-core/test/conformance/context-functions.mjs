// Tasks that look at their context, and tasks whose values are streamed.
import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { taskContext, withTransfer } from '@heddle/pool-core'
import { gateIsOpen, logBegin } from './gate-side.mjs'

const worker = () => `${process.pid}/${threadId}`

function heard(signal) {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

export const contextFunctions = {
  context() {
    const { id, attempt, signal } = taskContext()
    return { id, attempt, aborted: signal.aborted }
  },
  /** Fails until it is run for the how manieth time. */
  succeedAt(attempt) {
    const context = taskContext()
    if (context.attempt < attempt) throw new RangeError(`attempt ${context.attempt}`)
    return context.attempt
  },
  /** Tells the numbers below `count` in one go. */
  tell(count) {
    const context = taskContext()
    for (let n = 0; n < count; n += 1) context.progress(n)
    return 'told'
  },
  async tellAround(value) {
    const context = taskContext()
    context.progress([value, 'before'])
    await Promise.resolve()
    context.progress([value, 'after'])
    return value
  },
  /** Tells in the middle of a loop that does not come back to the event loop. */
  tellAndBlock(dir) {
    const context = taskContext()
    context.progress('begun')
    while (existsSync(dir) && !existsSync(`${dir}/open`));
    context.progress('ended')
    return 'done'
  },
  tellUncloneable() {
    try {
      taskContext().progress({ deep: [() => {}] })
    } catch ({ code, path }) {
      return { code, path }
    }
    return undefined
  },
  /** Tells when it is over, and is not heard. */
  tellLater(dir) {
    const context = taskContext()
    context.progress('in time')
    void gateIsOpen(dir).then(() => {
      context.progress('too late')
      logBegin(dir, 'told')
    })
  },
  /** Sees the abort in a loop that never comes back to the event loop, and ends by itself. */
  pollAbort(dir) {
    const context = taskContext()
    context.progress(`asked ${context.isAborted}`)
    while (!context.isAborted);
    logBegin(dir, 'seen')
  },
  async endOnAbort(dir) {
    const { signal, progress } = bound(taskContext())
    const aborted = heard(signal)
    progress(worker())
    const reason = await aborted
    logBegin(dir, `${reason?.name}: ${reason?.message} (${reason?.code})`)
  },
  /** Has asked for the signal, and does not end by itself. */
  async ignoreAbort() {
    const { signal, progress } = bound(taskContext())
    const aborted = heard(signal)
    progress(worker())
    await aborted
    return await new Promise(() => {})
  },
  /** The same, and has not asked. */
  async notListen() {
    taskContext().progress(worker())
    return await new Promise(() => {})
  },

  async *countTo(upTo) {
    for (let n = 0; n < upTo; n += 1) yield n
  },
  *countAtOnce(upTo) {
    for (let n = 0; n < upTo; n += 1) yield n
  },
  list: (...items) => items,
  listLater: async (...items) => new Set(items),
  /** Counts in a file what it has made, and says there that it was closed. */
  async *countOpenly(dir, upTo) {
    try {
      for (let n = 0; n < upTo; n += 1) {
        logBegin(dir, String(n))
        yield n
      }
    } finally {
      logBegin(dir, 'closed')
    }
  },
  async *countAndFail(upTo) {
    for (let n = 0; n < upTo; n += 1) yield n
    throw Object.assign(new RangeError('no more'), { code: 'E_MIDWAY' })
  },
  async *countAndExit(upTo) {
    for (let n = 0; n < upTo; n += 1) yield n
    // What was sent to a parent process leaves it a turn later.
    await setImmediate()
    process.exit(6)
  },
  async *giveUncloneable(dir) {
    try {
      yield 1
      yield { callback: () => {} }
      yield 3
    } finally {
      logBegin(dir, 'closed')
    }
  },
  /** One value, and then none for ever. */
  async *stall() {
    yield 'first'
    await new Promise(() => {})
  },

  /** A buffer that is moved out, and what is left of it here afterwards. */
  giveBuffer(length) {
    const bytes = new Uint8Array(length).fill(7)
    globalThis.heddleTestBytes = bytes
    return withTransfer({ bytes }, [bytes.buffer])
  },
  leftOfBuffer: () => globalThis.heddleTestBytes.byteLength,
  giveBadTransfer: () => withTransfer({ n: 1 }, ['no buffer']),
}

function bound(context) {
  return { signal: context.signal, progress: (value) => context.progress(value) }
}
