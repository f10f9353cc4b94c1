import { fromBytes, MessageAssembler, MessageFrames, toBytes } from '@heddle/codec'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'

const corrupt = (message: RegExp) =>
  expect.objectContaining({ name: 'CorruptError', code: 'ERR_CORRUPT', message: expect.stringMatching(message) })
const invalid = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARG' })
const outOfRange = expect.objectContaining({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' })

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('the call did not throw')
}

const framesOf = (message: Uint8Array, maxFrameBytes?: number) =>
  Buffer.concat([...new MessageFrames(message, { maxFrameBytes })])

/** The bytes in pieces that end at these places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

function assemble(chunks: readonly Uint8Array[]): Uint8Array[] {
  const assembler = new MessageAssembler()
  const messages = chunks.flatMap((chunk) => assembler.push(chunk))
  assembler.end()
  return messages
}

const bytes = (message: Uint8Array) => Buffer.from(message).toString('hex')
const someMessages = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 })
const places = fc.array(fc.nat(1_000), { maxLength: 30 })

describe('a stream of frames', () => {
  test('gives the same messages however it is cut: many frames in one chunk, one in many, a header in two', () => {
    fc.assert(
      fc.property(someMessages, fc.integer({ min: 9, max: 40 }), places, (messages, maxFrameBytes, places) => {
        const stream = Buffer.concat(messages.map((message) => framesOf(message, maxFrameBytes)))
        expect(assemble(cut(stream, places)).map(bytes)).toEqual(messages.map(bytes))
        expect(assemble(Array.from(stream, (byte) => Uint8Array.of(byte))).map(bytes)).toEqual(messages.map(bytes))
      }),
    )
  })

  test('gives each message as soon as its last byte has come, and none before', () => {
    fc.assert(
      fc.property(someMessages, fc.integer({ min: 9, max: 40 }), (messages, maxFrameBytes) => {
        const assembler = new MessageAssembler()
        for (const message of messages) {
          const frames = framesOf(message, maxFrameBytes)
          expect(assembler.push(frames.subarray(0, -1))).toEqual([])
          expect(assembler.isBetweenMessages).toBe(false)
          expect(assembler.push(frames.subarray(-1)).map(bytes)).toEqual([bytes(message)])
          expect(assembler.isBetweenMessages).toBe(true)
        }
      }),
    )
  })

  test('that ends anywhere but between messages is an error, and no short message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), places, fc.nat(), (message, places, end) => {
        const frames = framesOf(message, 20)
        const assembler = new MessageAssembler()
        assembler.push(framesOf(Uint8Array.of(1)))
        for (const chunk of cut(frames.subarray(0, 1 + (end % (frames.length - 1))), places))
          expect(assembler.push(chunk)).toEqual([])
        expect(thrownBy(() => assembler.end())).toEqual(corrupt(/ended within/))
        expect(thrownBy(() => assembler.push(frames))).toEqual(corrupt(/ended within/))
      }),
    )
  })

  test('of any bytes gives the same whole messages and the same error however it is cut, and never a byte too much', () => {
    const outcome = (chunks: readonly Uint8Array[]) => {
      const assembler = new MessageAssembler({ maxMessageBytes: 100 })
      const messages: string[] = []
      try {
        for (const chunk of chunks) messages.push(...assembler.push(chunk).map(bytes))
        assembler.end()
        return { messages }
      } catch (error) {
        return { messages, error: String(error) }
      }
    }
    // Frames with some bytes of them overwritten: noise alone would fail at the first header.
    fc.assert(
      fc.property(
        someMessages,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        places,
        (messages, damage, places) => {
          const stream = Buffer.concat(messages.map((message) => framesOf(message, 25)))
          for (const [place, byte] of damage) if (stream.length > 0) stream[place % stream.length] = byte
          const whole = outcome([stream])
          expect(outcome(cut(stream, places))).toEqual(whole)
          expect(whole.messages.join('').length / 2).toBeLessThanOrEqual(stream.length)
          expect(whole.error ?? 'CorruptError').toMatch(/^CorruptError/)
        },
      ),
    )
  })

  test('carries ten messages of 65,521 bytes, so that the length of some is split between reads of 64 KiB', () => {
    const messages = Array.from({ length: 10 }, (_, index) => new Uint8Array(65_521).fill(index))
    const stream = Buffer.concat(messages.map((message) => framesOf(message)))
    const chunks = Array.from({ length: Math.ceil(stream.length / 65_536) }, (_, index) =>
      stream.subarray(index * 65_536, (index + 1) * 65_536),
    )
    expect(assemble(chunks).map(bytes)).toEqual(messages.map(bytes))
  })

  test('carries text whose code points the frames and the chunks cut through', () => {
    const text = 'żółw 🐢 '.repeat(500)
    for (let size = 1; size < 20; size += 1) {
      const frames = framesOf(toBytes(text), 8 + size)
      const chunks = Array.from({ length: Math.ceil(frames.length / 7) }, (_, index) =>
        frames.subarray(index * 7, index * 7 + 7),
      )
      expect(assemble(chunks).map((message) => fromBytes(message))).toEqual([text])
    }
  })
})

describe('the frames of a message', () => {
  test('have no more bytes than was said, as few as possible, and at least one', () => {
    const sizes = (length: number, maxFrameBytes: number) =>
      [...new MessageFrames(new Uint8Array(length), { maxFrameBytes })].map((frame) => frame.length)
    expect(sizes(0, 9)).toEqual([8])
    expect(sizes(3, 9)).toEqual([9, 9, 9])
    expect(sizes(12, 16)).toEqual([16, 12])
    expect(sizes(16, 24)).toEqual([24])
    expect(sizes(70_000, 65_536)).toEqual([65_536, 70_000 - 65_528 + 8])
  })

  test('are written in place, at any alignment, as often as is asked for, and touch no byte beside them', () => {
    const message = Uint8Array.from({ length: 10 }, (_, index) => index + 1)
    for (let offset = 0; offset < 9; offset += 1) {
      const frames = new MessageFrames(message, { maxFrameBytes: 14 })
      const assembler = new MessageAssembler()
      const got: Uint8Array[] = []
      for (; !frames.done; frames.advance()) {
        const target = new Uint8Array(40).fill(0xee)
        const { byteLength } = frames
        frames.writeTo(target, offset)
        frames.writeTo(target, offset)
        const beside = [...target.subarray(0, offset), ...target.subarray(offset + byteLength)]
        expect(beside).toEqual(beside.map(() => 0xee))
        got.push(...assembler.push(target.subarray(offset, offset + byteLength)))
      }
      expect(got.map(bytes)).toEqual([bytes(message)])
      expect(frames.byteLength).toBe(0)
      frames.advance()
      expect(frames.done).toBe(true)
      expect(thrownBy(() => frames.writeTo(new Uint8Array(99), 0))).toEqual(outOfRange)
    }
  })

  test('that do not fit leave the target as it was', () => {
    const frames = new MessageFrames(Uint8Array.of(1, 2, 3))
    const target = new Uint8Array(12)
    for (const offset of [2, -1, 0.5, Number.NaN, 2 ** 53])
      expect(thrownBy(() => frames.writeTo(target, offset))).toEqual(outOfRange)
    expect(thrownBy(() => frames.writeTo('text' as never, 0))).toEqual(invalid)
    expect(target).toEqual(new Uint8Array(12))
    frames.writeTo(target, 1)
    expect([...target.subarray(9)]).toEqual([1, 2, 3])
  })

  test('of a message that is given up are dropped when the next one begins', () => {
    const given = [...new MessageFrames(new Uint8Array(30).fill(7), { maxFrameBytes: 18 })]
    const next = framesOf(Uint8Array.of(1, 2))
    for (const count of [1, 2]) expect(assemble([...given.slice(0, count), next]).map(bytes)).toEqual(['0102'])
  })
})

describe('an assembler', () => {
  test('refuses a message above its limit by the header alone, before it takes memory', () => {
    const announced = framesOf(new Uint8Array(101)).subarray(0, 8)
    const assembler = new MessageAssembler({ maxMessageBytes: 100 })
    expect(thrownBy(() => assembler.push(announced))).toEqual(corrupt(/message of 101 bytes.*limit is 100/))
    expect(new MessageAssembler({ maxMessageBytes: 100 }).push(framesOf(new Uint8Array(100)))).toHaveLength(1)

    const huge = new Uint8Array(new Uint32Array([5, 0xffff_ffff]).buffer)
    const before = process.memoryUsage().arrayBuffers
    expect(thrownBy(() => new MessageAssembler().push(huge))).toEqual(corrupt(/2147483647 bytes/))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('refuses frames that do not fit: more bytes than the message has, none of it, no beginning, another place of it', () => {
    const frame = (size: number, left: number) => new Uint8Array(new Uint32Array([size, left]).buffer)
    const begins = 0x8000_0000
    for (const header of [frame(6, begins + 5), frame(0, begins + 5), frame(0, 0), frame(5, 5)])
      expect(thrownBy(() => new MessageAssembler().push(header))).toEqual(corrupt(/frame/))
    for (const left of [29, 31, 0, 19]) {
      const assembler = new MessageAssembler()
      assembler.push([...new MessageFrames(new Uint8Array(30), { maxFrameBytes: 18 })][0] as Uint8Array)
      expect(thrownBy(() => assembler.push(frame(Math.min(10, left), left)))).toEqual(corrupt(/frame/))
    }
  })

  test('gives what was whole before the damage, and then the error to each call', () => {
    const assembler = new MessageAssembler()
    const stream = Buffer.concat([framesOf(Uint8Array.of(1)), framesOf(Uint8Array.of(2)), new Uint8Array(8)])
    expect(assembler.push(stream).map(bytes)).toEqual(['01', '02'])
    for (const call of [() => assembler.push(framesOf(Uint8Array.of(3))), () => assembler.end(), () => assembler.end()])
      expect(thrownBy(call)).toEqual(corrupt(/no frame|not continue/))
  })

  test('takes nothing after the end', () => {
    const assembler = new MessageAssembler()
    assembler.end()
    assembler.end()
    expect(thrownBy(() => assembler.push(Uint8Array.of(1)))).toEqual(invalid)
  })

  test('gives messages that share no memory with the chunks', () => {
    const chunk = framesOf(Uint8Array.of(1, 2, 3))
    const [message] = new MessageAssembler().push(chunk)
    chunk.fill(0)
    expect(message).toEqual(Uint8Array.of(1, 2, 3))
    expect(message?.buffer.byteLength).toBe(3)
  })

  test('reads chunks of memory that threads share', () => {
    const frames = framesOf(Uint8Array.of(1, 2, 3), 10)
    const shared = new Uint8Array(new SharedArrayBuffer(frames.length))
    shared.set(frames)
    expect(new MessageAssembler().push(shared)).toEqual([Uint8Array.of(1, 2, 3)])
  })
})

test('bad limits and what are no bytes are refused, and nothing is changed', () => {
  for (const bad of [-1, 1.5, Number.NaN, 2 ** 31]) {
    expect(thrownBy(() => new MessageAssembler({ maxMessageBytes: bad }))).toEqual(outOfRange)
    expect(thrownBy(() => new MessageFrames(new Uint8Array(1), { maxMessageBytes: bad }))).toEqual(outOfRange)
  }
  for (const bad of [8, 0, -1, 9.5, Number.NaN, 2 ** 31])
    expect(thrownBy(() => new MessageFrames(new Uint8Array(1), { maxFrameBytes: bad }))).toEqual(outOfRange)
  expect(thrownBy(() => new MessageAssembler({ maxMessageBytes: '5' as never }))).toEqual(invalid)
  expect(thrownBy(() => new MessageAssembler(null as never))).toEqual(invalid)
  expect(thrownBy(() => new MessageFrames(new Uint8Array(1), { maxFrameBytes: '9' as never }))).toEqual(invalid)
  expect(thrownBy(() => new MessageFrames('text' as never))).toEqual(invalid)
  expect(thrownBy(() => new MessageFrames(new Uint8Array(11), { maxMessageBytes: 10 }))).toEqual(outOfRange)
  const assembler = new MessageAssembler()
  expect(thrownBy(() => assembler.push('text' as never))).toEqual(invalid)
  expect(assembler.push(framesOf(Uint8Array.of(1)))).toHaveLength(1)
})
