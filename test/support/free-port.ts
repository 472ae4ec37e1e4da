import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below those that a system gives out by itself: else any connection may take it before it is listened at. */
const [LOWEST, HIGHEST] = [12_000, 32_000]

/** A port that nobody listens at on loopback just now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST)
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
