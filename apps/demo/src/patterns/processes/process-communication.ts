import { ProcessCommunication } from '@heddle/ipc-channels'
import { ProcessPoolManager } from '@heddle/process-pool'
import { failureCode } from '../failure-code.js'
import type { Pattern } from '../pattern.js'
import { answer, hangUp } from './shared-tasks.js'

/** A desk asks and a clerk answers: two processes find a queue, a pipe and an event by their names. */
export const processCommunication: Pattern = {
  name: 'process-communication',
  title: 'ProcessCommunication',
  kind: 'class',
  packages: ['@heddle/ipc-channels', '@heddle/shared-memory', '@heddle/process-pool'],
  mends:
    'its names are known only where the object was handed over at the start, and who waits on a pipe never learns that the other side was killed while anybody else holds its end open: here every process opens them by name, and such a wait ends with ERR_PEER_GONE',
  needs: 'process memory',
  async run({ print, signal }) {
    const questions = Array.from({ length: 5 }, (_, n): [number, number] => [3 * n, 4 * n])
    using office = await ProcessCommunication.create({ size: 1 << 20 })
    await using pool = new ProcessPoolManager({ maxWorkers: 1 })
    // With room for two: who asks too fast waits.
    const asked = office.createQueue('questions', { capacity: 2 })
    office.createQueue('answers')
    const isThere = office.createEvent('clerk is there')
    const [desk] = office.createPipe<never, number>('desk')

    const ask = async () => {
      await isThere.wait({ signal })
      print('the clerk is there')
      for (const question of questions) await office.sendMessage('questions', question, { signal })
      asked.close()
    }
    const hear = async () => {
      const answers: number[] = []
      while (answers.length < questions.length) {
        answers.push(await office.receiveMessage<number>('answers', { timeout: 30_000, signal }))
        print(`the clerk says: ${answers.at(-1)}`)
      }
      return answers
    }
    const [answers] = await Promise.all([hear(), ask(), pool.run(answer, [office.name], { signal })])
    const answered = await desk.receive({ signal })
    print(`answered: ${answered}`)
    const failures = [
      await failureCode(signal, () => office.receiveMessage('answers', { timeout: 20 })),
      await failureCode(signal, () => office.sendMessage('question', [1, 1])),
      await failureCode(signal, () => office.receiveMessage('answer')),
    ]

    const [line] = office.createPipe<never, string>('line')
    const [greeting, hungUp] = await Promise.all([
      line.receive({ signal }).then(async (text) => [text, await failureCode(signal, () => line.receive({ signal }))]),
      failureCode(signal, () => pool.run(hangUp, [office.name], { signal })),
    ])
    print(`${String(greeting[0])} – and then the line was dead`)

    return [
      { what: 'the answers', actual: answers, expected: questions.map(([a, b]) => Math.sqrt(a * a + b * b)) },
      { what: 'the pipe says how many', actual: answered, expected: questions.length },
      {
        what: 'no message in time, unknown names',
        actual: failures,
        expected: ['ERR_TIMEOUT', 'ERR_UNKNOWN_NAME', 'ERR_UNKNOWN_NAME'],
      },
      {
        what: 'a killed peer is noticed',
        actual: [...greeting, hungUp],
        expected: ['hello?', 'ERR_PEER_GONE', 'ERR_WORKER_CRASHED'],
      },
    ]
  },
}
