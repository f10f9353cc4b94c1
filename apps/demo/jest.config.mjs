import base from '../../jest.config.base.mjs'

/** Tests share helpers, which are TypeScript that only the tests' own compiler sees. */
export default { ...base, moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'] } }
