import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { EventStreamSink } from '../../../src/api/routes/live/sink.ts'

t.test('who does not read what it is sent is cut off at a bound', async (t) => {
  const asked = Promise.withResolvers<ServerResponse>()
  const server = createServer((_request, response) => asked.resolve(response)).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
  client.on('error', () => {})
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const response = await asked.promise
  const closed = new Promise((resolve) => response.once('close', resolve))
  const sink = new EventStreamSink(response)
  sink.begin()
  const message = { value: 'x'.repeat(64 * 1024) }
  let sent = 0
  while (sink.isOpen && sent < 10_000) {
    sink.send(message, sent++)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(sent >= 128 && sent < 1_000, `after ${sent} messages of 64 KiB`)
  await closed
  sink.send(message)
  t.equal(sink.isOpen, false)
  client.destroy()
})
