/** What a keeper process runs. This module stays in the folder of that file: then the address is right in build/ and in dist/. */
export const keeperAddress = new URL('./server-keeper.js', import.meta.url)
