export declare class SegmentThread {
  constructor(job: string, data?: object)
  next(): Promise<{ holding?: true; result?: unknown; buffer?: SharedArrayBuffer }>
  result(): Promise<unknown>
  terminate(): Promise<void>
}
