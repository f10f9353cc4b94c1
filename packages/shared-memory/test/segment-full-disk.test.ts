import { spawnSync } from 'node:child_process'
import { describe, expect, test } from '@jest/globals'
import type { Kernel } from '../build/segment/kernel.js'
import { mapNew } from '../build/segment/mapping.js'

const ENOSPC = 28

describe('more than there is memory for shared files', () => {
  test('is ENOSPC, and says what to do', () => {
    const full = { reserve: () => ENOSPC } as unknown as Kernel
    expect(() => mapNew(full, 0, 65_536)).toThrow(
      expect.objectContaining({ name: 'SegmentError', code: 'ENOSPC', message: expect.stringContaining('--shm-size') }),
    )
  })

  const mount = 'mount -t tmpfs -o size=1m none /dev/shm && exec "$@"'
  const inSmallFolder = (args: readonly string[]) =>
    spawnSync('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', mount, 'sh', ...args], {
      encoding: 'utf8',
    })

  const program = `
    import { readdirSync } from 'node:fs'
    import { Segment } from '@heddle/shared-memory'
    let code
    try { Segment.create({ size: 4 << 20 }) } catch (error) { code = error.code }
    const small = Segment.create({ size: 1 << 16 })
    console.log(code, readdirSync('/dev/shm/heddle-0').length, small.size)
  `

  // Not everywhere may a user have a mount of his own; the case above is there anyway.
  const places = inSmallFolder(['true']).status === 0 ? ['a folder of 1 MiB'] : []
  test.each([...places, ''].filter(Boolean))('leaves no file, and a smaller segment can be made: %s', () => {
    const { stdout, stderr } = inSmallFolder([process.execPath, '--input-type=module', '--eval', program])
    expect({ stdout, stderr }).toEqual({ stdout: 'ENOSPC 1 65536\n', stderr: '' })
  })
})
