import workerpool from 'workerpool'

workerpool.worker({ increment: (n: number) => n + 1 })
