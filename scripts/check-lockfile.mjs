// check-lockfile.mjs [file]: fails when pnpm-lock.yaml cannot be installed on Linux, macOS and Windows alike.
//
// A package with native code names one package per platform as optional dependencies. When the registry lacks some of them
// at the time of an install, pnpm leaves them out of the lockfile without a word.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/root.mjs'

const required = ['linux', 'darwin', 'win32']
const onePlatform = new Set(['fsevents']) // native code that is for one platform only, by design

const file = process.argv[2] ?? join(root, 'pnpm-lock.yaml')
const { platforms, families } = read(readFileSync(file, 'utf8'))

const problems = []
for (const [parent, members] of families) {
  const served = new Set(members.flatMap((member) => platforms.get(member) ?? []))
  const missing = required.filter((os) => !served.has(os))
  if (missing.length > 0) problems.push(`${parent} has no package for ${missing.join(', ')}: ${members.join(', ')}`)
}
if (families.size === 0) problems.push('no package with native code found: the format of the lockfile has changed')

for (const problem of problems) console.error(problem)
console.log(
  problems.length === 0
    ? `${families.size} packages with native code, each for ${required.join(', ')}`
    : `${file} is not valid for every platform: pin a version whose packages the registry has`,
)
process.exitCode = problems.length === 0 ? 0 : 1

/**
 * The two things asked of a lockfile: the platforms of each package that is limited to some (`platforms`), and for each
 * package the optional dependencies that are such packages (`families`). Read by indentation: the file is written by pnpm.
 */
function read(text) {
  const platforms = new Map()
  const optional = new Map()
  let section
  let entry
  let list
  for (const line of text.split('\n')) {
    const [, indent, rawKey, value] = /^( *)([^\s:].*?):(?: (.*))?$/.exec(line) ?? []
    if (indent === undefined) continue
    const key = rawKey.replace(/^'(.*)'$/, '$1')
    if (indent.length === 0) section = key
    else if (indent.length === 2) entry = key
    else if (indent.length === 4) {
      list = key
      if (section === 'packages' && key === 'os') platforms.set(entry, expand(value.slice(1, -1).split(', ')))
    } else if (indent.length === 6 && section === 'snapshots' && list === 'optionalDependencies') {
      // `name: 1.2.3`, or `alias: name@1.2.3`
      const member = /^(.+)@/.test(value) ? value : `${key}@${value}`
      optional.set(entry, [...(optional.get(entry) ?? []), member.replace(/\(.*$/, '')])
    }
  }
  const native = (member) => platforms.has(member) && !onePlatform.has(member.slice(0, member.lastIndexOf('@')))
  const families = [...optional].map(([parent, members]) => [parent, members.filter(native)])
  return { platforms, families: new Map(families.filter(([, members]) => members.length > 0)) }
}

function expand(names) {
  const excluded = names.filter((name) => name.startsWith('!')).map((name) => name.slice(1))
  return excluded.length > 0 ? required.filter((os) => !excluded.includes(os)) : names
}
