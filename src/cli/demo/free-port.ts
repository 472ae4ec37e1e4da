import { createServer } from 'node:net'

/** Below those that a system gives out by itself: else any connection may take it before it is listened at. */
const LOWEST = 12_000
const COUNT = 20_000
/** How far apart processes that start one after another begin, so that they do not find the same port free. */
const APART = 61

let next = (process.pid * APART) % COUNT

/** A port that nobody listens at on loopback just now, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + next
    next = (next + 1) % COUNT
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
