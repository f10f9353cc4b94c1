import { expect, test } from '@jest/globals'
import { Gate } from '../support/gate.js'
import { rejectionOf } from '../support/observe.js'
import type { Kit } from './kit.js'

export function transfers({ createPool, sharedPool, tasks, boundary }: Kit): void {
  test('a buffer in the transfer list arrives, and is detached here; one that is not listed stays', async () => {
    const pool = sharedPool(1)
    const [moved, copied] = [new Uint8Array(1_000), new Uint8Array(1_000)]
    expect(await pool.run(tasks.byteLength, [moved], { transfer: [moved.buffer] })).toBe(1_000)
    expect(await pool.run(tasks.byteLength, [copied])).toBe(1_000)
    expect([moved.byteLength, copied.byteLength]).toEqual([0, 1_000])
  })

  test('a transfer list that does not fit rejects its call alone, nothing has run, and the pool goes on', async () => {
    const pool = sharedPool(1)
    const gate = new Gate()
    const worker = await pool.run(tasks.worker, [])
    const buffer = new ArrayBuffer(8)
    const lists = [[buffer, buffer], [{}], [new Uint8Array(8)]]
    for (const transfer of lists) {
      const error = await rejectionOf(pool.run(tasks.log, [gate.dir, 'never'], { transfer }))
      expect(error.name).toMatch(/DataCloneError|TypeError/)
    }
    expect(buffer.byteLength).toBe(8)
    expect(await pool.run(tasks.worker, [])).toBe(worker)
    expect(gate.log()).toEqual([])
  })

  test('what was detached before is refused, and so is one buffer that two calls move', async () => {
    const pool = sharedPool(1)
    const buffer = new ArrayBuffer(8)
    const first = pool.run(tasks.byteLength, [buffer], { transfer: [buffer] })
    const second = pool.run(tasks.byteLength, [buffer], { transfer: [buffer] })
    expect(await first).toBe(8)
    await rejectionOf(second)
    expect((await rejectionOf(pool.run(tasks.byteLength, [buffer]))).code).toBe('ERR_NOT_CLONEABLE')
  })

  test('a result of withTransfer arrives whole; in a thread nothing of it is left there', async () => {
    const pool = createPool({ maxWorkers: 1 })
    const { bytes } = await pool.run(tasks.giveBuffer, [1_000])
    expect([bytes.length, bytes[999]]).toEqual([1_000, 7])
    expect(await pool.run(tasks.leftOfBuffer, [])).toBe(boundary === 'thread' ? 0 : 1_000)
  })

  test('a result with a transfer list that does not fit rejects in a thread, is copied from a process, and the worker stays', async () => {
    const pool = sharedPool(1)
    const worker = await pool.run(tasks.worker, [])
    const [giving] = await Promise.allSettled([pool.run(tasks.giveBadTransfer, [])])
    // A TypeError on Node 20, a DataCloneError later.
    const refused = { status: 'rejected', reason: { name: expect.stringMatching(/Error$/) } }
    expect(giving).toMatchObject(boundary === 'thread' ? refused : { value: { n: 1 } })
    expect(await pool.run(tasks.worker, [])).toBe(worker)
  })
}
