import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Handle } from '../../../src/events/ids.ts'
import type { Gossip } from '../../../src/gossip/gossip.ts'
import type { Peer } from '../../../src/gossip/replica-port.ts'
import { EXCHANGE_MEDIA_TYPE } from '../../../src/gossip/transport/protocol.ts'
import type { Directory } from '../../../src/node/directory/directory.ts'
import type { Introduction } from '../../../src/node/directory/introduction.ts'
import { Peers } from '../../../src/node/outward/peers.ts'
import { noTracing } from '../../../src/node/tracing/tracing.ts'
import { keysOf } from '../../support/market.ts'
import { tlsIdentity } from '../../support/tls.ts'

const HOUR_MS = 3_600_000
const [callee, caller] = [tlsIdentity('ben'), tlsIdentity('ana')]

/** A party whose clock is an hour ahead, and what it says with which status, when that is let go. */
async function ahead(t: Test) {
  const answers = { status: 200, gate: Promise.resolve(), asked: () => {} }
  const server: Server = createServer({ key: callee.key, cert: callee.certificate }, async (request, response) => {
    request.resume()
    answers.asked()
    await answers.gate
    const date = new Date(Date.now() + HOUR_MS).toUTCString()
    response.writeHead(answers.status, { date, 'content-type': EXCHANGE_MEDIA_TYPE }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  t.teardown(close)
  return { answers, close, endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Who calls it, as the directory approves it. */
async function calling(t: Test) {
  const { answers, close, endpoint } = await ahead(t)
  const { signing, recovery } = keysOf('ben')
  const keys = { signing: signing.publicKey, recovery: recovery.publicKey }
  const card = { handle: 'ben' as Handle, did: 'did:web:ben.example', name: 'Ben', keys }
  const introduction: Introduction = { card, endpoint, certificate: callee.fingerprint, serial: 1 }
  let approved = [introduction]
  let changed = () => {}
  const directory = {
    approved: () => approved,
    onChange(listener: () => void) {
      changed = listener
      return () => {}
    },
  }
  const known = new Map<Handle, Peer>()
  const gossip = {
    setPeer: (peer: Peer) => void known.set(peer.handle, peer),
    removePeer: (handle: Handle) => void known.delete(handle),
  }
  const peers = new Peers(
    {
      self: 'ana' as Handle,
      directory: directory as unknown as Directory,
      gossip: gossip as unknown as Gossip,
      introduction: () => '{}',
      tracing: noTracing,
    },
    caller,
  )
  peers.start()
  t.teardown(() => peers.close())
  const block = () => {
    approved = []
    changed()
  }
  return { peers, ben: known.get(card.handle) as Peer, answers, close, block }
}

const isAnHour = (aheadMs: ReadonlyMap<Handle, number>) =>
  aheadMs.size === 1 && Math.abs((aheadMs.get('ben' as Handle) as number) - HOUR_MS) < 60_000

t.test('what a peer says of the time counts as long as it answers', async (t) => {
  const { peers, ben, answers, close } = await calling(t)
  await ben.exchange('{}')
  t.ok(isAnHour(peers.aheadMs()))
  answers.status = 503
  await t.rejects(ben.exchange('{}'), { code: 'peer_busy' })
  t.ok(isAnHour(peers.aheadMs()), 'who is busy is there')
  answers.status = 403
  await t.rejects(ben.exchange('{}'), { code: 'peer_refused' })
  t.same([...peers.aheadMs()], [])
  answers.status = 200
  await ben.exchange('{}')
  t.ok(isAnHour(peers.aheadMs()))
  await close()
  await t.rejects(ben.exchange('{}'), { code: 'peer_unreachable' })
  t.same([...peers.aheadMs()], [], 'a clock of which nothing is heard any more is no reason for an alarm')
})

t.test('a party that is no peer any more says nothing of the time, not even late', async (t) => {
  const { peers, ben, answers, block } = await calling(t)
  await ben.exchange('{}')
  t.ok(isAnHour(peers.aheadMs()))
  const { promise, resolve } = Promise.withResolvers<void>()
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>()
  Object.assign(answers, { gate: promise, asked: isAsked })
  const late = ben.exchange('{}').catch(() => {})
  await asked
  block()
  t.same([...peers.aheadMs()], [])
  resolve()
  await late
  t.same([...peers.aheadMs()], [])
})
