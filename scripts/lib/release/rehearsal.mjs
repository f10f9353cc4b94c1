import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { compile, tsc7 } from '../compile.mjs'
import { expectSame, promisedOutput, readExample, runFile, writeAsJavaScript } from '../examples.mjs'
import { root } from '../root.mjs'
import { ask, packAll, pendingChangesets, publishable } from './packages.mjs'
import { openRegistry } from './registry.mjs'

const scope = '@heddle'
/** The package that a new project installs. */
const folderOfFirst = 'worker-pool'
/** What is no part of the sources, wherever it is: `.npmrc` says who somebody is and where they publish. */
const left = new Set([
  '.npmrc',
  '.git',
  '.tools',
  '.turbo',
  '.results',
  'node_modules',
  'build',
  'dist',
  'coverage',
  'api',
])

/** Does all that a release does, in `folder`. Resolves with the exit code; rejects with what went wrong. */
export async function rehearse(folder, signal) {
  const upstream = await ask('npm', ['config', 'get', 'registry'], signal, { cwd: tmpdir() })
  const repository = join(folder, 'repository')
  cpSync(root, repository, { recursive: true, filter: (path) => !left.has(basename(path)) })
  await ask('pnpm', ['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'], signal, {
    cwd: repository,
  })
  await ask('turbo', ['run', 'build', '--filter=./packages/*'], signal, { cwd: repository })
  console.log('ok    all packages build from nothing')
  const pending = pendingChangesets(repository)
  if (pending.length > 0) console.log(`note  not applied yet: ${pending.join(', ')}; see \`npm run version-packages\``)

  const versions = await packAll(repository, join(folder, 'tarballs'), signal)
  const registry = await openRegistry(scope, `${upstream.replace(/\/*$/, '')}/`)
  try {
    const env = environmentOf(registry, folder)
    await publishThere(registry, repository, versions, env, signal)
    await tryOut(registry, join(folder, 'project'), versions, env, signal)
  } finally {
    registry.close()
  }
  console.log('\nthe rehearsal went well: nothing was published')
  return 0
}

/**
 * This process's environment without a word of any other registry, nor of who we are there. npm, pnpm and changesets each read
 * settings of their own, in files and in variables, in upper and in lower case: at home there are none.
 */
function environmentOf({ url }, folder) {
  const [home, config, noConfig] = ['home', 'npmrc', 'no-npmrc'].map((name) => join(folder, name))
  mkdirSync(home)
  writeFileSync(config, settingsOf(url))
  writeFileSync(noConfig, '')
  const kept = Object.entries(process.env).filter(([name]) => !/^p?npm_config_/i.test(name) && !/token/i.test(name))
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: home,
    npm_config_registry: url,
    pnpm_config_registry: url,
    npm_config_userconfig: config,
    npm_config_globalconfig: noConfig,
    // Packages that the tools of this repository may find are no part of the new project.
    NODE_PATH: '',
  }
}

const settingsOf = (url) => `registry=${url}\n${scope}:registry=${url}\n//${new URL(url).host}/:_authToken=rehearsal\n`

async function publishThere(registry, repository, versions, env, signal) {
  // Those of a project win over all others.
  writeFileSync(join(repository, '.npmrc'), settingsOf(registry.url))
  const options = { cwd: repository, env }
  for (const tool of ['npm', 'pnpm'])
    for (const key of ['registry', `${scope}:registry`]) {
      const target = await ask(tool, ['config', 'get', key], signal, options)
      if (target !== registry.url) throw new Error(`${tool} would publish to ${target}: it is set as ${key} somewhere`)
    }
  for (const folder of publishable(repository)) {
    const cwd = join(repository, 'packages', folder)
    if (JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')).publishConfig?.registry !== undefined)
      throw new Error(`the package.json of ${folder} names a registry of its own`)
    const target = await ask('pnpm', ['publish', '--dry-run', '--no-git-checks'], signal, { ...options, cwd })
    if (!target.includes(registry.url)) throw new Error(`pnpm would publish ${folder} to another registry:\n${target}`)
  }
  const said = await ask('changeset', ['publish', '--no-git-tag'], signal, options)
  const missing = [...versions].filter(([name, version]) => !registry.published().get(name)?.includes(version))
  if (missing.length > 0) throw new Error(`not published: ${missing.map(([name]) => name).join(', ')}\n${said}`)
  console.log(`ok    changeset publish brings all ${versions.size} of them to the registry`)
}

/** As somebody does who has read about one package. */
async function tryOut(registry, project, versions, env, signal) {
  const name = `${scope}/${folderOfFirst}`
  const source = join(root, 'packages', folderOfFirst)
  const promised = promisedOutput(source)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), `${JSON.stringify({ private: true, type: 'module' }, null, 2)}\n`)
  writeFileSync(join(project, '.npmrc'), settingsOf(registry.url))
  await ask('npm', ['install', name, '--no-audit', '--no-fund', '--loglevel=error'], signal, { cwd: project, env })
  const ours = readdirSync(join(project, 'node_modules', scope)).map((folder) => `${scope}/${folder}`)
  const others = readdirSync(join(project, 'node_modules')).filter((folder) => !/^[@.]/.test(folder))
  const { version } = JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8'))
  if (version !== versions.get(name)) throw new Error(`npm installed ${name} ${version}, and not ${versions.get(name)}`)
  console.log(`ok    a new project installs ${name} ${version} and gets ${[...ours, ...others].sort().join(', ')}`)

  writeAsJavaScript(source, join(project, 'javascript'))
  expectSame(await runFile(join(project, 'javascript', 'main.js'), project, { signal }), promised)
  console.log('ok    its quick start in JavaScript prints what is promised')

  const typescript = join(project, 'typescript')
  mkdirSync(typescript)
  for (const file of readExample(source)) writeFileSync(join(typescript, file.name), file.source)
  await compile(tsc7, typescript, { rootDir: '.', outDir: 'out' }, ['*.ts'], { signal })
  expectSame(await runFile(join(typescript, 'out', 'main.js'), project, { signal }), promised)
  console.log('ok    and in TypeScript (strict, skipLibCheck: false)')
}
