import { testRows } from './support/suite-claims.ts'

const goals = {
  'mutex-uncontended': '<= 1.6',
  'mutex-exclusive': '<= 1.4',
  'mutex-async': '<= 2',
  'mutex-contended': '>= 50',
  'rwlock-read': '<= 1.8',
  'semaphore-async': '<= 1',
  handoff: '<= 1.3',
  'handoff-async': '<= 1.5',
  'writer-wait': '<= 50',
}

const peers = [
  'python3 threading.Lock',
  'async-mutex (import)',
  'async-mutex (require)',
  'multithreading',
  'async-sema',
]

testRows({ suite: 'sync', goals, peers, calls: 40, haveLimits: true })
