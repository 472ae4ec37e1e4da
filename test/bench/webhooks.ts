import { Worker } from 'node:worker_threads'
import { Agent, request } from 'undici'
import { openNode } from '../../src/index.ts'
import { configure, type NodeParty, newParty } from '../support/unchecked-party.ts'
import { median } from './measure.ts'

/** A server in a thread of its own that keeps what is posted to it, and gives it back when it has as much as it is asked for. */
const RECEIVER = `
const { createServer } = require('node:http')
const { parentPort } = require('node:worker_threads')
let bodies = []
let wanted = Infinity
const give = () => {
  if (bodies.length < wanted) return
  parentPort.postMessage({ bodies })
  bodies = []
  wanted = Infinity
}
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (text) => { body += text })
  request.on('end', () => {
    bodies.push(body)
    response.writeHead(204).end()
    give()
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage({ port: server.address().port }))
parentPort.on('message', (count) => {
  wanted = count
  give()
})
`

/** As many, and as long, as a message has: the same is written to the receiver, and read there. */
const HEADERS = {
  'content-type': 'application/json',
  'user-agent': 'concordata',
  'webhook-id': `contract-${'1'.repeat(52)}@1000#0`,
  'webhook-timestamp': '1700000000',
  'webhook-signature': `v1,${'A'.repeat(43)}=`,
}

export interface WebhooksExtent {
  /** What a replay tells: each is a change of its own. */
  readonly entries: number
  readonly rounds: number
}

export interface WebhookFigures {
  readonly messages: number
  /** A second, the median of the rounds: the best of one side says little of the other. */
  readonly told: number
  readonly posted: number
}

/** How fast a webhook is told of entries that have settled, beside posting the same bodies under the same headers, one after another, with undici alone. */
export async function measureWebhooks(dir: string, { entries, rounds }: WebhooksExtent): Promise<WebhookFigures> {
  const receiver = new Worker(RECEIVER, { eval: true })
  const said = <Said>() => new Promise<Said>((resolve) => receiver.once('message', resolve))
  const { port } = await said<{ port: number }>()
  const origin = `http://127.0.0.1:${port}`
  const taken = async (count: number) => {
    const answer = said<{ bodies: string[] }>()
    receiver.postMessage(count)
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
    const [told, posted]: [number[], number[]] = [[], []]
    let messages = 0
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now()
      await ana.call('POST', `/api/Webhook/${id}/Replays`, { from: 2 })
      const bodies = await taken(entries)
      told.push(rate(bodies, begun))
      const agent = new Agent({ connections: 1 })
      const again = performance.now()
      for (const body of bodies)
        await (await request(url, { method: 'POST', body, dispatcher: agent, headers: HEADERS })).body.dump()
      posted.push(rate(bodies, again))
      await agent.close()
      await taken(entries)
      messages = bodies.length
    }
    await ended(ana, id)
    return { messages, told: median(told), posted: median(posted) }
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
