import { Worker } from 'node:worker_threads'
import { Agent, request } from 'undici'
import { openNode } from '../../src/index.ts'
import { configure, type NodeParty, newParty, until } from '../support/node-party.ts'

/** A server that keeps what is posted to it, in a thread of its own, and says so when it is asked. */
const RECEIVER = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
const bodies = []
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (text) => { body += text })
  request.on('end', () => {
    bodies.push(body)
    response.writeHead(204).end()
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }))
parentPort.on('message', () => parentPort.postMessage({ bodies: bodies.splice(0) }))
`

export interface WebhookFigures {
  readonly messages: number
  /** A second. */
  readonly told: number
  readonly posted: number
}

/** How fast a webhook is told of entries that have settled, beside posting the same bodies, one after another, with undici alone. */
export async function measureWebhooks(dir: string, entries: number, rounds: number): Promise<WebhookFigures> {
  const receiver = new Worker(RECEIVER, { eval: true })
  const said = <Said>() => new Promise<Said>((resolve) => receiver.once('message', resolve))
  const { port } = await said<{ port: number }>()
  const origin = `http://127.0.0.1:${port}`
  const taken = async () => {
    const answer = said<{ bodies: string[] }>()
    receiver.postMessage('bodies')
    return (await answer).bodies
  }
  const ana = await newParty(dir, 'ana')
  await configure(ana, { webhooks: { receivers: [origin], networks: ['127.0.0.1'] } })
  const node = await openNode({ data: ana.data })
  try {
    const { contract } = (await ana.call('POST', '/api/Contract', { title: 'told' })).body
    await ana.call('POST', `/new-api/${contract}`, { Field: '' })
    for (let entry = 0; entry < entries; entry++) await ana.call('PUT', `/new-api/${contract}/Field`, text(entry))
    const url = `${origin}/x`
    const { id } = (await ana.call('POST', '/api/Webhook', { url, subject: `/new-api/${contract}` })).body
    let [told, posted, messages] = [0, 0, 0]
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now()
      await ana.call('POST', `/api/Webhook/${id}/Replays`, { from: 2 })
      const bodies: string[] = []
      await until('all', async () => {
        bodies.push(...(await taken()))
        return bodies.length >= entries
      })
      told = Math.max(told, rate(bodies, begun))
      const agent = new Agent({ connections: 1 })
      const again = performance.now()
      for (const body of bodies) await (await request(url, { method: 'POST', body, dispatcher: agent })).body.dump()
      posted = Math.max(posted, rate(bodies, again))
      await agent.close()
      await taken()
      messages = bodies.length
    }
    await ended(ana, id)
    return { messages, told, posted }
  } finally {
    await node.close()
    await receiver.terminate()
  }
}

function ended({ call }: NodeParty, id: string): Promise<unknown> {
  return call('DELETE', `/api/Webhook/${id}`)
}

function text(entry: number): string {
  return `${entry} `.padEnd(200, 'x')
}

function rate({ length }: readonly string[], begun: number): number {
  return length / ((performance.now() - begun) / 1000)
}
