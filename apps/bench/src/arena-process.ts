import { Absent, type DuelRunner, type Verdict } from './arena.js'

/** Runs one duel and sends its outcome to the process that started this one. */
async function main([module = '', name = '', sizes = '{}']: readonly string[]): Promise<Verdict> {
  try {
    const { duels } = (await import(module)) as { duels: Record<string, DuelRunner> }
    const run = duels[name]
    if (run === undefined) throw new Error(`there is no duel ${name}`)
    return await run(JSON.parse(sizes))
  } catch (error) {
    if (error instanceof Absent) return { skipped: error.message }
    return { skipped: String(error), failed: true }
  }
}

process.once('disconnect', () => process.exit(1))
const verdict = await main(process.argv.slice(2))
process.send?.(verdict, () => process.exit(0))
