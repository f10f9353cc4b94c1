// How `changeset version` writes a CHANGELOG.md: for users, who look for what changed and not for commits.

/** One change. Its text is the changeset's own. */
async function getReleaseLine({ summary }) {
  const [first, ...others] = summary.trim().split('\n')
  return [`- ${first}`, ...others.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')
}

/** The packages of the family that it was released with. */
async function getDependencyReleaseLine(_changesets, dependencies) {
  if (dependencies.length === 0) return ''
  return `- Goes with ${dependencies.map(({ name, newVersion }) => `\`${name}\` ${newVersion}`).join(', ')}.`
}

module.exports = { getReleaseLine, getDependencyReleaseLine }
