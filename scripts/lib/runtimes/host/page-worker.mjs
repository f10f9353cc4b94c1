// A worker in a page.
import { serve } from './run-cases.mjs'

addEventListener(
  'message',
  ({ data }) => {
    void serve(data).then((answer) => postMessage(answer))
  },
  { once: true },
)
