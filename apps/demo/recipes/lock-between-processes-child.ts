import { Segment, type SharedArray } from '@heddle/shared-memory'
import type { Mutex } from '@heddle/sync-primitives'

const segment = Segment.open(process.argv[2] ?? '')
const accounts = segment.get<SharedArray<'int32'>>('accounts')
const lock = segment.get<Mutex>('lock')

lock?.acquireSync()
accounts?.set(0, 70)
// It would go on with accounts.set(1, 30), but is killed here.
process.send?.('half done')
process.once('disconnect', () => process.exit()) // its parent has ended, so that nobody will kill it
