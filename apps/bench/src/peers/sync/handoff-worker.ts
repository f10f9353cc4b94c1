import { workerData } from 'node:worker_threads'
import { type GangData, serve } from './gang.js'
import { type HandoffData, openPair } from './handoff.js'

const data = workerData as GangData & HandoffData
const pairs = await Promise.all(data.pairs.map(openPair))

serve(data, (calls, { which }) => {
  const [question, answer] = pairs[which] as (typeof pairs)[number]
  for (let n = 0; n < calls; n++) {
    question.block()
    answer.send()
  }
})
