import { fileURLToPath } from 'node:url'
import { createDefaultEsmPreset } from 'ts-jest'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Shared by every package. Tests import the package by its own name, so threads, children and tests load the same build. */
export default {
  ...createDefaultEsmPreset({ tsconfig: '<rootDir>/tsconfig.test.json' }),
  testEnvironment: here('./jest.environment.mjs'),
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  reporters: ['default', here('./jest.reporter.mjs')],
  maxWorkers: 1,
  testTimeout: 30_000,
}
