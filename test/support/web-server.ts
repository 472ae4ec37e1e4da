import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { TlsCredentials } from '../../src/gossip/transport/protocol.ts'

/** A company's web server at `localhost`; the answer is its port. */
export async function webServer(t: Test, tls: TlsCredentials, answer: RequestListener): Promise<number> {
  const server = createServer({ key: tls.key, cert: tls.certificate }, answer)
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}
