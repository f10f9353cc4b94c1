import { runCall, type Slot, type TaskCall, type TaskReply } from '@heddle/pool-core'

/** The simplest slot: the calls run in this very thread, so there is no worker to start or to end. */
export class HereSlot implements Slot {
  async ready(): Promise<void> {}

  /** Finds the task by its address, as a worker would, and answers even if it throws. */
  async run(call: TaskCall): Promise<TaskReply> {
    return await runCall(call, 'thread')
  }

  async kill(): Promise<void> {}

  async close(): Promise<void> {}
}
