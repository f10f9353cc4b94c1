/** Where a worker finds a task's function: the module that defines it, and its name there. */
export interface TaskAddress {
  readonly moduleUrl: string
  readonly name: string
}
