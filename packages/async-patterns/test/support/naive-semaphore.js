export class NaiveSemaphore {
  waiting = []
  grants = []
  endings = {}
  guards = new Map()
  closed = false
  now = 0

  constructor(permits, bound) {
    this.free = permits
    this.bound = bound
  }

  get timers() {
    const timed = this.waiting.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY).length
    return timed + (timed < this.waiting.length ? 1 : 0)
  }

  acquire(id, permits, signal, timeout = Number.POSITIVE_INFINITY) {
    if (permits > this.bound) this.endings[id] = 'ERR_OUT_OF_RANGE'
    else if (this.closed) this.endings[id] = 'ERR_CLOSED'
    else if (this.waiting.length === 0 && permits <= this.free) this.grant(id, permits)
    else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.waiting.push({ id, permits, signal, deadline: this.now + timeout })
  }

  tryAcquire(id, permits) {
    if (permits > this.bound) return 'ERR_OUT_OF_RANGE'
    if (this.closed) return 'ERR_CLOSED'
    if (this.waiting.length > 0 || permits > this.free) return 'refused'
    this.grant(id, permits)
    return 'done'
  }

  release(permits) {
    if (this.free + permits > this.bound) return 'ERR_OVER_RELEASE'
    this.free += permits
    this.serve()
    return 'done'
  }

  releaseGuard(id) {
    const guard = this.guards.get(id)
    if (!guard.held) return 'done'
    const outcome = this.release(guard.permits)
    if (outcome === 'done') guard.held = false
    return outcome
  }

  detachGuard(id) {
    this.guards.get(id).held = false
    return 'done'
  }

  guard(id) {
    const { held, permits } = this.guards.get(id)
    return [held, permits]
  }

  abort(signal) {
    for (const waiter of this.waiting.filter((waiter) => waiter.signal === signal)) this.end(waiter, 'aborted')
    this.serve()
  }

  pass(ms) {
    const until = this.now + ms
    for (;;) {
      const [due] = this.waiting.filter(({ deadline }) => deadline <= until).sort((a, b) => a.deadline - b.deadline)
      if (due === undefined) break
      this.end(due, 'ERR_TIMEOUT')
      this.serve()
    }
    this.now = until
  }

  close() {
    this.closed = true
    while (this.waiting.length > 0) this.end(this.waiting[0], 'ERR_CLOSED')
  }

  serve() {
    while (this.waiting.length > 0 && this.waiting[0].permits <= this.free) {
      const { id, permits } = this.waiting.shift()
      this.grant(id, permits)
    }
  }

  grant(id, permits) {
    this.free -= permits
    this.guards.set(id, { permits, held: true })
    this.grants.push(id)
    this.endings[id] = 'granted'
  }

  end(waiter, ending) {
    this.waiting.splice(this.waiting.indexOf(waiter), 1)
    this.endings[waiter.id] = ending
  }
}
