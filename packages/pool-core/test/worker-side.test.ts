import { decodeValue } from '@heddle/codec'
import { runCall, type TaskReply } from '@heddle/pool-core'
import { expect, test } from '@jest/globals'

const moduleUrl = new URL('./fixtures/tasks.mjs', import.meta.url).href

async function reply(name: string, ...args: unknown[]): Promise<[boolean, unknown]> {
  const { ok, outcome }: TaskReply = await runCall({ task: { moduleUrl, name }, args: { value: args } }, 'thread')
  return [ok, decodeValue(outcome)]
}

test('a worker answers with the result of a task, loaded at its first call', async () => {
  expect(await reply('numbered', 7)).toEqual([true, 7])
  expect(await reply('numbered', 8)).toEqual([true, 8])
})

test('a task whose module is loaded is run within the call, without a turn of the loop', () => {
  expect(runCall({ task: { moduleUrl, name: 'numbered' }, args: { value: [9] } }, 'thread')).toEqual({
    ok: true,
    outcome: { value: 9 },
  })
})

test('whatever resembles a promise is awaited, and a failure on the way is an answer', async () => {
  expect(await reply('giveOddly', 'thenable')).toEqual([true, 'from a thenable'])
  expect(await reply('giveOddly', 'failingThenable')).toMatchObject([
    false,
    { name: 'RangeError', message: 'from a thenable' },
  ])
  expect(await reply('giveOddly', 'failingGetter')).toMatchObject([false, { name: 'RangeError', message: 'no then' }])
})

test('an error that cannot even be looked at is an answer, too', async () => {
  expect(await reply('throwOddly')).toEqual([false, expect.any(Error)])
})

test('arguments that cannot be opened in the worker are a failure of the call', async () => {
  const hole = {}
  const args = { value: [hole], specials: [{ hole, handle: { kind: 'unheard-of/Thing' } }] }
  const { ok, outcome } = await runCall({ task: { moduleUrl, name: 'numbered' }, args }, 'thread')
  expect([ok, decodeValue(outcome)]).toMatchObject([false, { code: 'ERR_BAD_HANDLE' }])
})
