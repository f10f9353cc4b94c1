export const samples = {
  int8: { held: [0, 1, -1, -128, 127], beyond: [-129, 128] },
  uint8: { held: [0, 1, 255], beyond: [-1, 256] },
  uint8Clamped: { held: [0, 1, 255], beyond: [-1, 256] },
  int16: { held: [0, -1, -32_768, 32_767], beyond: [-32_769, 32_768] },
  uint16: { held: [0, 1, 65_535], beyond: [-1, 65_536] },
  int32: { held: [0, -1, -(2 ** 31), 2 ** 31 - 1], beyond: [-(2 ** 31) - 1, 2 ** 31] },
  uint32: { held: [0, 1, 2 ** 32 - 1], beyond: [-1, 2 ** 32] },
  float32: {
    held: [0, -0, 0.5, 2 ** -149, 2 ** 128 - 2 ** 104, 2 ** 104 - 2 ** 128, Infinity, -Infinity, Number.NaN],
    beyond: [],
  },
  float64: {
    held: [0, -0, 0.1, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, Infinity, -Infinity, Number.NaN],
    beyond: [],
  },
  bigint64: { held: [0n, -1n, -(2n ** 63n), 2n ** 63n - 1n], beyond: [-(2n ** 63n) - 1n, 2n ** 63n] },
  biguint64: { held: [0n, 1n, 2n ** 63n, 2n ** 64n - 1n], beyond: [-1n, 2n ** 64n] },
}

export const elementTypes = Object.keys(samples)

export const isBig = (type) => type === 'bigint64' || type === 'biguint64'

export const isFloat = (type) => type === 'float32' || type === 'float64'

export const foreignTo = (type) => [isBig(type) ? 1 : 1n, '1', null, true, {}, [1], Symbol('1')]

export const oddNaN = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0123n]).buffer)[0]
