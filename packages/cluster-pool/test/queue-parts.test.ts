import { setTimeout as delay } from 'node:timers/promises'
import { TimeoutError } from '@heddle/pool-core'
import { describe, expect, test } from '@jest/globals'
import { AskLoop } from '../build/queue/ask-loop.js'
import { HeldClaims, type Renewable } from '../build/queue/held-claims.js'
import type { QueueStore } from '../build/queue/queue-store.js'
import { Waiter } from '../build/queue/waiter.js'
import { rejectionOf, until } from './support/until.js'

describe('claims that are held', () => {
  const lease = 150

  function renewals(answers: readonly (() => Promise<readonly number[]>)[]) {
    const asked: string[][] = []
    const store = {
      renew: (claims: readonly { readonly id: string }[]) => {
        asked.push(claims.map(({ id }) => id))
        return answers[Math.min(asked.length, answers.length) - 1]?.()
      },
    } as unknown as QueueStore
    return { asked, held: new HeldClaims(store, lease) }
  }

  function claim(id: string) {
    const told: string[] = []
    const renewable: Renewable = {
      claim: { id, token: 't' },
      extend: (ends) => told.push(ends > performance.now() ? 'extended' : 'late'),
      lose: () => told.push('lost'),
    }
    return { told, renewable }
  }

  test('all are renewed in one request; those that are refused are lost, and only those', async () => {
    const { asked, held } = renewals([async () => [1]])
    const [a, b] = [claim('a'), claim('b')]
    held.add(a.renewable)
    held.add(b.renewable)
    await until(() => b.told.length > 0, 'it is told')
    held.delete(b.renewable)
    await until(() => a.told.length > 1, 'it is renewed again')
    held.delete(a.renewable)
    expect(asked.slice(0, 2)).toEqual([['a', 'b'], ['a']])
    expect([new Set(a.told), b.told]).toEqual([new Set(['extended']), ['lost']])
    const count = asked.length
    await delay(lease)
    expect(asked.length).toBe(count)
  })

  test('an answer that does not come, and one that is an error, do not keep the next request back', async () => {
    const never = new Promise<never>(() => undefined)
    const { asked, held } = renewals([() => never, () => Promise.reject(new Error('no')), async () => []])
    const { told, renewable } = claim('a')
    held.add(renewable)
    await until(() => told.length > 0, 'it is renewed')
    held.delete(renewable)
    expect(asked.length).toBe(3)
    expect(told).toEqual(['extended'])
  })

  test('while no answer comes, only so many requests are on their way', async () => {
    const never = new Promise<never>(() => undefined)
    const { asked, held } = renewals([() => never])
    const { renewable } = claim('a')
    held.add(renewable)
    await until(() => asked.length === 3, 'three are on their way')
    await delay(lease)
    held.delete(renewable)
    expect(asked.length).toBe(3)
  })
})

describe('a call that waits', () => {
  const timedOut = () => new TimeoutError('late')

  test('ends with its time or its signal, once, and tells that it was given up', async () => {
    let givenUp = 0
    const controller = new AbortController()
    const waiter = new Waiter<number>({ timeout: 20, signal: controller.signal }, () => (givenUp += 1), timedOut)
    expect(await rejectionOf(waiter.promise)).toBeInstanceOf(TimeoutError)
    controller.abort()
    waiter.resolve(1)
    waiter.timeOut()
    expect([waiter.isOver, givenUp]).toEqual([true, 1])
  })

  test('what comes to it while it is held ends it afterwards, unless it has its result by then', async () => {
    let givenUp = 0
    const controllers = [new AbortController(), new AbortController()] as const
    const [late, early] = controllers.map(
      ({ signal }) => new Waiter<number>({ timeout: undefined, signal }, () => (givenUp += 1), timedOut),
    ) as [Waiter<number>, Waiter<number>]
    for (const waiter of [late, early]) waiter.hold()
    for (const controller of controllers) controller.abort('enough')
    expect([late.isOver, early.isOver]).toEqual([false, false])
    early.resolve(1)
    early.letGo()
    late.letGo()
    expect(await early.promise).toBe(1)
    expect(await rejectionOf(late.promise)).toBe('enough')
    expect(givenUp).toBe(1)
  })
})

test('one question is asked at a time, and one more for those who came meanwhile', async () => {
  let asked = 0
  let open: () => void = () => undefined
  const loop = new AskLoop(
    async () => {
      asked += 1
      await new Promise<void>((resolve) => {
        open = resolve
      })
    },
    () => undefined,
  )
  loop.ask()
  loop.ask()
  loop.ask()
  expect(asked).toBe(1)
  open()
  await until(() => asked === 2, 'the second question')
  open()
  await delay(20)
  expect(asked).toBe(2)
  loop.ask()
  expect(asked).toBe(3)
  open()
})
