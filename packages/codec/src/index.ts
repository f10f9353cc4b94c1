export { decodeValue } from './decode.js'
export { encodeThrown, encodeValue } from './encode.js'
export { type EncodedBytes, encodeBytes, toBytes } from './encode-bytes.js'
export type { Boundary, Encoded } from './encoded.js'
export { CorruptError, NotCloneableError, RemoteError } from './errors.js'
export {
  MessageAssembler,
  type MessageAssemblerOptions,
  MessageFrames,
  type MessageFramesOptions,
} from './message-frames.js'
export { fromBytes, readBytes } from './read-bytes.js'
