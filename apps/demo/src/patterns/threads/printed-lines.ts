import { ThreadSafeQueue } from '@heddle/ipc-channels'

/**
 * Prints each line that threads put into the queue while `work` goes on, and gives them all. A queue has one order for all
 * threads; messages of several threads to this one have none.
 */
export async function printedLines(
  print: (line: string) => void,
  work: (lines: ThreadSafeQueue<string>) => Promise<unknown>,
): Promise<string[]> {
  const lines = new ThreadSafeQueue<string>()
  const printed: string[] = []
  const printing = (async () => {
    for await (const line of lines) {
      print(line)
      printed.push(line)
    }
  })()
  try {
    await work(lines)
  } finally {
    lines.close()
    await printing
  }
  return printed
}
