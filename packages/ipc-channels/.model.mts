import { explore } from '@heddle/interleave'
import { topicModels } from './test/model/topic.ts'
for (const row of topicModels) {
  const only = process.argv[2]
  if (only === 'quick' ? !row.quick : only && !row.configuration.includes(only)) continue
  const t0 = performance.now()
  const r = explore(row.options)
  console.log(r.verdict, r.states, Math.round(performance.now() - t0) + ' ms', row.quick ? 'quick' : '', row.configuration)
  if (r.failure) { console.log(r.failure.kind, r.failure.message); console.log(r.failure.trace.slice(-60).join('\n')) }
}
