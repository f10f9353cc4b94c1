import { Segment, SharedArray } from '@heddle/shared-memory'
import type { Shipment } from './sharing.js'

process.once('disconnect', () => process.exit(0))
process.on('message', (shipment: Shipment) => process.send?.(lastOf(shipment)))
process.send?.('ready')

function lastOf(shipment: Shipment): number | bigint | undefined {
  if (shipment instanceof Uint8Array) return shipment.at(-1)
  const segment = shipment.segment && Segment.fromHandle(shipment.segment)
  const array = SharedArray.fromHandle(shipment.array)
  const last = array.get(array.length - 1)
  segment?.close()
  return last
}
