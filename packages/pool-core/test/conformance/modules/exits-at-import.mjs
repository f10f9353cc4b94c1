// A task module that no worker survives. The test reads how often it was tried.
import { appendFileSync } from 'node:fs'

appendFileSync(`${process.env.HEDDLE_TEST_DIR}/log`, 'import\n')
process.exit(5)
