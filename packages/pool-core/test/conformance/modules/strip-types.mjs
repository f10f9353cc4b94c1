// For `--import`: lets a worker load the one TypeScript module beside this file.
import { register } from 'node:module'

register('./strip-types-hooks.mjs', import.meta.url)
