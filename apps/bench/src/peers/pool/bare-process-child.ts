process.on('message', (n: number) => process.send?.(n + 1))
