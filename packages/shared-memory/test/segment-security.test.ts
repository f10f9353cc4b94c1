import fs from 'node:fs'
import { Segment } from '@heddle/shared-memory'
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { outcomeOf } from './support/outcome.js'
import { own } from './support/own.js'

const folder = `/dev/shm/heddle-${process.geteuid?.()}`
const untrusted = expect.objectContaining({ name: 'SegmentError', code: 'ERR_SEGMENT_UNTRUSTED' })
const corrupt = expect.objectContaining({ name: 'CorruptError', code: 'ERR_CORRUPT' })
const made: string[] = []

const path = (name: string): string => {
  made.push(`${folder}/${name}`)
  return `${folder}/${name}`
}

/** A whole segment's bytes. */
let image: Buffer

beforeAll(() => {
  using segment = Segment.create({ name: own('pattern'), size: 1 })
  image = fs.readFileSync(`${folder}/${segment.name}`)
})

afterEach(() => {
  for (const each of made.splice(0)) fs.rmSync(each, { force: true, recursive: true })
})

describe('what a segment looks like from outside', () => {
  test('its folder and its file belong to this user, and nobody else may open them', () => {
    using segment = Segment.create({ size: 1 })
    const [dir, file] = [fs.lstatSync(folder), fs.lstatSync(`${folder}/${segment.name}`)]
    expect(dir.mode & 0o777).toBe(0o700)
    expect(file.mode & 0o777).toBe(0o600)
    expect([dir.uid, file.uid]).toEqual([process.geteuid?.(), process.geteuid?.()])
    expect([file.nlink, file.size]).toEqual([1, segment.size])
  })

  test('its permissions do not depend on the umask', () => {
    const before = process.umask(0)
    try {
      using segment = Segment.create({ size: 1 })
      expect(fs.lstatSync(`${folder}/${segment.name}`).mode & 0o777).toBe(0o600)
    } finally {
      process.umask(before)
    }
  })

  test('its space is reserved when it is made', () => {
    using segment = Segment.create({ size: 1 << 20 })
    expect(fs.lstatSync(`${folder}/${segment.name}`).blocks * 512).toBe(1 << 20)
  })
})

describe('a file that is refused, and neither opened nor removed', () => {
  const refusals: [string, (at: string) => void][] = [
    [
      'a symbolic link to a segment',
      (at) => {
        fs.writeFileSync(path(own('target')), image, { mode: 0o600 })
        fs.symlinkSync(`${folder}/${own('target')}`, at)
      },
    ],
    [
      'a file with a second name',
      (at) => {
        fs.writeFileSync(at, image, { mode: 0o600 })
        fs.linkSync(at, path(own('second')))
      },
    ],
    ['a file that others may read', (at) => fs.writeFileSync(at, image, { mode: 0o644 })],
    [
      'a file that its group may write',
      (at) => {
        fs.writeFileSync(at, image, { mode: 0o600 })
        fs.chmodSync(at, 0o620)
      },
    ],
    ['a folder', (at) => fs.mkdirSync(at, { mode: 0o700 })],
  ]
  if (process.geteuid?.() === 0)
    refusals.push([
      'a file of another user',
      (at) => {
        fs.writeFileSync(at, image, { mode: 0o600 })
        fs.chownSync(at, 65_534, 65_534)
      },
    ])

  test.each(refusals)('%s', (_, make) => {
    make(path(own('refused')))
    expect(outcomeOf(() => Segment.open(own('refused')))).toEqual(untrusted)
    expect(outcomeOf(() => Segment.unlink(own('refused')))).toEqual(untrusted)
    expect(outcomeOf(() => Segment.create({ name: own('refused'), size: 1 }))).toEqual(
      expect.objectContaining({ code: 'ERR_SEGMENT_EXISTS' }),
    )
    expect(Segment.list().map(({ name }) => name)).not.toContain(own('refused'))
    expect(fs.lstatSync(`${folder}/${own('refused')}`)).toBeDefined()
  })
})

describe('a plain file of ours that is no whole segment', () => {
  const damages: [string, (bytes: Buffer) => Buffer][] = [
    ['is empty', () => Buffer.alloc(0)],
    ['is shorter than a header', (bytes) => bytes.subarray(0, 20)],
    ['was cut', (bytes) => bytes.subarray(0, 32_768)],
    ['has grown', (bytes) => Buffer.concat([bytes, bytes])],
    ['begins with other words', (bytes) => Buffer.from(bytes.fill(1, 0, 4))],
    ['SM19: has another layout', (bytes) => Buffer.from(bytes.fill(99, 4, 5))],
    ['states another size', (bytes) => Buffer.from(bytes.fill(7, 12, 16))],
    ['has no participants', (bytes) => Buffer.from(bytes.fill(0, 8, 12))],
    ['has more participants than it has room for', (bytes) => Buffer.from(bytes.fill(255, 8, 12))],
  ]

  test.each(damages)('%s: is not opened', (_, damage) => {
    fs.writeFileSync(path(own('damaged')), damage(Buffer.from(image)), { mode: 0o600 })
    // Somebody lives in it, as far as the system can tell: it would be removed else.
    expect(outcomeOf(() => Segment.open(own('damaged')))).toEqual(corrupt)
  })
})

test('what this user has put into the folder by another way is never taken for ours', () => {
  const stray = path('.stray')
  fs.writeFileSync(stray, 'x')
  Segment.list()
  expect(fs.readFileSync(stray, 'utf8')).toBe('x')
})

test('what a killed process has left unfinished is removed, and so are bells that nobody reads', () => {
  fs.writeFileSync(path('.new-left'), 'x', { mode: 0o600 })
  Segment.list()
  expect(fs.existsSync(`${folder}/.new-left`)).toBe(false)
})
