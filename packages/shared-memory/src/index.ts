export type {
  CanonicalType,
  ElementCodes,
  ElementOf,
  ElementType,
  ElementTypeOrCode,
  ElementViews,
} from './element-types.js'
export { SharedArray, type SharedArrayConstructor, type SharedArrayHandle } from './shared-array.js'
export { SharedValue, type SharedValueConstructor, type SharedValueHandle } from './shared-value.js'
