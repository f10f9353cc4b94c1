import { equal } from 'node:assert/strict'
import fc from 'fast-check'

export class Wait {
  controller = new AbortController()
  outcome = 'pending'

  constructor(begin, weight = 1) {
    this.weight = weight
    this.ended = begin({ signal: this.controller.signal }).then(
      (value) => {
        this.outcome = value
      },
      (error) => {
        this.outcome = error.code ?? error
      },
    )
  }

  async leave() {
    this.controller.abort('left')
    await this.ended
    equal(this.outcome, 'left')
  }
}

export function codeOf(call) {
  try {
    call()
    return undefined
  } catch (error) {
    return error.code
  }
}

export const at = (items, which) => items[which % Math.max(items.length, 1)]

export function operations(weights, maxLength = 25) {
  const kinds = Object.entries(weights).map(([name, weight]) => ({
    weight,
    arbitrary: fc.record({ name: fc.constant(name), number: fc.nat(30) }),
  }))
  return fc.array(fc.oneof(...kinds), { maxLength })
}
