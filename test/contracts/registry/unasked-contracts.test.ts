import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { PartyProcess, PartyProcessPorts } from '../../../src/contracts/processes/party-process.ts'
import { Unasked } from '../../../src/contracts/registry/unasked-contracts.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { encodeSigned } from '../../../src/events/statement-codec.ts'
import { encodeMessage } from '../../../src/gossip/message.ts'
import { memorySnapshots } from '../../../src/store/snapshot-port.ts'
import { CONTRACTS_STREAM, feedStream, INVITATIONS_STREAM } from '../../../src/store/streams.ts'
import { VirtualClock } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { allOf, contractFoundedBy, keysOf, Player } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'
import { nobodysUid } from '../../support/uid.ts'

const bounds = { ofPartyMax: 3, inAllMax: 5 }
const nth = (founder: string, n: number) => contractFoundedBy(founder, n)
const titlesOf = async ({ contracts }: PartyProcess) => (await contracts.summaries()).map(({ title }) => title)

/** A party brings a contract of its own, in which it invites ben or not, as its node would send it. */
async function brings(to: PartyProcess, founder: string, n: number, invites = false): Promise<boolean> {
  const player = new Player(founder, keysOf(founder), nth(founder, n))
  player.requests({ ...player.opening(), title: `${founder} ${n}` })
  if (invites) player.requests({ type: 'InviteParty', party: to.contracts.card })
  while (player.state.settling.settled < player.state.ledger.log.size) player.says()
  const lines = allOf(player).map(({ text, signature, payloads }) => encodeSigned(text, signature, payloads))
  const peer = { handle: player.handle, signingKey: player.card.keys.signing, exchange: () => Promise.reject() }
  await to.gossip.answer(peer, encodeMessage(new Map(), lines, []))
  return to.contracts.has(nth(founder, n))
}

class Ben extends EdgelessParty {
  readonly clock = new VirtualClock()
  readonly snapshots = memorySnapshots()

  constructor(t: Test) {
    super(t, 'ben')
  }

  up(more: Partial<PartyProcessPorts> = {}): Promise<PartyProcess> {
    return this.start('node', { clock: this.clock, unaskedBounds: bounds, snapshots: this.snapshots, ...more })
  }
}

t.test(
  'of contracts that nobody has asked for the oldest of who brings too many goes, named there or not',
  async (t) => {
    for (const invites of [false, true]) {
      const bens = new Ben(t)
      const ben = await bens.up()
      t.ok(await brings(ben, 'ana', 1, true))
      for (let n = 0; n < 6; n++) t.ok(await brings(ben, 'mallory', n, invites))
      t.same(await titlesOf(ben), ['ana 1', 'mallory 3', 'mallory 4', 'mallory 5'])
      t.same([...ben.contracts.unasked.givenUp], [['mallory', 3]], 'the operator is told whose')
      t.notOk(await brings(ben, 'mallory', 0, invites), 'what went does not come again while there is no room')
      t.same(await titlesOf(ben), ['ana 1', 'mallory 3', 'mallory 4', 'mallory 5'])
      await t.rejects(
        ben.contracts.use(nth('mallory', 0), () => {}),
        { code: 'no_such_contract' },
      )
    }
  },
)

t.test('in all there are no more than so many, and who brings most makes room', async (t) => {
  const ben = await new Ben(t).up()
  for (const n of [1, 2, 3]) await brings(ben, 'mallory', n)
  for (const n of [1, 2]) await brings(ben, 'ana', n)
  t.ok(await brings(ben, 'cleo', 1))
  t.same(await titlesOf(ben), ['mallory 2', 'mallory 3', 'ana 1', 'ana 2', 'cleo 1'])
  t.ok(await brings(ben, 'mallory', 4))
  t.same(await titlesOf(ben), ['mallory 3', 'ana 1', 'ana 2', 'cleo 1', 'mallory 4'])
})

t.test('a restart opens it to nobody, whether the contracts were at rest or in memory', async (t) => {
  for (const activeMax of [undefined, 0]) {
    const bens = new Ben(t)
    const more = activeMax === undefined ? {} : { activeMax }
    const before = await bens.up(more)
    for (let n = 0; n < 5; n++) await brings(before, 'mallory', n)
    await bens.clock.runUntil(bens.clock.now() + 60_000)
    if (activeMax === 0) t.same([...before.contracts.cache.active()], [], 'nobody has to answer first')
    await before.close()
    const ben = await bens.up(more)
    t.same(
      [...ben.contracts.cache.uids()],
      [2, 3, 4].map((n) => nth('mallory', n)),
    )
    t.same(bens.snapshots.passiveWith('mallory' as Handle, '', 9).length, activeMax === 0 ? 3 : 0)
    t.notOk(await brings(ben, 'mallory', 1), 'what went before is known')
    t.ok(await brings(ben, 'mallory', 5))
    t.same(
      [...ben.contracts.cache.uids()],
      [3, 4, 5].map((n) => nth('mallory', n)),
    )
  }
})

t.test('one that is full of proofs rests like any other, as long as this party has no part in it', async (t) => {
  const bens = new Ben(t)
  const ben = await bens.up({ activeMax: 0 })
  t.ok(await brings(ben, 'mallory', 1, true))
  const mallory = new Player('mallory', keysOf('mallory'), nth('mallory', 1))
  mallory.requests({ ...mallory.opening(), title: 'another' })
  await ben.contracts.use(mallory.contract, async (live) => {
    await live.deliver(allOf(mallory))
    t.equal(live.evidence.length, 1)
  })
  await bens.clock.runUntil(bens.clock.now() + 60_000)
  t.same([...ben.contracts.cache.active()], [])
  await ben.contracts.use(mallory.contract, (live) => t.equal(live.evidence.length, 1, 'and has them when it wakes'))
})

t.test('what this party has joined, or wants to, stays; so does that of others', async (t) => {
  const [anas, bens] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const unaskedBounds = { ofPartyMax: 1, inAllMax: 1 }
  const [ana, ben] = [await anas.start(), await bens.start('node', { unaskedBounds })]
  new Link([ana, anas], [ben, bens])
  const joined = await together(ana, ben)
  t.equal(ben.contracts.unasked.size, 0)
  const opened = await ben.contracts.openContract('own')
  await opened.opened
  t.ok(await brings(ben, 'mallory', 1, true))
  await ben.contracts.accept(nth('mallory', 1))
  t.equal(ben.contracts.unasked.size, 0, 'whoever accepts has asked for it')
  for (const n of [2, 3]) t.ok(await brings(ben, 'mallory', n))
  t.same([...ben.contracts.cache.uids()], [joined, opened.contract.contract, nth('mallory', 1), nth('mallory', 3)])

  const again = await bens.start('node', { unaskedBounds })
  t.equal(again.contracts.unasked.size, 1, 'which is known after a restart, too')
  t.ok(await brings(again, 'mallory', 4))
  t.same([...again.contracts.cache.uids()], [joined, opened.contract.contract, nth('mallory', 1), nth('mallory', 4)])
})

t.test('one that somebody here works with stays as long', async (t) => {
  const ben = await new Ben(t).up()
  for (let n = 0; n < 3; n++) await brings(ben, 'mallory', n)
  const done = Promise.withResolvers<void>()
  const working = ben.contracts.use(nth('mallory', 0), () => done.promise)
  await brings(ben, 'mallory', 3)
  t.same(await titlesOf(ben), ['mallory 0', 'mallory 2', 'mallory 3'])
  done.resolve()
  await working
  await brings(ben, 'mallory', 4)
  t.same(await titlesOf(ben), ['mallory 2', 'mallory 3', 'mallory 4'])
})

t.test(
  'who accepts while another takes its place is either heard, and it stays, or told that it is gone',
  async (t) => {
    for (const stream of [CONTRACTS_STREAM, feedStream(nth('mallory', 0), 'ben' as Handle)]) {
      const bens = new Ben(t)
      const ben = await bens.up()
      for (let n = 0; n < 3; n++) await brings(ben, 'mallory', n, true)
      const { events } = bens.store
      const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const { append, lastRevision } = events
      const passing = async (name: string) => {
        if (name !== stream) return
        reached.resolve()
        await open.promise
      }
      // One is held up as it is written, the other as it is looked whether this party has signed anything in it.
      if (stream === CONTRACTS_STREAM)
        events.append = async (...given) => {
          await passing(given[0])
          return append.apply(events, given)
        }
      else
        events.lastRevision = async (...given) => {
          await passing(given[0])
          return lastRevision.apply(events, given)
        }
      const bringing = brings(ben, 'mallory', 3, true)
      await reached.promise
      const accepting = ben.contracts.accept(nth('mallory', 0)).then(
        () => 'heard',
        (error: { code: string }) => error.code,
      )
      await new Promise((resolve) => setImmediate(resolve))
      open.resolve()
      await bringing
      const said = await accepting
      t.equal(said, ben.contracts.has(nth('mallory', 0)) ? 'heard' : 'no_such_contract', stream)
      Object.assign(events, { append, lastRevision })
      await ben.close()
      const again = await bens.up()
      t.equal(again.contracts.has(nth('mallory', 0)), said === 'heard', 'and so it is after a restart')
    }
  },
)

t.test('what comes in the place of others makes the list of contracts longer only so fast', async (t) => {
  const bens = new Ben(t)
  const ben = await bens.up()
  const last = () => bens.store.events.lastRevision(CONTRACTS_STREAM)
  for (let n = 0; n < 50; n++) await brings(ben, 'mallory', n)
  t.equal(await last(), 3 + 32 - 1)
  t.ok(await brings(ben, 'ana', 1), 'others are taken')
  await bens.clock.runUntil(bens.clock.now() + 3_600_000)
  for (let n = 100; n < 150; n++) await brings(ben, 'mallory', n)
  t.equal(await last(), 3 + 32 + 6)
})

t.test('what another process of the party gives up is held by none of them', async (t) => {
  const bens = new EdgelessParty(t, 'ben')
  const more = { unaskedBounds: bounds }
  const [receive, serve] = [await bens.start('receive', more), await bens.start('serve', more)]
  for (let n = 0; n < 6; n++) await brings(receive, 'mallory', n)
  const held = [3, 4, 5].map((n) => nth('mallory', n))
  t.same([...receive.contracts.cache.uids()], held)
  const last = held.at(-1) as Uid
  await until('the other process to hear of it', async () => serve.contracts.has(last) && serve.contracts.size === 3)
  t.same([...serve.contracts.cache.uids()], held)
  t.same([...serve.contracts.unasked.givenUp], [['mallory', 3]], 'and tells of it')
  t.same(bens.told, [])
})

t.test('what one process accepts while another gives it up is held by both, and after a restart', async (t) => {
  const accepted = nth('mallory', 0)
  const all = [0, 1, 2, 3].map((n) => nth('mallory', n)).sort()
  // One of the two is held up until the other has written.
  for (const late of [CONTRACTS_STREAM, INVITATIONS_STREAM]) {
    const bens = new EdgelessParty(t, 'ben')
    const more = { unaskedBounds: bounds }
    const [receive, transmit] = [await bens.start('receive', more), await bens.start('transmit', more)]
    for (let n = 0; n < 3; n++) await brings(receive, 'mallory', n, true)
    await until('the other process to hear of it', async () => transmit.contracts.size === 3)
    const [reached, open] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { events } = bens.store
    const { append } = events
    events.append = async (...given) => {
      if (given[0] === late) {
        reached.resolve()
        await open.promise
      }
      return append.apply(events, given)
    }
    const both = [() => brings(receive, 'mallory', 3, true), () => transmit.contracts.accept(accepted)]
    const [first, then] = (late === CONTRACTS_STREAM ? both : both.reverse()) as [
      () => Promise<unknown>,
      () => Promise<unknown>,
    ]
    const waiting = first()
    await reached.promise
    await then()
    if (late === INVITATIONS_STREAM) {
      await until(
        'it to be given up',
        async () => !transmit.contracts.has(accepted) && !receive.contracts.has(accepted),
      )
    }
    open.resolve()
    await waiting
    for (const { contracts } of [receive, transmit]) {
      await until('both to hold all', async () => contracts.size === 4)
      t.same([...contracts.cache.uids()].sort(), all)
      t.equal(contracts.unasked.size, 3)
    }
    await transmit.close()
    const again = await bens.start('transmit', more)
    t.same([...again.contracts.cache.uids()].sort(), all)
    t.equal(again.contracts.replyTo(accepted), 'accepted')
    t.same(bens.told, [])
  }
})

t.test('nobody takes room from a party that has less, whatever comes from whom', (t) => {
  const parties = ['ana', 'ben', 'cleo'] as Handle[]
  fc.assert(
    fc.property(fc.array(fc.nat(parties.length - 1), { maxLength: 60 }), (froms) => {
      const unasked = new Unasked(new VirtualClock(), { ofPartyMax: 6, inAllMax: 8 })
      const sizes = new Map<Handle, Uid[]>(parties.map((party) => [party, []]))
      for (const [n, which] of froms.entries()) {
        const from = parties[which] as Handle
        const uid = nobodysUid(n)
        if (!unasked.hasRoomFor(from)) {
          if (!unasked.mayReplace(uid, from)) continue
          const goes = unasked.oldestFor(from, () => true) as Uid
          const [owner, theirs] = [...sizes].find(([, uids]) => uids.includes(goes)) as [Handle, Uid[]]
          const others = sizes.get(from) as Uid[]
          if (owner !== from && theirs.length <= others.length) return false
          if (theirs.shift() !== goes) return false
          unasked.giveUp(goes, from)
        }
        unasked.add(uid, from)
        sizes.get(from)?.push(uid)
        if (unasked.size > 8 || (sizes.get(from)?.length ?? 0) > 6) return false
      }
      return true
    }),
  )
  t.end()
})
