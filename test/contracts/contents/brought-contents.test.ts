import t, { type Test } from 'tap'
import { UNNAMED_MS } from '../../../src/contracts/contents/brought-contents.ts'
import { bytesOf, leavesOf } from '../../../src/contracts/contents/content-files.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { concat } from '../../../src/crypto/bytes.ts'
import type { NamedContent } from '../../../src/events/attachments/content.ts'
import type { Uid } from '../../../src/events/ids.ts'
import type { Peer } from '../../../src/gossip/replica-port.ts'
import { piecesOf } from '../../../src/merkle/content-tree.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { Store } from '../../../src/store/port.ts'
import { attached, attaches, bytesWith, pieceGroups } from '../../support/attachments.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { asks } from '../../support/linked-parties.ts'
import { until } from '../../support/node-party.ts'
import { together } from '../../support/two-parties.ts'

const FIELD = '0.0'

/** ana in three processes, of which the one that users speak to has no key, and ben in one. `due`: what waits for an upload to be given up. */
async function apart(t: Test) {
  const [ana, ben] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const due: (() => void)[] = []
  const after: typeof systemClock.after = (ms, callback) => {
    if (ms !== UNNAMED_MS) return systemClock.after(ms, callback)
    due.push(callback)
    return () => {}
  }
  const serve = await ana.start('serve')
  const transmit = await ana.start('transmit', { clock: { now: () => systemClock.now(), after } })
  const receive = await ana.start('receive')
  const node = await ben.start()
  transmit.gossip.setPeer(peerAt(node, ben, ana))
  node.gossip.setPeer(peerAt(receive, ana, ben))
  const uid = await together(serve, node)
  const field = { type: 'AddField', parent: '0', name: 'Wording', field: { type: 'attachment' } }
  t.match(await (await asks(serve, uid, 'wording', field)).verdict, { outcome: { kind: 'accepted' } })
  return { ana, ben, serve, transmit, uid, due }
}

function peerAt(process: PartyProcess, { card: { handle, keys } }: EdgelessParty, caller: EdgelessParty): Peer {
  const from = { handle: caller.card.handle, signingKey: caller.card.keys.signing, exchange: () => Promise.reject() }
  return { handle, signingKey: keys.signing, exchange: async (body) => process.gossip.answer(from, body) }
}

async function held({ payloads }: Store, uid: Uid, content: NamedContent): Promise<Uint8Array | undefined> {
  const leaves = await leavesOf(payloads, uid, content)
  if (leaves === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of bytesOf(payloads, uid, content, leaves, 0, content.bytes)) pieces.push(piece)
  return concat(...pieces)
}

const isSame = (one: Uint8Array | undefined, other: Uint8Array) => one !== undefined && Buffer.compare(one, other) === 0

t.test('what users bring to a process without a key the one with the key keeps, and all parties have it', async (t) => {
  const { ana, ben, serve, transmit, uid, due } = await apart(t)
  const bytes = bytesWith(3)
  const { submission, content } = await attaches(serve, uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  for (const { store } of [ana, ben]) t.ok(isSame(await held(store, uid, content), bytes))

  // Whoever has taken the process over cannot spoil what is agreed.
  const keepPiece = (piece: Uint8Array) =>
    transmit.contracts.use(uid, (live) => live.contents.keepPiece(content, 0, piece))
  await keepPiece(new Uint8Array(bytes.length))
  for (const giveUp of due.splice(0)) giveUp()
  t.ok(isSame(await held(ana.store, uid, content), bytes))
  t.same([ana.told, ben.told], [[], []])
})

t.test('of bytes that have not all come, or that nothing names in time, nothing is kept', async (t) => {
  const { ana, serve, uid, due } = await apart(t)
  const bytes = bytesWith(2)
  let salt = 1
  const keep = (pieces: Iterable<Uint8Array>) =>
    serve.contracts.use(uid, (live) => live.contents.keep(attached(bytes, {}, salt++).content, pieces))
  const kept = () => pieceGroups(ana.store.payloads, uid)
  const [first, last] = [...piecesOf(bytes)] as [Uint8Array, Uint8Array]
  for (const pieces of [[first], [last], [first, first], [first, last.map((byte) => byte ^ 1)]]) {
    await t.rejects(keep(pieces), { code: 'content_missing' })
    await until('it to be gone', async () => (await kept()).length === 0)
  }
  await keep([first, last])
  t.equal((await kept()).length, 3, 'two pieces, and their hashes')
  t.ok(due.length > 0)
  for (const giveUp of due.splice(0)) giveUp()
  await until('it to be given up', async () => (await kept()).length === 0)
  const { submission } = await attaches(serve, uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } }, 'it may be brought again')
})
