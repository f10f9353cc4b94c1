import { decodeValue, encodeThrown, encodeValue } from '@heddle/codec'
import { type FromWorker, type Hello, type TaskContext, TaskServer, type ToWorker } from '@heddle/pool-core'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import {
  createClaimWords,
  isMarkedListening,
  markAborted,
  resetClaims,
  takeBackRest,
} from '../build/slots/claim-words.js'
import { release, seen } from './fixtures/worker-tasks.mjs'
import { settled } from './support/fake-workers.ts'

const moduleUrl = new URL('./fixtures/worker-tasks.mjs', import.meta.url).href
const oddities = new URL('./fixtures/tasks.mjs', import.meta.url).href

const events = ['uncaughtExceptionMonitor', 'exit'] as const
const before = events.map((event) => process.listeners(event as 'exit'))

afterEach(() => {
  events.forEach((event, index) => {
    for (const listener of process.listeners(event as 'exit'))
      if (!before[index]?.includes(listener)) process.off(event, listener)
  })
  seen.length = 0
  release.clear()
})

function start({ words, initializer }: Partial<Hello> = {}) {
  const sent: FromWorker[] = []
  const lane = {
    send(message: FromWorker, transfer?: readonly object[]) {
      sent.push(structuredClone(message, { transfer: transfer as ArrayBuffer[] }))
    },
  }
  const server = new TaskServer({ words, initializer }, 'thread', lane)
  server.watchEnd()
  let refs = 0
  let ids = 0
  const known = new Map<string, number>()
  const tell = (name: string, url: string) => {
    const ref = known.get(name)
    if (ref !== undefined) return ref
    refs += 1
    known.set(name, refs)
    server.receive({ type: 'task', ref: refs, task: { moduleUrl: url, name } })
    return refs
  }
  const call = (
    name: string,
    args: readonly unknown[] = [],
    details: Partial<Extract<ToWorker, { type: 'call' }>> = {},
    url = moduleUrl,
  ) => {
    const ref = tell(name, url)
    ids += 1
    if (words) resetClaims(words, ids)
    server.receive({
      type: 'call',
      id: ids,
      ref,
      args: encodeValue(args, 'thread'),
      attempt: 1,
      name: undefined,
      tellStart: false,
      tellProgress: false,
      credits: undefined,
      ...details,
    })
    return ids
  }
  const batch = (name: string, items: readonly unknown[] | Float64Array, spread: boolean) => {
    const ref = tell(name, moduleUrl)
    ids += 1
    if (words) resetClaims(words, ids)
    server.receive({
      type: 'batch',
      id: ids,
      ref,
      items: items instanceof Float64Array ? items : encodeValue(items, 'thread'),
      spread,
      isChunk: !spread,
      attempt: 1,
      names: undefined,
    })
    return ids
  }
  return { server, sent, call, batch }
}

/** What was answered, readable. */
const answers = (sent: readonly FromWorker[]) =>
  sent.map((message) => {
    if (message.type === 'done') {
      const value = decodeValue(message.outcome)
      return message.ok ? value : { failed: (value as Error).message }
    }
    if (message.type === 'batch-done') {
      const values: unknown[] = [...message.values]
      for (const [index, error] of message.errors ?? [])
        values[index - message.from] = { failed: (decodeValue(error) as Error).message }
      return { from: message.from, values, count: message.count, last: message.last }
    }
    if (message.type === 'chunk' || message.type === 'progress') return [message.type, decodeValue(message.value)]
    return message.type
  })

describe('a call', () => {
  test('is answered with the result or the error of the task, loaded at its first call, one after another', async () => {
    const { sent, call } = start()
    call('add', [1, 2])
    call('fail', ['no'])
    call('add', [3, 4])
    await settled()
    expect(answers(sent)).toEqual([3, { failed: 'no' }, 7])
    expect(sent.map((message) => 'id' in message && message.id)).toEqual([1, 2, 3])
    // What is loaded is run at once.
    call('add', [5])
    expect(answers(sent).at(-1)).toBe(5)
    for (const message of sent) expect(message.type === 'done' && message.ms >= 0 && !message.retire).toBe(true)
  })

  test('a task that was forgotten is named again', async () => {
    const { server, sent, call } = start()
    call('add', [1])
    await settled()
    server.receive({ type: 'forget', ref: 1 })
    server.receive({ type: 'task', ref: 1, task: { moduleUrl, name: 'context' } })
    call('add', [1])
    await settled()
    expect(answers(sent)).toEqual([1, { id: undefined, attempt: 1 }])
  })

  test('a task that the module does not define, or whose module is not there, fails the call, also the next time', async () => {
    const { sent, call } = start()
    call('unheardOf')
    call('unheardOf')
    call('gone', [], {}, `${moduleUrl}.gone`)
    await settled()
    expect(sent).toHaveLength(3)
    expect(answers(sent)).toMatchObject([
      { failed: expect.stringContaining('defines no task unheardOf') },
      { failed: expect.stringContaining('defines no task unheardOf') },
      { failed: expect.any(String) },
    ])
  })

  test('a call that waits for its promise lets the next one wait, and only it', async () => {
    const { sent, call } = start()
    call('wait', ['one'])
    call('wait', ['two'])
    await settled()
    expect(seen).toEqual(['one'])
    release.get('one')?.resolve('first')
    await settled()
    expect(seen).toEqual(['one', 'two'])
    release.get('two')?.reject(new Error('second'))
    await settled()
    expect(answers(sent)).toEqual(['first', { failed: 'second' }])
  })

  test('whatever resembles a promise is awaited, and a failure on the way is an answer', async () => {
    const { sent, call } = start()
    for (const kind of ['thenable', 'failingThenable', 'failingGetter']) call('giveOddly', [kind], {}, oddities)
    call('throwOddly', [], {}, oddities)
    await settled()
    const [thenable, failing, getter, hidden] = answers(sent)
    expect([thenable, failing, getter]).toEqual([
      'from a thenable',
      { failed: 'from a thenable' },
      { failed: 'no then' },
    ])
    expect(hidden).toHaveProperty('failed')
  })

  test('arguments that cannot be opened in the worker are a failure of the call', async () => {
    const { sent, call } = start()
    const hole = {}
    call('add', [], { args: { value: [hole], specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] } })
    await settled()
    expect(answers(sent)).toMatchObject([{ failed: expect.stringContaining('unheard-of') }])
  })

  test('a result that cannot be sent is its failure, and a generator is no result', async () => {
    const { sent, call } = start()
    call('unsendable', [2])
    call('count', [2])
    call('badMove')
    await settled()
    expect(answers(sent)).toMatchObject([
      { failed: expect.any(String) },
      { failed: expect.stringContaining('generator') },
      { failed: expect.any(String) },
    ])
  })

  test('what a result says is to be moved is moved', async () => {
    const { sent, call } = start()
    call('move', [64])
    await settled()
    const [message] = sent
    const { buffer } = decodeValue((message as Extract<FromWorker, { type: 'done' }>).outcome) as {
      buffer: ArrayBuffer
    }
    expect(buffer.byteLength).toBe(64)
  })

  test('knows its id and its attempt, tells its start and its progress if somebody listens, and not after its end', async () => {
    const { sent, call } = start()
    call('context', [], { name: 'task_7', attempt: 3, tellStart: true })
    call('progress', [2], { tellProgress: true })
    call('progress', [2])
    await settled()
    const [started, context, ...rest] = answers(sent)
    expect([started, context]).toEqual(['started', { id: 'task_7', attempt: 3 }])
    expect(rest).toEqual([['progress', { step: 1 }], ['progress', { step: 2 }], undefined, undefined])
    const [context1] = seen as TaskContext[]
    context1?.progress('too late')
    expect(context1?.signal.aborted).toBe(false)
    expect(sent).toHaveLength(6)
  })

  test('is told of an abort if it listens, with the reason; one that asks later sees it at once', async () => {
    const { server, sent, call } = start()
    const id = call('listen')
    await settled()
    expect(answers(sent)).toEqual(['listening'])
    server.receive({ type: 'abort', id: 99, index: 0, reason: encodeThrown('not mine', 'thread') })
    server.receive({ type: 'abort', id, index: 0, reason: encodeThrown(new RangeError('enough'), 'thread') })
    server.receive({ type: 'abort', id, index: 0, reason: encodeThrown('again', 'thread') })
    await settled()
    expect(answers(sent)[1]).toEqual({ failed: 'enough' })
    const late = call('spin')
    await settled()
    const context = seen[0] as TaskContext
    server.receive({ type: 'abort', id: late, index: 0, reason: encodeThrown('enough', 'thread') })
    expect([context.isAborted, context.signal.aborted, context.signal.reason]).toEqual([true, true, 'enough'])
  })

  test('that asks for its signal says so in the shared words, before its message can have come', async () => {
    const words = createClaimWords()
    const { call } = start({ words })
    const id = call('spin')
    await settled()
    const context = seen[0] as TaskContext
    expect(isMarkedListening(words, id)).toBe(false)
    expect(context.signal.aborted).toBe(false)
    expect([isMarkedListening(words, id), isMarkedListening(words, id + 1)]).toEqual([true, false])
  })

  test('sees an abort in the shared words, without a turn of its loop', async () => {
    const words = createClaimWords()
    const { call } = start({ words })
    const id = call('spin')
    await settled()
    const context = seen[0] as TaskContext
    expect(context.isAborted).toBe(false)
    markAborted(words, id)
    expect(context.isAborted).toBe(true)
  })

  test('that was taken back is skipped, and the next one is run', async () => {
    const words = createClaimWords()
    const { sent, call } = start({ words })
    call('wait', ['one'])
    const second = call('wait', ['two'])
    await settled()
    expect(takeBackRest(words, second)).toBe(0)
    release.get('one')?.resolve('first')
    await settled()
    call('add', [1, 1])
    await settled()
    expect(answers(sent)).toEqual(['first', 'skipped', 2])
    expect(seen).toEqual(['one'])
  })
})

describe('a batch', () => {
  test('is answered as one: numbers packed, lists of arguments spread, errors in their places', async () => {
    const { sent, batch } = start()
    batch('add', Float64Array.of(1, 2, 3), false)
    batch(
      'add',
      [
        [1, 2],
        [3, 4],
      ],
      true,
    )
    batch('fail', ['a'], false)
    batch('mixed', Float64Array.of(1, 2, 3, 4), false)
    await settled()
    expect(ArrayBuffer.isView((sent[0] as { values: unknown }).values)).toBe(true)
    expect(answers(sent)).toEqual([
      { from: 0, values: [1, 2, 3], count: 3, last: true },
      { from: 0, values: [3, 7], count: 2, last: true },
      { from: 0, values: [{ failed: 'a' }], count: 1, last: true },
      { from: 0, values: [1, 2, 'three', 4], count: 4, last: true },
    ])
  })

  test('of which some results cannot be sent fails those and only those', async () => {
    const { sent, batch } = start()
    batch('unsendable', [1, 2, 3], false)
    await settled()
    const [{ values }] = answers(sent) as [{ values: unknown[] }]
    expect(values).toMatchObject([{ value: 1 }, { failed: expect.any(String) }, { value: 3 }])
  })

  test('begins an item when the one before it has settled, and sends what is done when asked', async () => {
    const { sent, batch } = start()
    batch('wait', [['one'], ['two'], ['three']], true)
    await settled()
    expect(seen).toEqual(['one'])
    release.get('one')?.resolve(1)
    await settled()
    expect(seen).toEqual(['one', 'two'])
    // As when the thread is about to end.
    process.emit('exit', 0)
    process.emit('exit', 0)
    release.get('two')?.reject(new Error('two'))
    await settled()
    release.get('three')?.resolve({ three: 3 })
    await settled()
    const found = answers(sent) as { from: number; values: unknown[]; count: number; last: boolean }[]
    expect(found.flatMap(({ values }) => values)).toEqual([1, { failed: 'two' }, { three: 3 }])
    expect(found[0]).toEqual({ from: 0, values: [1], count: 1, last: false })
    expect(found.at(-1)).toMatchObject({ count: 3, last: true })
  })

  test('results of separate tasks do not wait for long behind those that come after them', async () => {
    const { sent, batch } = start()
    batch('wait', [['one'], ['two']], true)
    await settled()
    jest.advanceTimersByTime(3)
    release.get('one')?.resolve(1)
    await settled()
    expect(answers(sent)).toEqual([{ from: 0, values: [1], count: 1, last: false }])
  })

  test('whose items cannot be opened fails all of them', async () => {
    const { server, sent } = start()
    server.receive({ type: 'task', ref: 1, task: { moduleUrl, name: 'add' } })
    const hole = {}
    const items = { value: [hole, 2], specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] }
    server.receive({ type: 'batch', id: 1, ref: 1, items, spread: false, isChunk: true, attempt: 1, names: undefined })
    await settled()
    const failed = { failed: expect.stringContaining('unheard-of') }
    expect(answers(sent)).toMatchObject([{ values: [failed, failed], count: 2, last: true }])
  })

  test('of which the rest was taken back ends there, and says how far it came', async () => {
    const words = createClaimWords()
    const { sent, batch } = start({ words })
    const id = batch('wait', ['one', 'two', 'three'], false)
    await settled()
    release.get('one')?.resolve(1)
    await settled()
    expect(takeBackRest(words, id)).toBe(2)
    release.get('two')?.resolve(2)
    await settled()
    expect(seen).toEqual(['one', 'two'])
    // What is done does not wait for what has to be awaited.
    expect(answers(sent)).toEqual([
      { from: 0, values: [1], count: 1, last: false },
      { from: 1, values: [2], count: 2, last: true },
    ])
  })
})

describe('a task that leaves a lock behind', () => {
  const hooks = globalThis as unknown as Record<symbol, { heldGuards?: () => number }>
  const key = Symbol.for('heddle.threads')

  afterEach(() => {
    delete (hooks[key] as { heldGuards?: () => number }).heldGuards
  })

  test('has failed, and its worker runs nothing more', async () => {
    const { sent, call } = start()
    call('leak', [1])
    call('add', [1])
    await settled()
    call('add', [2])
    await settled()
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({ type: 'done', ok: false, retire: true })
    expect(answers(sent)).toMatchObject([{ failed: expect.stringContaining('guard') }])
  })

  test('in the middle of a batch ends it there', async () => {
    const { sent, batch } = start()
    batch('leak', [0, 1, 0], false)
    await settled()
    expect(sent[0]).toMatchObject({ type: 'batch-done', retire: true, count: 2, last: true })
    expect((answers(sent)[0] as { values: unknown[] }).values).toMatchObject([0, { failed: expect.any(String) }])
  })
})

describe('a stream', () => {
  test('sends no more values than it has credits for, then its end', async () => {
    const { server, sent, call } = start()
    const id = call('count', [5], { credits: 2 })
    await settled()
    expect(answers(sent)).toEqual([
      ['chunk', 1],
      ['chunk', 2],
    ])
    server.receive({ type: 'credit', id: 99, count: 9 })
    server.receive({ type: 'credit', id, count: 2 })
    await settled()
    expect(answers(sent)).toHaveLength(4)
    server.receive({ type: 'credit', id, count: 2 })
    await settled()
    expect(answers(sent).slice(4)).toEqual([['chunk', 5], undefined])
  })

  test('closes its generator when nobody reads it any more, also while it waits for room', async () => {
    const { server, sent, call } = start()
    const id = call('count', [5], { credits: 1 })
    await settled()
    server.receive({ type: 'abort', id, index: 0, reason: encodeThrown('nobody', 'thread') })
    await settled()
    expect(seen).toEqual(['closed'])
    expect(answers(sent)).toEqual([['chunk', 1], undefined])
  })

  test('fails with the error of its generator, behind its values; and of what cannot be iterated', async () => {
    const { sent, call } = start()
    call('countLater', [2], { credits: 9 })
    call('add', [1], { credits: 9 })
    call('fail', ['at once'], { credits: 9 })
    await settled()
    await settled()
    expect(answers(sent)).toMatchObject([
      ['chunk', 1],
      ['chunk', 2],
      { failed: 'behind the last' },
      { failed: expect.stringContaining('generator') },
      { failed: 'at once' },
    ])
  })

  test('a value that cannot be sent ends it', async () => {
    const { sent, call } = start()
    call('wait', ['list'], { credits: 9 })
    await settled()
    release.get('list')?.resolve([1, () => undefined, 3])
    await settled()
    expect(answers(sent)).toMatchObject([['chunk', 1], { failed: expect.any(String) }])
  })
})

describe('the start of a worker', () => {
  test('runs the initializer, and says who it is', async () => {
    const args = encodeValue(['begun'], 'thread')
    const { server } = start({ initializer: { task: { moduleUrl, name: 'wait' }, args } })
    const reply = server.start({ threadId: 3 })
    await settled()
    release.get('begun')?.resolve()
    expect(await reply).toEqual({ ok: true, pid: undefined, threadId: 3 })
  })

  test('an initializer that throws is an answer', async () => {
    const args = encodeValue(['no licence'], 'thread')
    const { server } = start({ initializer: { task: { moduleUrl, name: 'fail' }, args } })
    const reply = await server.start({})
    expect(reply.ok ? undefined : decodeValue(reply.error)).toMatchObject({ name: 'RangeError', message: 'no licence' })
  })

  test('what the worker dies of is told', () => {
    const { sent } = start()
    process.emit('uncaughtExceptionMonitor' as never, new RangeError('died of it') as never)
    expect(sent.map((message) => message.type === 'uncaught' && decodeValue(message.error))).toMatchObject([
      { message: 'died of it' },
    ])
  })
})
