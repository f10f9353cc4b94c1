export class NaiveBatchProcessor {
  now = 0
  endings = {}
  calls = []
  flushed = {}
  failed = []
  counts = { items: 0, batches: 0, failedItems: 0, failedBatches: 0, retries: 0 }
  cuts = { size: 0, bytes: 0, timer: 0, flush: 0 }
  closed = false
  terminated = false
  armed = 0

  constructor(settings) {
    this.settings = settings
    this.line = [this.emptyBatch()]
  }

  emptyBatch() {
    return { items: [], phase: 'open', due: undefined, isDue: false, attempt: 0 }
  }

  get open() {
    return this.line.at(-1)
  }

  get atWork() {
    return this.line.filter(({ phase }) => phase === 'work' || phase === 'retry')
  }

  get running() {
    return this.line.filter(({ phase }) => phase === 'work')
  }

  get size() {
    return this.line.flatMap(({ items }) => items).length
  }

  /** The moments at which something is due, in the order in which timers for them were set. */
  get timers() {
    const ofItems = this.line.flatMap(({ items }) => items.filter(({ due }) => due !== undefined))
    return [...this.line.filter(({ due }) => due !== undefined), ...ofItems].sort((a, b) => a.armed - b.armed)
  }

  add(item) {
    const { batchSize, maxBytes, flushInterval, maxPending } = this.settings
    if (this.closed) this.endings[item.id] = 'ERR_CLOSED'
    else if (item.timeout === 0 && this.size >= maxPending) this.endings[item.id] = 'QueueFullError'
    else {
      const bytesOf = (batch) => batch.items.reduce((sum, { bytes }) => sum + bytes, 0)
      if (this.open.items.length > 0 && bytesOf(this.open) + item.bytes > maxBytes) this.cut('bytes')
      const batch = this.open
      if (batch.items.length === 0) Object.assign(batch, { due: this.now + flushInterval, armed: ++this.armed })
      const due = item.timeout > 0 && item.timeout < Number.POSITIVE_INFINITY ? this.now + item.timeout : undefined
      const isLimited = due !== undefined || item.signal !== undefined
      const kind = item.kind === 'told' && !isLimited ? 'shared' : item.kind
      batch.items.push({ ...item, kind, due, armed: ++this.armed })
      this.counts.items += 1
      if (batch.items.length >= Math.min(batchSize, maxPending)) this.cut('size')
      else if (bytesOf(batch) >= maxBytes) this.cut('bytes')
    }
    this.serve()
  }

  cut(cause) {
    Object.assign(this.open, { phase: 'cut', due: undefined })
    this.cuts[cause] += 1
    this.line.push(this.emptyBatch())
  }

  serve() {
    for (;;) {
      const batch = this.line.find(({ phase }) => phase === 'cut' || phase === 'open')
      if (batch.phase === 'open' && !batch.isDue) return
      const { maxConcurrentBatches, maxPending } = this.settings
      const items = this.atWork.flatMap(({ items }) => items)
      if (batch.items.length === 0) {
        this.remove(batch)
        continue
      }
      if (this.atWork.length >= maxConcurrentBatches || items.length + batch.items.length > maxPending) return
      if (batch.phase === 'open') this.cut('timer')
      this.begin(batch)
    }
  }

  begin(batch) {
    batch.phase = 'work'
    batch.attempt += 1
    this.calls.push([batch.attempt, ...batch.items.map(({ id }) => id)])
  }

  remove(batch) {
    this.line.splice(this.line.indexOf(batch), 1)
    for (const [id, batches] of Object.entries(this.waitedFor ?? {})) {
      this.waitedFor[id] = batches.filter((other) => other !== batch)
      if (this.waitedFor[id].length > 0) continue
      this.flushed[id] = 'flushed'
      delete this.waitedFor[id]
    }
  }

  end(item, ending) {
    this.endings[item.id] ??= ending
  }

  /** `outcome` is 'throws', 'short', 'odd', 'void', or a function that tells which items are errors. */
  complete(which, outcome) {
    const batch = this.running[which % this.running.length]
    if (batch === undefined) return
    const { items } = batch
    const isBroken = outcome === 'short' || outcome === 'odd'
    if (outcome === 'throws' && !this.terminated && batch.attempt < this.settings.maxAttempts) {
      this.counts.retries += 1
      const due = this.now + this.settings.retryDelay * 2 ** (batch.attempt - 1)
      Object.assign(batch, { phase: 'retry', due, armed: ++this.armed })
      return
    }
    this.counts.batches += 1
    if (outcome === 'throws' || isBroken) {
      this.counts.failedItems += items.length
      this.counts.failedBatches += 1
      for (const item of items) this.end(item, isBroken ? 'ERR_INVALID_ARG' : 'thrown')
      this.failed.push(items.map(({ id }) => id))
    } else {
      const isError = (item) => typeof outcome === 'function' && outcome(item.id)
      const isShared = (item) => item.kind === 'shared'
      const spoilt = items.some((item) => isShared(item) && isError(item))
      for (const item of items) {
        if (isShared(item)) this.end(item, spoilt ? 'AggregateError' : 'nothing')
        else if (isError(item)) this.end(item, 'own error')
        else this.end(item, item.kind === 'told' || outcome === 'void' ? 'nothing' : `result ${item.id}`)
        if (!isError(item)) continue
        this.counts.failedItems += 1
        this.failed.push([item.id])
      }
    }
    this.remove(batch)
    this.serve()
  }

  giveUp(item, reason) {
    const batch = this.line.find(({ items }) => items.includes(item))
    const hasBegun = batch.phase === 'work' || batch.phase === 'retry'
    this.end(item, reason ?? (hasBegun ? 'TimeoutError' : 'QueueFullError'))
    Object.assign(item, { due: undefined, signal: undefined })
    if (!hasBegun) {
      batch.items.splice(batch.items.indexOf(item), 1)
      if (batch.phase === 'open' && batch.items.length === 0) Object.assign(batch, { due: undefined, isDue: false })
    }
  }

  /** All of one signal are gone before anything else can begin. */
  abort(signal) {
    for (const batch of this.line.slice())
      for (const item of batch.items.slice()) if (item.signal === signal) this.giveUp(item, 'aborted')
    this.serve()
  }

  /** The time of the next timer, up to `until`; it has fired then. */
  step(until) {
    const [first] = this.timers.filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)
    this.now = first?.due ?? until
    if (first === undefined) return
    if (first.items === undefined) {
      this.giveUp(first)
      this.serve()
    } else {
      first.due = undefined
      if (first.phase === 'open') first.isDue = true
      else this.begin(first)
      this.serve()
    }
  }

  flush(id) {
    if (this.open.items.length > 0) this.cut('flush')
    this.waitedFor ??= {}
    const batches = this.line.slice(0, -1)
    if (batches.length === 0) this.flushed[id] = 'flushed'
    else this.waitedFor[id] = batches
    this.serve()
  }

  close(id) {
    this.closed = true
    this.flush(id)
  }

  terminate() {
    this.closed = this.terminated = true
    const lost = this.line.filter(({ phase }) => phase !== 'work')
    const items = lost.flatMap(({ items }) => items)
    for (const item of items) this.end(item, 'ERR_CLOSED')
    this.line.push(this.emptyBatch())
    for (const batch of lost) this.remove(batch)
    return items.map(({ id }) => id)
  }
}
