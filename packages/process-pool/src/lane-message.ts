/** How a message of the lane is told from those of tinypool and of tasks, which go the same way. */
export interface LaneMessage<Message> {
  readonly heddle: Message
}
