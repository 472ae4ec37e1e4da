import t from 'tap'
import { EngineUnknown } from '../../src/aggregates/contract/engines.ts'
import { frontierOf } from '../../src/agreement/feeds.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { encodeSigned, type SignedStatement, StatementRefused } from '../../src/events/statement-codec.ts'
import { TakesTooLong } from '../../src/gossip/bulkhead.ts'
import { REFUSED_AT_ONCE_MAX } from '../../src/gossip/credit.ts'
import {
  decodeMessage,
  encodeMessage,
  encodePayloads,
  MESSAGE_CHARACTERS_SOFT_MAX,
  type Wanted,
} from '../../src/gossip/message.ts'
import type { AtRest, Peer } from '../../src/gossip/replica-port.ts'
import { settleMicrotasks } from '../simulation/virtual-clock.ts'
import { BIG, GossipingAna, ONE, TWO } from '../support/gossiping-ana.ts'
import { allOf, type Player } from '../support/market.ts'

/** All that one message takes along. */
const LARGE = 'x'.repeat(MESSAGE_CHARACTERS_SOFT_MAX)

const gossipingAna = () => new GossipingAna((error) => t.fail('ben is up', { error }))

t.test(
  'small news do not wait for those of a contract that has more than one message holds, time after time',
  async (t) => {
    const ana = gossipingAna()
    for (let n = 0; n < 3; n++) ana.says(BIG, LARGE)
    ana.says(ONE, 'small')
    ana.says(TWO, 'small')
    const calls: string[][] = []
    ana.gossip.setPeer(
      ana.peer((about) => {
        calls.push(about)
        // It never comes to an end, and is always the first of whom somebody says so.
        if (calls.length < 4) ana.says(BIG, LARGE)
        ana.gossip.carry(BIG)
      }),
    )
    await settleMicrotasks()
    t.same(calls.slice(0, 2), [['1'], ['2', '3', '1']])
    ana.gossip.close()
  },
)

t.test('nor do they in the answers to a party that asks', async (t) => {
  const ana = gossipingAna()
  for (let n = 0; n < 3; n++) ana.says(BIG, LARGE)
  ana.says(ONE, 'small')
  ana.says(TWO, 'small')
  t.same((await ana.asked()).told, ['1'])
  t.same((await ana.asked()).told, ['2', '3', '1'])
})

t.test('a contract that does not come to an end holds the others up once, and not for long', async (t) => {
  const ana = gossipingAna()
  const stuck = Promise.withResolvers<void>()
  ana.gates.set(ONE, stuck.promise)
  for (const uid of [BIG, ONE, TWO]) ana.says(uid, 'small')
  const held = ana.held.get(ONE)
  const asked = ana.asked()
  await ana.clock.runUntil(ana.clock.now() + 6_000)
  const { told, frontiers } = await asked
  t.same(told, ['1', '3'])
  t.notSame(frontiers.get(ONE) ?? held, held, 'how far it is is said all the same')
  t.equal(ana.failures[0]?.[0], ONE)
  t.ok(ana.failures[0]?.[1] instanceof TakesTooLong)
  ana.says(TWO, 'more')
  t.same((await ana.asked()).told, ['3'], 'at once')
  t.equal(ana.failures.length, 1, 'and it is said once')
  ana.gates.delete(ONE)
  stuck.resolve()
  await settleMicrotasks()
  t.same((await ana.asked()).told, ['2'], 'when it has come to an end it goes on')
})

t.test('nor does it in the calls that are made, and nothing of it is taken for sent', async (t) => {
  const ana = gossipingAna()
  const stuck = Promise.withResolvers<void>()
  ana.gates.set(ONE, stuck.promise)
  for (const uid of [BIG, ONE, TWO]) ana.says(uid, 'small')
  const calls: string[][] = []
  ana.gossip.setPeer(ana.peer((about) => calls.push(about)))
  await ana.clock.runUntil(ana.clock.now() + 6_000)
  t.same(calls, [['1', '3']])
  ana.gates.delete(ONE)
  stuck.resolve()
  await settleMicrotasks()
  await settleMicrotasks()
  t.same(calls, [['1', '3'], ['2']])
  ana.gossip.close()
})

t.test('one that rejects what comes is reported, and the others take theirs in', async (t) => {
  const ana = gossipingAna()
  ana.gates.set(BIG, Promise.reject(new Error('damaged')))
  ana.says(TWO, 'small')
  t.same((await ana.asked()).told, ['3'])
  t.match(ana.failures, [[BIG, { message: 'damaged' }]])
})

/** One that ben is a party to, and holds all of. */
function passiveWith(ana: GossipingAna, uid: Uid): AtRest {
  const frontier = frontierOf((ana.players.get(uid) as Player).state.feeds)
  return { frontier, settled: 0, tier: 3, lacksValues: false, isPartyTo: () => true, isEvenWith: () => true }
}

/** As ben: says that he holds all that ana does of the second contract, and shows the statements. */
async function benShowsOne(ana: GossipingAna): Promise<ReturnType<typeof decodeMessage>> {
  const { feeds } = (ana.players.get(ONE) as Player).state
  const lines = [...feeds.values()].flatMap((feed) =>
    [...feed].map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads)),
  )
  const body = encodeMessage(new Map([[ONE, frontierOf(feeds)]]), lines, [])
  return decodeMessage(await ana.gossip.answer(ana.peer(), body))
}

t.test('what a party says that it holds of a contract that is not held here is not kept', async (t) => {
  const ana = gossipingAna()
  ana.says(ONE, 'small')
  ana.unknown.add(ONE)
  const calls: string[][] = []
  ana.gossip.setPeer(ana.peer((about) => calls.push(about)))
  await settleMicrotasks()
  t.same((await benShowsOne(ana)).frontiers, new Map())
  ana.unknown.delete(ONE)
  ana.gossip.carry(ONE)
  await settleMicrotasks()
  t.same(calls.flat(), ['2'], 'so it is told what it has claimed to have')
  ana.gossip.close()
})

t.test('what it says of one that begins with the same message is', async (t) => {
  const ana = gossipingAna()
  ana.says(ONE, 'small')
  ana.unknown.add(ONE)
  ana.begins = true
  const answer = await benShowsOne(ana)
  t.same([...answer.frontiers.keys()], [ONE])
  t.same(answer.statements, [], 'nothing of it is shown back')
})

t.test('a beginning that is refused, or that no engine here can judge, costs who sends it', async (t) => {
  for (const error of [
    new EngineUnknown(7, [1]),
    new StatementRefused('statement_unfit_uid', 'no', { contract: ONE, party: 'ana', seq: 0, hash: '' }),
  ]) {
    const node = gossipingAna()
    node.beginning = error
    node.unknown.add(ONE)
    const [genesis] = allOf(node.players.get(ONE) as Player) as [SignedStatement]
    const body = encodeMessage(new Map(), [encodeSigned(genesis.text, genesis.signature, {})], [])
    let calls = 0
    const limited = async () => {
      for (; calls <= REFUSED_AT_ONCE_MAX; calls++) await node.gossip.answer(node.peer(), body)
    }
    await t.rejects(limited, { code: 'exchange_rate_limited' })
    t.equal(calls, REFUSED_AT_ONCE_MAX)
  }
})

t.test('who reports is told of a party that is no peer any more', async (t) => {
  const ana = gossipingAna()
  ana.gossip.removePeer(ana.ben.handle)
  t.same(ana.removed, ['ben'])
  ana.gossip.close()
})

t.test('what is wanted is asked for in the order that a header has', async (t) => {
  const ana = gossipingAna()
  const wanted = (party: string, seq: number) => ({ party: party as Handle, seq, seals: ['0'.repeat(64) as Hash] })
  ana.wants = [wanted('ben', 0), wanted('ana', 10), wanted('ana', 2)]
  const { wants } = decodeMessage(await ana.gossip.answer(ana.peer(), encodeMessage(ana.held, [], [])))
  t.same(wants.get(ONE), [wanted('ana', 2), wanted('ana', 10), wanted('ben', 0)])
  ana.gossip.close()
})

/** Of ana's first statement in the contract: a value that nobody has. */
const wantedOf = (uid: Uid): ReadonlyMap<Uid, readonly Wanted[]> =>
  new Map([[uid, [{ party: 'ana' as Handle, seq: 0, seals: ['0'.repeat(64) as Hash] }]]])

/** As ben: wants the same with whatever he says. */
function insatiable(ana: GossipingAna, called: () => void): { peer: Peer; asks(): Promise<unknown> } {
  const asides = { wants: wantedOf(ONE), waits: new Map() }
  const peer = {
    ...ana.ben,
    exchange: async (body: string) => {
      called()
      const { frontiers, statements } = decodeMessage(body)
      ana.takes(statements)
      return encodeMessage(new Map([...frontiers.keys()].map((uid) => [uid, ana.held.get(uid) ?? {}])), [], [], asides)
    },
  }
  return { peer, asks: () => ana.gossip.answer(peer, encodeMessage(ana.held, [], [], asides)) }
}

t.test('who wants the same with every call is answered after pauses that double', async (t) => {
  const ana = gossipingAna()
  const ben = insatiable(ana, () => {})
  const began = ana.clock.now()
  for (let tenths = 0; tenths < 300; tenths++) {
    await ana.clock.runUntil(began + tenths * 100)
    await ben.asks()
  }
  const pauses = ana.lookedUpAt.slice(1).map((at, nth) => at - (ana.lookedUpAt[nth] as number))
  t.ok(
    pauses.slice(0, 5).every((pause, nth) => pause >= 250 * 2 ** nth),
    `${pauses}`,
  )
  t.ok(
    pauses.every((pause, nth) => nth < 5 || pause >= 5_000),
    `${pauses}`,
  )
  t.ok(ana.lookedUpAt.length >= 8, 'it is never put off for good')
  ana.gossip.close()
})

t.test('nor is one called again and again that wants the same with every answer', async (t) => {
  const ana = gossipingAna()
  let calls = 0
  const ben = insatiable(ana, () => calls++)
  ana.gossip.setPeer(ben.peer)
  await ana.clock.runUntil(ana.clock.now() + 30_000)
  t.ok(ana.lookedUpAt.length >= 1 && ana.lookedUpAt.length <= 3, `${ana.lookedUpAt.length} times`)
  t.ok(calls >= 2 && calls <= 10, `${calls} calls`)
  ana.gossip.close()
})

/** As ben: brings payloads by themselves. */
const brings = (...places: readonly (readonly [Uid, string, number])[]): string[] =>
  places.map(([contract, party, seq], nth) => {
    const { seal: of, payload } = seal(`value ${nth}`, new Uint8Array(16))
    return encodePayloads({ contract, party: party as Handle, seq }, new Map([[of, canonicalJson(payload)]]))
  })

/** How many such calls it takes until ben is put off; at most so many. */
async function callsUntilPutOff(ana: GossipingAna, lines: readonly string[], most: number): Promise<number> {
  for (let calls = 0; calls < most; calls++) {
    try {
      await ana.gossip.answer(ana.peer(), encodeMessage(new Map(), lines, []))
    } catch (error) {
      t.match(error, { code: 'exchange_rate_limited' })
      return calls
    }
  }
  return most
}

t.test(
  'payloads of a contract that is not held, or that the sender is no party to, cost it, and go nowhere',
  async (t) => {
    for (const isHeld of [false, true]) {
      const ana = gossipingAna()
      if (isHeld) ana.passive.set(ONE, { ...passiveWith(ana, ONE), isPartyTo: () => false, lacksValues: true })
      else ana.unknown.add(ONE)
      const lines = brings(...Array.from({ length: REFUSED_AT_ONCE_MAX / 4 }, () => [ONE, 'ana', 0] as const))
      t.equal(await callsUntilPutOff(ana, lines, 10), 4)
      t.same([ana.payloads, ana.used], [[], []])
      ana.gossip.close()
    }
  },
)

t.test(
  'payloads that a contract does not lack wake it not, and cost little: several members were asked for them',
  async (t) => {
    const ana = gossipingAna()
    ana.passive.set(ONE, passiveWith(ana, ONE))
    const many = brings(...Array.from({ length: 1_024 }, (_, seq) => [seq % 2 === 0 ? ONE : TWO, 'ana', seq] as const))
    t.equal(await callsUntilPutOff(ana, many, 10), 8)
    t.same([ana.payloads, ana.used], [[], []])
    ana.gossip.close()
  },
)

t.test('payloads that are missing are taken in, and wake the contract that lacks them', async (t) => {
  const ana = gossipingAna()
  const { payload, seal: sealed } = seal('late', new Uint8Array(16))
  const player = ana.players.get(TWO) as Player
  const { seq } = player.requests({ type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }).statement
  const { ledger } = player.state
  player.state = {
    ...player.state,
    ledger: { ...ledger, open: ledger.open.map((held) => ({ ...held, lacks: [sealed] })) },
  }
  const line = (uid: Uid) =>
    encodePayloads({ contract: uid, party: player.handle, seq }, new Map([[sealed, canonicalJson(payload)]]))
  ana.passive.set(ONE, { ...passiveWith(ana, ONE), lacksValues: true })
  await ana.gossip.answer(ana.peer(), encodeMessage(new Map(), [ONE, TWO].map(line), []))
  t.same(ana.payloads.map(({ contract }) => contract).sort(), [ONE, TWO].sort())
  t.ok(ana.used.includes(ONE))
  ana.gossip.close()
})
