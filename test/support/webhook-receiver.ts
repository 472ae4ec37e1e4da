import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A message as it came. */
export interface Posted {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly id: string
  readonly body: string
  readonly message: { readonly type: string; readonly data: Record<string, unknown> }
}

/** What answers a message; left out: 204. */
export type Answering = (posted: Posted, response: ServerResponse) => number | Promise<number | undefined> | undefined

/** A server to which webhooks post, on loopback. What each path is answered can be said, and changed. */
export async function webhookReceiver(t: Test) {
  const posted: Posted[] = []
  const answers = new Map<string, Answering>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString()
      const path = request.url ?? ''
      const { headers } = request
      const one: Posted = { path, headers, id: String(headers['webhook-id']), body, message: JSON.parse(body) }
      posted.push(one)
      const status = await answers.get(path)?.(one, response)
      if (!response.writableEnded && !response.destroyed) response.writeHead(status ?? 204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    /** All that came to a path, in this order. */
    at: (path: string) => posted.filter((one) => one.path === path),
    answer: (path: string, answering: Answering) => answers.set(path, answering),
    take: (path: string) => answers.delete(path),
  }
}
