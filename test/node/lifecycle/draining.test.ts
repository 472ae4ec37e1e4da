import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { Draining } from '../../../src/node/lifecycle/draining.ts'

t.test('whoever reads too slowly does not keep a node from its end', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(200)
    // As of an attachment: more than fits on the way, and the rest when that is read.
    const send = () => {
      while (response.write(Buffer.alloc(65_536)));
    }
    response.on('drain', send)
    send()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => client.destroy())
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(client, 'readable')
  const draining = new Draining({ drainMs: 20, sendMs: 20 })
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()))
  await draining.begin({ close, server })
  t.equal(server.listening, false, 'it takes no more calls')
  await draining.end()
  client.on('error', () => {})
  client.resume()
  await once(client, 'close')
})
