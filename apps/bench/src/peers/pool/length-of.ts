/** Needs its argument, and answers with next to nothing. */
export default (bytes: ArrayBuffer | ArrayBufferView): number => bytes.byteLength
