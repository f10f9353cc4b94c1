import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Segment } from '@heddle/shared-memory'
import { expect, test } from '@jest/globals'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/segments/${name}`, import.meta.url))

test.each(['koffi', 'win32', 'darwin'])(
  'where memory between processes is not there (%s), it is refused with a code, and threads share memory all the same',
  (missing) => {
    using segment = Segment.create({ size: 1 })
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--require', fixture('without.cjs'), fixture('unsupported.mjs'), segment.name],
      { encoding: 'utf8', env: { ...process.env, WITHOUT: missing } },
    )
    expect(stderr).toBe('')
    const unsupported = 'ERR_UNSUPPORTED_PLATFORM'
    expect(JSON.parse(stdout)).toEqual({
      create: unsupported,
      bad: 'ERR_OUT_OF_RANGE',
      list: unsupported,
      open: unsupported,
      manager: unsupported,
      dict: 1,
      array: [0, 0, 0],
    })
  },
)
