import t from 'tap'
import { feedOf } from '../../../src/agreement/feeds.ts'
import { emptyAgreement } from '../../../src/agreement/state.ts'
import type { VerifiedStatement } from '../../../src/agreement/verified-statement.ts'
import { emptyVector } from '../../../src/agreement/version-vector.ts'
import { payloadLines } from '../../../src/contracts/replica/inbound/payload-lines.ts'
import { writesFor } from '../../../src/contracts/replica/journal.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { seal } from '../../../src/events/seal.ts'
import type { Payload } from '../../../src/events/statement.ts'
import type { SignedStatement } from '../../../src/events/statement-codec.ts'
import { linesFor as sendable } from '../../../src/gossip/exchange.ts'
import { decodeMessage, encodeMessage, MESSAGE_CHARACTERS_SOFT_MAX } from '../../../src/gossip/message.ts'
import type { Turns } from '../../../src/runtime/turns.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import type { PayloadStore } from '../../../src/store/port.ts'
import { CONTRACT, market, owes, Player, talk } from '../../support/market.ts'

type Sealed = ReturnType<typeof seal>

const ROOM = 1_000_000
const NOW = '2027-03-01T12:00:00.000Z'
const wantedOf = ({ statement: { party, seq }, payloads }: SignedStatement) => ({
  party,
  seals: Object.keys(payloads) as Hash[],
  seq,
})

/** Ana holds values of two of her requests; ben has left between them. */
async function given() {
  const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
  const seen = ana.proposes('0.0', 'before')
  talk([ana, ben, cleo], owes)
  ben.requests({ type: 'Resign' })
  talk([ana, ben, cleo], owes)
  const unseen = ana.proposes('0.1', 'after')
  talk([ana, cleo], owes)
  const store = openMemoryStore()
  t.teardown(() => store.close())
  const held = [...ana.state.feeds.values()].flatMap((feed) => [...feed])
  const nothing = { settled: [], equivocations: [], divergences: [] }
  await store.write(writesFor({ before: emptyAgreement(CONTRACT), held, ...nothing }))
  const linesFor = async (peer: Player, wanted: ReturnType<typeof wantedOf>[], room = ROOM) =>
    (await payloadLines(store.payloads, ana.state, peer.handle, wanted, room, NOW)).lines
  return { ana, ben, cleo, seen, unseen, store, linesFor }
}

t.test('a member is given what it wants, in lines that it understands', async (t) => {
  const { cleo, seen, unseen, linesFor } = await given()
  const lines = await linesFor(cleo, [wantedOf(seen), wantedOf(unseen)])
  const { payloads, refused } = decodeMessage(encodeMessage(new Map(), lines, []))
  t.same(
    payloads.map((sent) => sent.payloads),
    [seen.payloads, unseen.payloads],
  )
  t.same(refused, [])
})

t.test('who may not see a statement is not given its values, whatever it asks for', async (t) => {
  const { ben, cleo, seen, unseen, linesFor } = await given()
  const wanted = [wantedOf(seen), wantedOf(unseen)]
  const { payloads } = decodeMessage(encodeMessage(new Map(), await linesFor(ben, wanted), []))
  t.same(
    payloads.map(({ seq }) => seq),
    [seen.statement.seq],
    'who has left: what leads up to that',
  )
  t.same(await linesFor(new Player('mallory'), wanted), [], 'a stranger: nothing')
  const made = { party: unseen.statement.party, seals: Object.keys(unseen.payloads) as Hash[], seq: 1_000 }
  t.same(await linesFor(cleo, [made]), [], 'nor is there anything of what is not held')
})

t.test('there is an end to it where the message is full', async (t) => {
  const { cleo, seen, unseen, linesFor } = await given()
  const many = Array.from({ length: 100 }, () => wantedOf(seen))
  t.equal((await linesFor(cleo, many, 10)).length, 1)
  t.equal((await linesFor(cleo, [wantedOf(seen), wantedOf(unseen)], 0)).length, 0)
})

t.test('values of which one line cannot take all go in several, and never with their statement', async (t) => {
  const { ana, cleo, store, linesFor } = await given()
  const sealed = [0, 1, 2, 3, 4, 5].map((n) => seal(Array(30_000).fill(0), new Uint8Array(16).fill(n)))
  const commands = sealed.map(({ seal: of }) => ({ type: 'ProposeValue', field: '0.0', seal: of, basis: [] }))
  const asked = ana.says({ requests: [ana.request(commands)], payloads: {} })
  const payloads = Object.fromEntries(sealed.map(({ seal: of, payload }) => [of, payload]))
  const entries = sealed.map(({ seal: of, payload }) => ({ seal: of, text: canonicalJson(payload) }))
  await store.payloads.put(CONTRACT, groupOf({ handle: ana.handle, seq: asked.statement.seq }), entries)
  // As the store gives it back.
  const held = { ...(ana.state.feeds.get(ana.handle)?.last() as VerifiedStatement), payloads, lacks: [] }
  ana.state = {
    ...ana.state,
    feeds: ana.state.feeds.set(ana.handle, feedOf(ana.state.feeds, ana.handle).replace(held)),
  }
  const { lines } = sendable([held], emptyVector, ROOM)
  t.match(decodeMessage(encodeMessage(new Map(), lines, [])), { statements: [{ payloads: {} }], refused: [] })
  const sent = decodeMessage(encodeMessage(new Map(), await linesFor(cleo, [wantedOf(held)]), []))
  t.same(sent.refused, [])
  t.same(Object.assign({}, ...sent.payloads.map((line) => line.payloads)), payloads)
})

/** What cleo is given, and what the store was asked for. */
async function read(from: Awaited<ReturnType<typeof given>>, wanted: ReturnType<typeof wantedOf>[], turns?: Turns) {
  const asked: string[] = []
  const payloads: PayloadStore = {
    ...from.store.payloads,
    get: async (contract, refs) => {
      asked.push(...refs.map(({ group, seal: of }) => `${group} ${of}`))
      return from.store.payloads.get(contract, refs)
    },
  }
  const { lines } = await payloadLines(payloads, from.ana.state, from.cleo.handle, wanted, ROOM, NOW, turns)
  return { asked, lines }
}

t.test('nothing is looked for but what the statement names and is held of it', async (t) => {
  const all = await given()
  const { ana, seen, unseen } = all
  const made = seal('made up', new Uint8Array(16)).seal
  const { party, seq } = seen.statement
  t.same(await read(all, [{ party, seals: [made, ...(Object.keys(unseen.payloads) as Hash[])], seq }]), {
    asked: [],
    lines: [],
  })
  const sealed = seal('x', new Uint8Array(16))
  const lacking = ana.requests({ type: 'ProposeValue', field: '0.0', seal: sealed.seal, basis: [] })
  const wanted = { party: ana.handle, seals: [sealed.seal], seq: lacking.statement.seq }
  const held = { ...(ana.state.feeds.get(ana.handle)?.last() as VerifiedStatement), lacks: [sealed.seal] }
  ana.state = {
    ...ana.state,
    feeds: ana.state.feeds.set(ana.handle, feedOf(ana.state.feeds, ana.handle).replace(held)),
  }
  t.same((await read(all, [wanted])).asked, [])
})

t.test('others have their turn between two statements', async (t) => {
  const all = await given()
  let passed = 0
  const turns: Turns = { isOver: true, next: async () => void passed++ }
  t.equal((await read(all, [wantedOf(all.seen), wantedOf(all.unseen)], turns)).lines.length, 2)
  t.equal(passed, 2)
})

t.test('what the store has damaged is not passed on, as it would be laid to this node, and takes room', async (t) => {
  const { ana, cleo, seen, unseen } = await given()
  const store = openMemoryStore()
  t.teardown(() => store.close())
  for (const { statement, payloads } of [seen, unseen]) {
    const [sealed, payload] = Object.entries(payloads)[0] as [Hash, Payload]
    const text = canonicalJson(statement === seen.statement ? { ...payload, value: 'y' } : payload)
    const place = { handle: statement.party, seq: statement.seq }
    await store.payloads.put(CONTRACT, groupOf(place), [{ seal: sealed, text }])
  }
  const linesFor = async (room: number) =>
    (await payloadLines(store.payloads, ana.state, cleo.handle, [wantedOf(seen), wantedOf(unseen)], room, NOW)).lines
  t.same(
    decodeMessage(encodeMessage(new Map(), await linesFor(ROOM), [])).payloads.map(({ payloads }) => payloads),
    [unseen.payloads],
  )
  t.same(await linesFor(1), [])
})

t.test(
  'of a group that is read for one small value the large ones count, and the next ones are for the next time',
  async (t) => {
    const { ana, cleo, store } = await given()
    const wanted: ReturnType<typeof wantedOf>[] = []
    for (let nth = 0; nth < 3; nth++) {
      const [large, small] = ['x'.repeat(MESSAGE_CHARACTERS_SOFT_MAX), 'small'].map((value, at) =>
        seal(value, new Uint8Array(16).fill(2 * nth + at)),
      ) as [Sealed, Sealed]
      const commands = [large, small].map(({ seal: of }) => ({
        type: 'ProposeValue',
        field: '0.0',
        seal: of,
        basis: [],
      }))
      const said = ana.says({ requests: [ana.request(commands)], payloads: {} })
      const { party, seq } = said.statement
      const entries = [large, small].map(({ seal: of, payload }) => ({ seal: of, text: canonicalJson(payload) }))
      await store.payloads.put(CONTRACT, groupOf({ handle: party, seq }), entries)
      const held = { ...(ana.state.feeds.get(party)?.last() as VerifiedStatement), lacks: [] }
      ana.state = { ...ana.state, feeds: ana.state.feeds.set(party, feedOf(ana.state.feeds, party).replace(held)) }
      wanted.push({ party, seq, seals: [small.seal] })
    }
    const { lines, lookedUp } = await payloadLines(store.payloads, ana.state, cleo.handle, wanted, ROOM, NOW)
    t.match({ lines: lines.length, lookedUp }, { lines: 1, lookedUp: 1 })
    const none = await payloadLines(store.payloads, ana.state, cleo.handle, wanted, 0, NOW)
    t.same(none, { lines: [], lookedUp: 0 })
  },
)
