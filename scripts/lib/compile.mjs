import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture } from './capture.mjs'
import { root } from './root.mjs'

export const tsc7 = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc')
export const tsc6 = join(root, 'node_modules', 'typescript', 'bin', 'tsc6')

/** The options of a consumer who wants to know everything. */
const compilerOptions = {
  target: 'ES2022',
  lib: ['ES2022', 'ESNext.Disposable'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  // Node's types are the consumer's own and do not come with the package.
  types: ['node'],
  typeRoots: [join(root, 'node_modules', '@types')],
}

/** Compiles a consumer's project; rejects with what the compiler says. */
export async function compile(compiler, project, own, include, { signal }) {
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...own }, include }),
  )
  const options = { cwd: project, timeout: 240_000, signal }
  const { ending, stdout, stderr } = await capture(process.execPath, [compiler, '-p', '.'], options)
  if (ending !== 0) throw new Error(`the compiler ended with ${ending}\n${stdout}${stderr}`)
}
