import { AsyncTaskManager, type AsyncTaskManagerOptions, type TaskContext } from '@heddle/async-patterns'
import { drain } from './fake-clock.ts'

interface Gate {
  readonly resolve: (value: string) => void
  readonly reject: (error: unknown) => void
}

const all = new Set<HeldTasks>()
const managers = new Set<AsyncTaskManager>()

/** A manager that {@link endAll} ends. */
export function managerWith(options?: AsyncTaskManagerOptions): AsyncTaskManager {
  const manager = new AsyncTaskManager(options)
  managers.add(manager)
  return manager
}

/** After a test: lets everything end, so that nothing keeps the process alive. */
export async function endAll(): Promise<void> {
  for (const held of all) held.endAll()
  all.clear()
  await drain()
  for (const manager of managers) manager.resume()
  await drain()
  await drain()
  await Promise.all([...managers].map((manager) => manager.terminate()))
  managers.clear()
}

/** Tasks that note that they have begun, and end when they are told. */
export class HeldTasks {
  /** In the order in which they began. */
  readonly begun: string[] = []
  /** What each of them was given. */
  readonly contexts = new Map<string, TaskContext>()
  readonly #gates = new Map<string, Gate>()
  #isOver = false

  constructor() {
    all.add(this)
  }

  /** A task that resolves with its name. */
  task(name: string): (context: TaskContext) => Promise<string> {
    return (context) => {
      this.begun.push(name)
      this.contexts.set(name, context)
      if (this.#isOver) return Promise.resolve(name)
      return new Promise((resolve, reject) => this.#gates.set(name, { resolve, reject }))
    }
  }

  signal(name: string): AbortSignal {
    const context = this.contexts.get(name)
    if (context === undefined) throw new Error(`${name} has not begun`)
    return context.signal
  }

  end(...names: string[]): void {
    for (const name of names) this.#gate(name).resolve(name)
  }

  fail(name: string, error: unknown): void {
    this.#gate(name).reject(error)
  }

  /** From now on they end as soon as they begin. */
  endAll(): void {
    this.#isOver = true
    this.end(...this.#gates.keys())
  }

  #gate(name: string): Gate {
    const gate = this.#gates.get(name)
    if (gate === undefined) throw new Error(`${name} has not begun`)
    return gate
  }
}
