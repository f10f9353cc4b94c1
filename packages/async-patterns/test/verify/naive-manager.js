export class NaiveManager {
  begun = []
  admitted = []
  endings = {}
  bodies = []
  #options
  #max
  #queue = []
  #room = []
  #running = []
  #tasks = []
  #timers = []
  #idle = []
  #ends = []
  #aborting
  #now = 0
  #closed = false
  #paused = false
  #counts = { succeeded: 0, failed: 0, cancelled: 0, timedOut: 0, dropped: 0, refused: 0, abandoned: 0 }

  constructor(options) {
    this.#options = options
    this.#max = options.maxConcurrent
  }

  get stats() {
    const [running, queued, waitingForRoom] = [this.#running.length, this.#queue.length, this.#room.length]
    return { maxConcurrent: this.#max, running, queued, waitingForRoom, ...this.#counts }
  }

  run(given) {
    const task = { ...given, state: 'new' }
    this.#tasks.push(task)
    if (this.#closed) return this.#settle(task, 'refused', 'ERR_CLOSED')
    if (!this.#paused && this.#head === undefined && this.#fits(task)) return this.#start(task)
    if (task.queueTimeout === 0) return this.#settle(task, 'timedOut', 'ERR_TIMEOUT')
    this.#at(
      task.queueTimeout,
      task,
      () => task.state === 'waits',
      () => this.#giveUp(task, 'timedOut', 'ERR_TIMEOUT'),
    )
    task.state = 'waits'
    this.#enqueue(task)
    this.#pump()
  }

  #enqueue(task) {
    const { maxQueued, whenFull } = this.#options
    if (this.#queue.length < maxQueued) {
      this.#queue.push(task)
      this.#admit(task)
    } else if (whenFull === 'wait') this.#room.push(task)
    else if (whenFull === 'reject') this.#settle(task, 'refused', 'ERR_TIMEOUT')
    else {
      const lowest = Math.min(...this.#queue.map(({ priority }) => priority))
      const oldest = this.#queue.find(({ priority }) => priority === lowest)
      const dropsOld = whenFull === 'drop-oldest' && oldest !== undefined && lowest <= task.priority
      this.#admit(task)
      if (dropsOld) {
        this.#queue = this.#queue.filter((other) => other !== oldest)
        this.#queue.push(task)
      }
      this.#settle(dropsOld ? oldest : task, 'dropped', 'ERR_TASK_DROPPED')
    }
  }

  #admit(task) {
    if (task.isSubmitted && !this.admitted.includes(task.id)) this.admitted.push(task.id)
  }

  #firstOf(tasks) {
    const highest = Math.max(...tasks.map(({ priority }) => priority))
    return tasks.find(({ priority }) => priority === highest)
  }

  get #head() {
    return this.#firstOf(this.#queue) ?? this.#firstOf(this.#room)
  }

  get #used() {
    return this.#running.reduce((sum, { weight }) => sum + weight, 0)
  }

  #fits({ weight }) {
    return this.#used === 0 || this.#used + weight <= this.#max
  }

  #pump() {
    while (!this.#paused && this.#head !== undefined && this.#fits(this.#head)) {
      const head = this.#head
      if (head.signal !== undefined && head.signal === this.#aborting) this.#giveUp(head, 'cancelled', 'aborted')
      else {
        this.#leaveLine(head)
        this.#start(head)
      }
    }
    if (this.#head === undefined && this.#running.length === 0)
      for (const id of this.#idle.splice(0)) this.endings[id] = 'idle'
  }

  #leaveLine(task) {
    this.#room = this.#room.filter((other) => other !== task)
    this.#queue = this.#queue.filter((other) => other !== task)
    while (this.#queue.length < this.#options.maxQueued && this.#room.length > 0) {
      const next = this.#firstOf(this.#room)
      this.#room = this.#room.filter((other) => other !== next)
      this.#queue.push(next)
      this.#admit(next)
    }
  }

  #start(task) {
    this.#admit(task)
    task.state = 'running'
    this.#running.push(task)
    this.begun.push(task.id)
    this.bodies.push(task.id)
    this.#at(
      task.timeout,
      task,
      () => task.state === 'running',
      () => this.#giveUp(task, 'timedOut', 'ERR_TIMEOUT'),
    )
  }

  #settle(task, how, ending) {
    task.state = 'settled'
    this.endings[task.id] = ending
    this.#counts[how] += 1
  }

  #giveUp(task, how, ending) {
    if (task.state === 'running') {
      this.#settle(task, how, ending)
      const hasPlace = () => this.#running.includes(task)
      this.#at(this.#options.abortGrace, task, hasPlace, () => {
        this.#counts.abandoned += 1
        this.#vacate(task)
      })
    } else if (task.state === 'waits') {
      this.#leaveLine(task)
      this.#settle(task, how, ending)
      this.#pump()
    }
  }

  #vacate(task) {
    this.#running = this.#running.filter((other) => other !== task)
    this.#pump()
  }

  end(id, ok) {
    this.bodies = this.bodies.filter((other) => other !== id)
    this.#ends.push({ task: this.#tasks.find((task) => task.id === id), ok })
  }

  turn() {
    for (const { task, ok } of this.#ends.splice(0)) {
      if (task.state === 'running') this.#settle(task, ok ? 'succeeded' : 'failed', ok ? 'done' : 'failed')
      if (this.#running.includes(task)) this.#vacate(task)
    }
  }

  onIdle(id) {
    this.#idle.push(id)
    if (this.#head === undefined && this.#running.length === 0) {
      this.#idle.pop()
      this.endings[id] = 'idle'
    }
  }

  abort(signal) {
    this.#aborting = signal
    for (const task of this.#tasks) if (task.signal === signal) this.#giveUp(task, 'cancelled', 'aborted')
    for (const task of this.#tasks) if (task.signal === signal) task.signal = undefined
    this.#aborting = undefined
  }

  cancel(id) {
    const task = this.#tasks.find((other) => other.id === id)
    if (task.state === 'settled') return false
    this.#giveUp(task, 'cancelled', 'cancelled')
    return true
  }

  pause() {
    this.#paused = true
  }

  resume() {
    this.#paused = false
    this.#pump()
  }

  setMaxConcurrent(most) {
    this.#max = most
    this.#pump()
  }

  #empty(how, ending) {
    const all = [...this.#queue, ...this.#room]
    this.#queue = []
    this.#room = []
    for (const task of all) this.#settle(task, how, ending)
    return all.length
  }

  clear() {
    const cleared = this.#empty('dropped', 'ERR_TASK_DROPPED')
    this.#pump()
    return cleared
  }

  drain() {
    this.#closed = true
    this.resume()
  }

  terminate() {
    this.#closed = true
    this.#empty('cancelled', 'ERR_CLOSED')
    for (const task of this.#running) this.#giveUp(task, 'cancelled', 'ERR_CLOSED')
    this.resume()
  }

  /** A timer that counts only if `stillHolds` when it fires. */
  #at(ms, task, stillHolds, action) {
    if (ms !== Number.POSITIVE_INFINITY) this.#timers.push({ due: this.#now + ms, task, stillHolds, action })
  }

  pass(ms) {
    const until = this.#now + ms
    for (;;) {
      const next = Math.min(...this.#timers.map(({ due }) => due))
      if (next > until) break
      this.#now = next
      const timer = this.#timers.find(({ due }) => due === next)
      this.#timers = this.#timers.filter((other) => other !== timer)
      if (timer.stillHolds()) timer.action()
      this.turn()
    }
    this.#now = until
  }
}
