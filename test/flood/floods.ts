import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'undici'
import { encodeSigned } from '../../src/events/statement-codec.ts'
import { encodeMessage } from '../../src/gossip/message.ts'
import { ask, openTls } from '../support/https.ts'
import { keysOf, Player } from '../support/market.ts'
import { testParty } from '../support/party.ts'
import { foundedBy } from '../support/uid.ts'
import { bodies, HEADER } from './bodies.ts'
import type { Ground } from './ground.ts'

/** What somebody does to a node as long as it may. */
export interface Flood {
  readonly name: string
  /** Of what it tries to break. */
  readonly bound: string
  /** By how much the heap of the node may be larger than before at most, in generous terms: garbage included. Bytes. */
  readonly grownMax: number
  /** The store of the node is on the double of EventStoreDB. */
  readonly onServer?: true
  /** How many things it did, by what came of them. */
  run(ground: Ground, isOver: () => boolean): Promise<Map<string, number>>
}

const MEGA = 1024 * 1024

function counter() {
  const counts = new Map<string, number>()
  return { counts, count: (what: unknown) => void counts.set(`${what}`, (counts.get(`${what}`) ?? 0) + 1) }
}

/** Several at once, again and again. */
async function together(atOnce: number, isOver: () => boolean, step: (nth: number) => Promise<unknown>) {
  const { counts, count } = counter()
  let nth = 0
  const one = async () => {
    while (!isOver()) {
      count(await step(nth++).catch((error: Error & { code?: string }) => error.code ?? error.name))
      // Whoever is put off at once does not keep this process busy with nothing else.
      await pause(1)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return counts
}

/** The n-th contract of mallory's own, and all that she has said in it. */
function contractOf(n: number, says: (mallory: Player) => void): string[] {
  const keys = keysOf('mallory')
  const founder = {
    handle: 'mallory' as never,
    keys: { signing: keys.signing.publicKey, recovery: keys.recovery.publicKey },
  }
  const mallory = new Player('mallory', keys, foundedBy(founder, n))
  mallory.requests({ ...mallory.opening(), title: `junk ${n}` })
  says(mallory)
  return [...mallory.state.feeds.values()].flatMap((feed) =>
    [...feed].map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads)),
  )
}

export const floods: readonly Flood[] = [
  {
    name: 'member: bodies',
    bound: '16 refusals a message, 128 of a party',
    grownMax: 128 * MEGA,
    run(ground, isOver) {
      const all = Object.values(bodies)
      return together(2, isOver, async (nth) => (await ground.exchange(`${HEADER}\n${all[nth % all.length]}`)).status)
    },
  },
  {
    name: 'member: contracts',
    bound: '1,024 contracts unasked',
    grownMax: 128 * MEGA,
    run(ground, isOver) {
      const first = Date.now()
      return together(4, isOver, async (nth) => {
        const lines = contractOf(first + nth, () => {})
        return (await ground.exchange(encodeMessage(new Map(), lines, []))).status
      })
    },
  },
  {
    name: 'member: ahead',
    bound: '64 MiB ahead',
    grownMax: 256 * MEGA,
    run(ground, isOver) {
      const first = Date.now() + 2 ** 45
      return together(2, isOver, async (nth) => {
        const lines = contractOf(first + nth, (mallory) => {
          for (let at = 0; at < 16; at++) mallory.proposes('0.0', 'x'.repeat(32_000))
        })
        const ahead = lines.filter((_, at) => at !== 1)
        return (await ground.exchange(encodeMessage(new Map(), ahead, []))).status
      })
    },
  },
  {
    name: 'stranger',
    bound: '120 calls a minute and 256 connections an address; 64 introductions',
    grownMax: 128 * MEGA,
    async run(ground, isOver) {
      const stranger = testParty('squatter')
      const { identity } = ground.mallory
      const idle: { destroy(): void }[] = []
      const counts = await together(8, isOver, async (nth) => {
        if (nth % 4 === 0) {
          const socket = await openTls(ground.ana.endpoint, identity.tls)
          socket.on('error', () => {})
          idle.push(socket)
          return 'connection'
        }
        const body = JSON.stringify(await stranger.introduce({ serial: nth }))
        const headers = { 'content-type': 'application/json' }
        const path = nth % 2 === 0 ? '/exchange' : '/.well-known/did.json'
        return (await ask(ground.ana.endpoint, undefined, { path, headers, body })).status
      })
      for (const socket of idle) socket.destroy()
      return counts
    },
  },
  {
    name: 'client: writes',
    bound: '1,000 calls of a caller under way; 16 MiB asked of a contract',
    grownMax: 256 * MEGA,
    async run(ground, isOver) {
      const { ana, contract } = ground
      const own = (await ana.call('POST', '/api/Contract', { title: 'flooded' })).body.contract
      const value = 'x'.repeat(60_000)
      return together(16, isOver, async (nth) => {
        const answer = await fetch(`${ana.api}/new-api/${nth % 4 === 0 ? contract : own}`, {
          method: 'POST',
          headers: {
            authorization: `Bearer ${nth % 8 === 7 ? 'bad' : ana.token}`,
            'content-type': 'application/json',
            prefer: 'respond-async',
          },
          body: JSON.stringify({ [randomUUID()]: value }),
        })
        await answer.arrayBuffer()
        return answer.status
      })
    },
  },
  {
    name: 'client: live',
    bound: '100 connections, 1,000 subscriptions each',
    grownMax: 128 * MEGA,
    async run(ground, isOver) {
      const { ana, contract } = ground
      const sockets: WebSocket[] = []
      const counts = await together(4, isOver, async (nth) => {
        const socket = new WebSocket(`${ana.api.replace('http', 'ws')}/live?token=${ana.token}`)
        const closed = new Promise<string>((resolve) =>
          socket.addEventListener('close', ({ code }) => resolve(`closed ${code}`)),
        )
        const opened = new Promise<string>((resolve) => socket.addEventListener('open', () => resolve('open')))
        socket.addEventListener('error', () => {})
        const what = await Promise.race([opened, closed])
        if (what !== 'open') return what
        sockets.push(socket)
        for (let at = 0; at < 1_100; at++)
          socket.send(JSON.stringify({ subscribe: `/new-api/${contract}/A${nth}x${at}`, from: 0 }))
        return what
      })
      for (const socket of sockets) socket.close()
      return counts
    },
  },
  {
    name: 'EventStoreDB',
    bound: 'a bounded piece of a stream in memory',
    grownMax: 256 * MEGA,
    onServer: true,
    run(ground, isOver) {
      const { server } = ground
      if (server === undefined) throw new Error('the store is on no server')
      const garbage = Buffer.alloc(900_000, '{"a":[')
      const streams = ['directory-of-others', 'junk', `feed-${ground.contract}-nobody`, `evidence-${ground.contract}`]
      return together(1, isOver, async (nth) => {
        if (nth % 20 === 19) {
          server.faults.slowness.stall(nth % 40 === 19 ? 'append' : 'read')
          await pause(500)
          server.faults.slowness.goOn()
          return 'slow'
        }
        const stream = streams[nth % streams.length] as string
        const event = {
          id: randomUUID(),
          type: 'Junk',
          contentType: 'application/octet-stream',
          data: garbage,
          metadata: Buffer.alloc(0),
        }
        server.database.append(stream, 'any', [event])
        await pause(20)
        return 'garbage'
      })
    },
  },
]
