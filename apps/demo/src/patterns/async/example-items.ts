import { setTimeout as pause } from 'node:timers/promises'

/** The document's example producer; it works for 10 ms instead of 100. */
export async function exampleAsyncProducer(): Promise<string> {
  await pause(10)
  return `Async_Item_${Date.now() / 1_000}`
}

/** The document's example consumer; it works for 5 ms instead of 50. */
export async function exampleAsyncConsumer(item: string, print: (line: string) => void): Promise<void> {
  print(`Processing async: ${item}`)
  await pause(5)
}
