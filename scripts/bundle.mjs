// bundle.mjs [module…]: makes dist/ out of build/, in the folder of a package
//
// A thread or a process that imports a package reads all of its files, and each costs it about a millisecond of processor time:
// of sixty modules one or two files are made. build/ stays for tests of single modules.
// What keeps a file of its own: what `exports` names, and the modules that are named here, which are loaded by their address.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
const named = Object.values(exports).flatMap((target) => /^\.\/dist\/(.+)\.js$/.exec(target.default ?? '')?.[1] ?? [])
const entries = [...named, ...process.argv.slice(2)]

rmSync('dist', { recursive: true, force: true })
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((entry) => [entry, `build/${entry}.js`])),
  // All that is not a file of the package: what it depends on stays what the user has installed.
  external: (id, importer, isResolved) => importer !== undefined && !isResolved && /^[^./]/.test(id),
  platform: 'neutral',
  treeshake: { moduleSideEffects: true },
  // So that the maps lead to src/, which is published, and not to build/.
  plugins: [
    { name: 'maps', load: (id) => ({ code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') }) },
  ],
  onLog(level, log) {
    throw new Error(`${level}: ${log.message}`)
  },
})
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  sourcemap: true,
  sourcemapExcludeSources: true,
  minifyInternalExports: false,
  chunkFileNames: 'shared-[hash].js',
})
await bundle.close()
for (const { fileName, code } of output) {
  // It would show in what Node prints of an object.
  const renamed = /^var (\w+)\$\d+ = class/m.exec(code ?? '')
  if (renamed) throw new Error(`${fileName}: there are two classes ${renamed[1]} in this package`)
}

for (const source of readdirSync('src', { recursive: true }).filter((path) => path.endsWith('.ts')))
  for (const type of ['.d.ts', '.d.ts.map']) {
    const file = source.replace(/\.ts$/, type)
    mkdirSync(dirname(join('dist', file)), { recursive: true })
    copyFileSync(join('build', file), join('dist', file))
  }
