import assert from 'node:assert/strict'
import { types } from 'node:util'
import type { Claim } from '../claim.js'
import { isError, rejectionOf, rejects, same, type Thrown } from '../observe.js'
import { fail, failLater } from '../tasks.js'

/** The name of the class that made a value, which is the same in every realm. */
const classOf = (error: unknown): string => Object.getPrototypeOf(error).constructor.name

export const errors: readonly Claim[] = [
  {
    name: 'errors: a built-in error arrives with its class, name, message and stack, one of the system with its code',
    async check(kit) {
      const executor = kit.executor(1)
      const kinds = [
        ['range', 'RangeError', 'too far'],
        ['type', 'TypeError', 'not one of us'],
        ['syntax', 'SyntaxError', 'unexpected'],
      ] as const
      for (const [kind, name, message] of kinds) {
        const error = await rejects(executor.run(fail, [kind]), name)
        assert.ok(types.isNativeError(error), 'it is an Error')
        same([classOf(error), error.message], [name, message])
        assert.match((error as Error).stack ?? '', new RegExp(`${name}: ${message}`))
      }
      const error = (await rejects(executor.run(fail, ['system']), 'Error', 'ENOENT')) as Thrown & { syscall?: string }
      assert.equal(error.syscall, 'open')
    },
  },
  {
    name: 'errors: one of an own class arrives with its name, code, fields and the causes behind it',
    async check(kit) {
      const executor = kit.executor(1)
      const error = await rejects(executor.run(fail, ['custom']), 'OrderError', 'ERR_ORDER')
      assert.ok(types.isNativeError(error), 'it is an Error')
      assert.equal(error.message, 'order 7 was refused')
      same((error as { order?: unknown }).order, { id: 7 })
      const cause = isError(error.cause, 'TypeError')
      same([cause.message, cause.cause], ['inner', 'innermost'])
    },
  },
  {
    name: 'errors: an AggregateError arrives with its members as themselves, and what is no error as it is',
    async check(kit) {
      const executor = kit.executor(1)
      const error = await rejects(executor.run(fail, ['aggregate']), 'AggregateError')
      same([classOf(error), error.message], ['AggregateError', 'both'])
      const { errors: members } = error as { errors?: readonly unknown[] }
      assert.equal(members?.length, 2)
      assert.equal(isError(members[0], 'TypeError').message, 'one')
      assert.equal(isError(members[1], 'Error', 'E_TWO').message, 'two')
      const values = [
        ['null', null],
        ['undefined', undefined],
        ['string', 'just text'],
        ['number', -0],
        ['object', { status: 404, at: new Date(0) }],
      ] as const
      for (const [kind, value] of values) same(await rejectionOf(executor.run(fail, [kind])), value)
    },
  },
  {
    name: 'errors: the rejection of an async task is no different, and getTaskResult tells an error as run does',
    async check(kit) {
      const executor = kit.executor(1)
      const rejected = await rejects(executor.run(failLater, ['custom']), 'OrderError', 'ERR_ORDER')
      assert.equal(isError(rejected.cause, 'TypeError').message, 'inner')
      assert.equal(await rejectionOf(executor.run(failLater, ['null'])), null)
      const custom = await executor.submitTask(failLater, ['custom'])
      const nothing = await executor.submitTask(fail, ['undefined'])
      const error = await rejects(executor.getTaskResult(custom), 'OrderError', 'ERR_ORDER')
      same((error as { order?: unknown }).order, { id: 7 })
      assert.equal(await rejectionOf(executor.getTaskResult(nothing)), undefined)
    },
  },
]
