import { setImmediate } from 'node:timers/promises'
import { decodeValue, encodeThrown, encodeValue } from '@heddle/codec'

export class ControlledSlot {
  running
  closed = 0
  killing = false
  #owner
  #settle
  #up
  #ready
  #killed
  #killing = Promise.resolve()

  constructor(owner, startsDown) {
    this.#owner = owner
    this.#ready = new Promise((resolve) => {
      this.#up = resolve
    })
    if (!startsDown) this.#up()
  }

  ready() {
    return this.#ready
  }

  run(call) {
    const [first] = decodeValue(call.args)
    if (this.running !== undefined) this.#owner.violated(`call ${first} while ${this.running} runs`)
    if (this.killing) this.#owner.violated(`call ${first} while the slot is being killed`)
    if (this.closed > 0) this.#owner.violated(`call ${first} after close`)
    this.running = first
    this.#owner.began(first)
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  kill() {
    if (this.killing) this.#owner.violated('kill twice')
    if (this.running === undefined) this.#owner.violated('kill of an idle slot')
    const settle = this.#settle
    this.running = undefined
    this.killing = true
    this.#killing = new Promise((resolve) => {
      this.#killed = () => {
        this.killing = false
        settle.reject(new Error('killed'))
        resolve()
      }
    })
    if (this.#owner.killsAtOnce) this.#killed()
    return this.#killing
  }

  async close() {
    this.closed += 1
    if (this.killing) this.#killed()
    if (this.running !== undefined) this.crash(new Error('closed'))
  }

  up() {
    this.#up()
  }

  answer(result) {
    this.reply({ ok: true, outcome: encodeValue(result, 'thread') })
  }

  throwing(error) {
    this.reply({ ok: false, outcome: encodeThrown(error, 'thread') })
  }

  reply(reply) {
    this.running = undefined
    this.#settle.resolve(reply)
  }

  crash(error) {
    this.running = undefined
    this.#settle.reject(error)
  }

  killed() {
    this.#killed()
  }
}

export class ControlledSlots {
  slots = []
  begun = []
  violations = []
  killsAtOnce
  #startsDown

  constructor({ startsDown = false, killsAtOnce = false } = {}) {
    this.#startsDown = startsDown
    this.killsAtOnce = killsAtOnce
  }

  create = () => {
    const slot = new ControlledSlot(this, this.#startsDown)
    this.slots.push(slot)
    return slot
  }

  runs(argument) {
    const slot = this.slots.find(({ running }) => running === argument)
    if (!slot) throw new Error(`no slot runs ${argument}`)
    return slot
  }

  began(argument) {
    this.begun.push(argument)
  }

  violated(what) {
    this.violations.push(what)
  }
}

export async function settled() {
  for (let turn = 0; turn < 3; turn++) await setImmediate()
}
