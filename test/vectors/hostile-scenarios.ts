import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { seal } from '../../src/events/seal.ts'
import { decodeSigned } from '../../src/events/statement-codec.ts'
import { CONTRACT, contractFoundedBy, owes, Player, talk } from '../support/market.ts'
import { lineOf, offered, type Play, ref, three } from './protocol-play.ts'

/** What a hostile member may sign, and what becomes of it. */
export const hostilePlays: Readonly<Record<string, Play>> = {
  'wrong-head': {
    about: 'A member signs a head that does not follow: it settles nothing, is not invalid, and convicts its author, who owes one that follows.',
    play() {
      const [ana, ben, cleo] = three()
      ana.proposes('0.0', 'Mexico')
      ben.hears(...[...ana.state.feeds.values()].flatMap((feed) => [...feed]))
      const before = ben.state
      const honest = ben.says()
      const lie = decodeSigned(
        ben.forges(honest, (statement) => {
          statement.head = { ...honest.statement.head, size: 1000 }
        }),
      )
      ben.state = receive(before, [lie]).state
      talk([ana, ben, cleo], owes)
      return { all: ana }
    },
  },
  'statements-that-are-refused': {
    about: 'One honest statement, and what a hostile member may make of it.',
    play() {
      const [ana, ben, cleo] = three()
      talk([ana, ben, cleo], owes)
      const asked = ana.proposes('0.0', 'x')
      ben.hears(asked)
      const before = ana.state
      const honest = ben.says()
      const forged = (about: string, change: (statement: Record<string, unknown>) => void) =>
        offered(before, about, ben.forges(honest, change))
      const place = ref(asked)
      const { head, clock, seq } = honest.statement
      const hostile = [
        forged('another contract', (statement) => { statement.contract = contractFoundedBy('ana', 1) }),
        forged('a gap in the feed', (statement) => { statement.seq = seq + 1 }),
        forged('another statement before it', (statement) => { statement.prev = head.root }),
        forged('a clock that is too high', (statement) => { statement.clock = clock + 1 }),
        forged('its own party in seen', (statement) => {
          statement.seen = { ...honest.statement.seen, ben: { seq: 0, hash: head.root } }
        }),
        forged('a statement in seen that nobody holds', (statement) => {
          statement.seen = { ana: { seq: 99, hash: head.root } }
        }),
        forged('another statement in seen than the one held', (statement) => {
          statement.seen = { ana: { seq: place.seq, hash: head.root } }
        }),
        forged('a refusal of what it does not newly cover', (statement) => {
          statement.refusals = [{ request: { handle: 'ana', seq: 0, index: 0 }, code: 'person' }]
        }),
        forged('a refusal with a code that is not in the list', (statement) => {
          statement.refusals = [{ request: place, code: 'because' }]
        }),
        forged('a refusal that says why in plain text', (statement) => {
          statement.refusals = [{ request: place, code: 'person', reason: 'too dear' }]
        }),
        forged('a decision on a request that is not its own', (statement) => {
          statement.decided = [{ request: place, decision: 'confirmed' }]
        }),
        forged('a field that is not in the form', (statement) => { statement.extra = true }),
        offered(before, 'another signature', lineOf(honest).replace(honest.signature, asked.signature)),
        offered(before, 'other bytes for the same JSON', lineOf(honest).replace('"v":1', '"v":1.0')),
        offered(before, 'no JSON', `${lineOf(honest)}}`),
        offered(before, 'a payload that it does not name', lineOf(honest).replace('"payloads":{}', `"payloads":{"${head.root}":{"salt":"AAAAAAAAAAAAAAAAAAAAAA","value":1}}`)),
        offered(before, 'as it should be', lineOf(honest)),
      ]
      const forked = { ...before }
      const all = new Player('ana')
      all.state = receive(forked, [honest]).state
      hostile.push(
        offered(all.state, 'a second statement for the same place', ben.forges(honest, (statement) => {
          statement.time = '2026-01-01T00:00:01.000Z'
        })),
        offered(all.state, 'the same statement again', lineOf(honest)),
      )
      // Those before the last two are offered to whoever does not hold the honest statement.
      all.state = before
      return { all, hostile: hostile.slice(0, -2) }
    },
  },
  'founding-under-a-uid': {
    about: 'A UID belongs to the handle and the key that found the contract: nobody else opens one under it.',
    play() {
      const founds = (founder: Player, card = founder.card) => lineOf(founder.requests({ ...founder.opening(), founder: card }))
      const mallory = new Player('mallory')
      const valued = () => {
        const { seal: sealed, payload } = seal('x', new Uint8Array(16))
        const founder = new Player('ana')
        const value = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
        return lineOf(founder.says({ requests: [founder.request([founder.opening(), value])], payloads: { [sealed]: payload } }))
      }
      const ana = new Player('ana')
      const opening = ana.requests(ana.opening())
      const elsewhere = new Player('ana', undefined, contractFoundedBy('ana', 1))
      const state = emptyAgreement(CONTRACT)
      return {
        all: new Player('nobody'),
        more: ['ana', 'mallory'],
        hostile: [
          offered(state, 'another party', founds(mallory)),
          offered(state, 'the handle of the founder, another key', founds(new Player('ana', mallory.keys), { ...ana.card, keys: mallory.card.keys })),
          offered(state, 'the key of the founder, another handle', founds(new Player('mallory', ana.keys), { ...mallory.card, keys: ana.card.keys })),
          offered(state, 'handle and key of the founder, signed by another', founds(new Player('ana', mallory.keys), ana.card)),
          offered(state, 'another UID of the founder', founds(elsewhere)),
          offered(state, 'a UID with a bit that must be zero', ana.forges(opening, (statement) => { statement.contract = `2${CONTRACT.slice(1)}` })),
          offered(state, 'an opening that names a value', valued()),
          offered(state, 'the founder', lineOf(opening)),
        ],
      }
    },
  },
  equivocation: {
    about: 'A member signs two statements for one place: the second is kept as evidence only.',
    play() {
      const [ana, ben, cleo] = three()
      const asked = ben.proposes('0.0', 'one')
      talk([ana, ben, cleo], owes)
      const other = ben.forges(asked, (statement) => { statement.time = '2026-01-01T00:00:01.000Z' })
      const twin = new Player('ana')
      const follower = ben.forges(asked, (statement) => {
        statement.seq = asked.statement.seq + 50
      })
      return {
        all: ana,
        hostile: [
          offered(ana.state, 'a second statement for the same place', other),
          offered(ana.state, 'a statement far ahead', follower),
          offered(ana.state, 'the first statement again', lineOf(asked)),
          offered(ana.state, 'a second contract under the UID', lineOf(twin.requests({ ...twin.opening(), title: 'another' }))),
        ],
      }
    },
  },
}
