/** What is sent: 64 bytes, as many characters, or a small object. */
export type MessageKind = 'bytes' | 'text' | 'object'

/** How messages of one kind are made, and how the other side sees that it got the right one. */
export interface Messages<Message = unknown> {
  /** The message with that number. */
  readonly make: (n: number) => Message
  /**
   * Must be called with each message that has come, in the order in which they came.
   *
   * @throws Error if it is not the one with that number: one was lost, doubled, changed, or overtook another
   */
  readonly check: (message: Message, n: number) => void
}

interface Order {
  readonly id: number
  readonly op: string
  readonly value: number
}

const bytes = 64
const last = bytes - 1
const distinct = 256

/** Made beforehand: what it takes to make bytes is no part of sending them. */
function newBytes(): Messages<Uint8Array> {
  const made = Array.from({ length: distinct }, (_, n) => {
    const message = new Uint8Array(bytes).fill(n)
    message[last] = ~n
    return message
  })
  return {
    make: (n) => made[n & (distinct - 1)] as Uint8Array,
    check: (message, n) => {
      const first = n & (distinct - 1)
      if (message.length !== bytes || message[0] !== first || message[last] !== (~first & 255)) throw wrong(n)
    },
  }
}

function newTexts(): Messages<string> {
  const made = Array.from({ length: distinct }, (_, n) => `${n}`.padStart(bytes, 'x'))
  return {
    make: (n) => made[n & (distinct - 1)] as string,
    check: (message, n) => {
      if (message !== made[n & (distinct - 1)]) throw wrong(n)
    },
  }
}

/** Each of them is a new one. */
function newObjects(): Messages<Order> {
  return {
    make: (n) => ({ id: n, op: 'update', value: n + 0.5 }),
    check: (message, n) => {
      if (message.id !== n || message.op !== 'update' || message.value !== n + 0.5) throw wrong(n)
    },
  }
}

/** Of one kind; only that kind is ever made and checked by the functions that it gives. */
export function messagesOf(kind: MessageKind): Messages {
  switch (kind) {
    case 'bytes':
      return newBytes() as Messages
    case 'text':
      return newTexts() as Messages
    case 'object':
      return newObjects() as Messages
  }
}

function wrong(n: number): Error {
  return new Error(`message ${n} did not come as it was sent, or in its turn`)
}
