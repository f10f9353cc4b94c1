/** What is asked ends by `end`; what it ends with is in `endings`. */
export class NaiveQueue {
  items = []
  puts = []
  gets = []
  joins = []
  finishing = []
  endings = {}
  putCount = 0
  highestSize = 0
  unfinished = 0
  closed = undefined
  now = 0

  constructor(capacity) {
    this.capacity = capacity
  }

  get waiters() {
    return [...this.puts, ...this.gets, ...this.joins]
  }

  get timers() {
    const timed = this.waiters.filter(({ deadline }) => deadline !== Number.POSITIVE_INFINITY).length
    return timed + (timed < this.waiters.length ? 1 : 0)
  }

  put(id, signal, timeout = Number.POSITIVE_INFINITY) {
    if (this.closed) this.endings[id] = 'ERR_CLOSED'
    else if (this.items.length < this.capacity) {
      this.endings[id] = 'put'
      this.items.push(id)
      this.count()
    } else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.puts.push({ id, signal, deadline: this.now + timeout })
  }

  tryPut(id) {
    if (this.closed) return 'ERR_CLOSED'
    if (this.items.length >= this.capacity) return false
    this.items.push(id)
    this.count()
    return true
  }

  /** `form` is 'get', 'getMany' or 'next'. */
  get(id, form, most, signal, timeout = Number.POSITIVE_INFINITY) {
    if (this.items.length > 0) {
      const items = this.take(form === 'getMany' ? most : 1)
      this.endings[id] = form === 'getMany' ? items : items[0]
    } else if (this.closed) this.endings[id] = this.closedEnding(form)
    else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.gets.push({ id, form, most, signal, deadline: this.now + timeout })
  }

  tryGet() {
    if (this.items.length > 0) return this.take(1)
    return this.closed ? 'ERR_CLOSED' : undefined
  }

  clear() {
    const items = this.items.splice(0)
    this.moveUp()
    this.done(items.length)
    return items
  }

  taskDone(count) {
    if (count > this.unfinished - this.items.length) return 'ERR_OVER_RELEASE'
    this.done(count)
    return undefined
  }

  join(id, signal, timeout = Number.POSITIVE_INFINITY) {
    if (this.unfinished === 0) this.endings[id] = 'joined'
    else if (timeout === 0) this.endings[id] = 'ERR_TIMEOUT'
    else this.joins.push({ id, signal, deadline: this.now + timeout })
  }

  close(withReason) {
    if (this.closed) return
    this.closed = { withReason }
    for (const { id } of this.puts.splice(0)) this.endings[id] = 'ERR_CLOSED'
    for (const { id, form } of this.gets.splice(0)) this.endings[id] = this.closedEnding(form)
  }

  abort(signal) {
    this.end((waiter) => waiter.signal === signal, 'aborted')
  }

  pass(ms) {
    this.now += ms
    this.end(({ deadline }) => deadline <= this.now, 'ERR_TIMEOUT')
  }

  /** Lets those go on who were given their first item and take what else is there. */
  settle() {
    for (const { id, most } of this.finishing.splice(0)) this.endings[id].push(...this.take(most - 1))
  }

  end(isMeant, ending) {
    for (const line of [this.puts, this.gets, this.joins])
      for (const waiter of line.filter(isMeant)) {
        line.splice(line.indexOf(waiter), 1)
        this.endings[waiter.id] = ending
      }
  }

  count() {
    this.putCount += 1
    this.unfinished += 1
    const getter = this.gets.shift()
    if (getter?.form === 'getMany') {
      this.endings[getter.id] = [this.items.shift()]
      this.finishing.push(getter)
    } else if (getter) this.endings[getter.id] = this.items.shift()
    this.highestSize = Math.max(this.highestSize, this.items.length)
  }

  take(most) {
    const items = this.items.splice(0, most)
    this.moveUp()
    return items
  }

  moveUp() {
    while (this.puts.length > 0 && this.items.length < this.capacity) {
      const { id } = this.puts.shift()
      this.endings[id] = 'put'
      this.items.push(id)
      this.count()
    }
  }

  done(count) {
    this.unfinished -= count
    if (this.unfinished === 0) for (const { id } of this.joins.splice(0)) this.endings[id] = 'joined'
  }

  closedEnding(form) {
    return form === 'next' && !this.closed.withReason ? 'done' : 'ERR_CLOSED'
  }
}
