/** A folder that tasks of any worker write to and wait for; it is gone after the test. */
export declare class Gate {
  /** What a task gets as its first argument. */
  readonly dir: string
  /** The labels of the tasks that have begun, in the order of their begin. */
  log(): string[]
  /** Resolves when tasks with these labels have begun. */
  begun(...labels: string[]): Promise<void>
  /** Lets all go that wait, now and later. */
  open(): void
}
