import t from 'tap'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { guardRefused, type SigningGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { domains } from '../../../src/crypto/hash.ts'
import type { Signer } from '../../../src/crypto/signer.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { WrongExpectedRevision } from '../../../src/store/errors.ts'
import { type EventStore, NO_EVENTS, type StreamRange } from '../../../src/store/port.ts'
import { CONTRACTS_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { settleMicrotasks } from '../../simulation/virtual-clock.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { statementsIn } from '../../support/full-state.ts'
import { allOf, contractFoundedBy, Player } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'
import { reading } from '../../support/reading-store.ts'

t.test(
  'what has no form in streams that serve may write to is told and passed over, before and after a start',
  async (t) => {
    const ana = new EdgelessParty(t)
    const { store, told } = ana
    const nonsense = async () => {
      for (const type of ['IntentQueued', 'IntentSigned', 'Whatever']) {
        for (const data of ['{', '{}', '{"id":"x","contract":null,"ask":{"kind":"launch"}}']) {
          await store.events.append(OUTBOX_STREAM, 'any', [{ type, data }])
        }
      }
      for (const type of ['InvitationAccepted', 'KeyReserved', 'KeyRevoked']) {
        await store.events.append(INVITATIONS_STREAM, 'any', [{ type, data: 'no JSON' }])
      }
    }
    await nonsense()
    const serve = await ana.start('serve')
    await ana.start('transmit')
    await ana.start('receive')
    await nonsense()
    const { contract } = await serve.contracts.openContract('all the same')
    t.equal(contract.state.settling.agreed.isOpen, true)
    t.ok(told.length > 0)
    for (const error of told) t.match(error, { code: 'ask_malformed' })
  },
)

t.test('where the stream is now the refusal of an append says, should not all in it be readable', async (t) => {
  const ana = new EdgelessParty(t)
  const { store } = ana
  let isBehind = true
  const lastRevision = async (stream: string) => {
    if (stream !== CONTRACTS_STREAM || !isBehind) return store.events.lastRevision(stream)
    isBehind = false
    await store.events.append(stream, 'any', [{ type: 'Whatever', data: '{}' }])
    return NO_EVENTS
  }
  // Nothing of what stands there is given.
  async function* read(stream: string, range: StreamRange = {}) {
    if (stream !== CONTRACTS_STREAM) yield* store.events.read(stream, range)
  }
  const events = { ...store.events, lastRevision, read }
  const node = await ana.start('node', { store: { ...store, write: (batch) => store.write(batch), events } })
  const { contract } = await node.contracts.openContract('behind it')
  t.equal(node.contracts.has(contract.contract), true)
  t.equal(await store.events.lastRevision(CONTRACTS_STREAM), 1)
})

t.test('an append before which others come again and again ends with an error', async (t) => {
  const ana = new EdgelessParty(t)
  const { store } = ana
  // The pauses by themselves keep no process alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  let tried = 0
  const append: EventStore['append'] = async (stream, expected, events) => {
    if (stream !== CONTRACTS_STREAM) return store.events.append(stream, expected, events)
    tried++
    throw new WrongExpectedRevision(stream, Number(expected), Number(expected) + 1)
  }
  const events = { ...store.events, append }
  const node = await ana.start('node', { store: { ...store, write: (batch) => store.write(batch), events } })
  await t.rejects(node.contracts.openContract('never'), {
    code: 'store_unavailable',
    message: 'append to contracts: others were faster 20 times',
  })
  t.equal(tried, 20)
})

t.test('of two that sign, one that finds its place taken goes on from there, and nothing has failed', async (t) => {
  const ana = new EdgelessParty(t)
  const { guard, signer } = ana
  // As the signer process does: at a place that the guard knows of nothing is signed. This one is asked late, each time.
  let refused = 0
  const late: Signer = {
    publicKey: signer.publicKey,
    async sign(bytes) {
      const text = Buffer.from(bytes).toString()
      if (!text.startsWith(domains.statement)) return signer.sign(bytes)
      const { contract, seq } = JSON.parse(text.slice(domains.statement.length)) as { contract: Uid; seq: number }
      if (refused === 0)
        await until('the other has signed', async () => ((await guard.read(contract))?.seq ?? -1) >= seq)
      const guarded = await guard.read(contract)
      if (guarded === undefined || guarded.seq < seq) return signer.sign(bytes)
      refused++
      throw guardRefused(contract, undefined, guarded)
    },
  }
  const serve = await ana.start('serve')
  const behind = await ana.start('transmit', { signer: late })
  await ana.start('transmit')
  const failures: unknown[] = []
  behind.contracts.listen({ failed: (_, error) => failures.push(error) })
  const { contract } = await serve.contracts.openContract('by two')
  await until('it has met the other', async () => refused > 0)
  await until('it holds the same', async () => {
    return behind.contracts.find(contract.contract)?.state.settling.settled === contract.state.settling.settled
  })
  t.same(failures, [])
})

t.test(
  'one that is slower than the other gets on all the same: what it has read counts, however far the guard is by then',
  async (t) => {
    const ana = new EdgelessParty(t)
    const { guard } = ana
    const faster = await ana.start('transmit')
    const { contract: uid } = (await faster.contracts.openContract('by two')).contract
    let statements = 0
    const say = () =>
      faster.contracts.use(uid, async (live) => {
        const command = { type: 'AddBlock', parent: '0', name: `block ${statements++}` }
        await live.submit({ request: { id: `say-${statements}`, commands: [command] }, payloads: {} }).verdict
      })
    // Each time that it asks the guard how far the feed is, the other has said one thing more.
    let isRacing = false
    const late: SigningGuard = {
      ...guard,
      read: async (contract) => {
        if (isRacing && statements < 50) await say()
        return guard.read(contract)
      },
    }
    const slower = await ana.start('receive', { guard: late })
    const failures: unknown[] = []
    slower.contracts.listen({ failed: (_, error) => failures.push(error) })
    const sizeAt = ({ contracts }: PartyProcess) => contracts.find(uid)?.state.feeds.get(ana.card.handle)?.size
    await until('it holds the same', async () => sizeAt(slower) === sizeAt(faster))
    isRacing = true
    await say()
    await until('it holds the same again', async () => statements >= 50 && sizeAt(slower) === sizeAt(faster))
    t.same(failures, [])
  },
)

t.test('what serve hears of it need not read: only where that has gaps it looks into the store', async (t) => {
  const ana = new EdgelessParty(t)
  const transmit = await ana.start('transmit')
  const { contract: uid } = (await transmit.contracts.openContract('heard of')).contract
  const read: string[] = []
  const store = reading(ana.store, (stream, events) => {
    read.push(stream)
    return events
  })
  const serve = await ana.start('serve', { store })
  const settledAt = ({ contracts }: PartyProcess) => contracts.find(uid)?.state.settling.settled
  const block = (name: string) =>
    transmit.contracts.use(uid, async (live) => {
      const command = { type: 'AddBlock', parent: '0', name }
      await live.submit({ request: { id: name, commands: [command] }, payloads: {} }).verdict
    })
  await block('one')
  await until('it holds the same', async () => settledAt(serve) === settledAt(transmit))
  read.length = 0
  for (const name of ['two', 'three', 'four']) await block(name)
  await until('it holds the same again', async () => settledAt(serve) === settledAt(transmit))
  t.same(read, [])

  const live = serve.contracts.find(uid)
  const { size = 0 } = live?.state.feeds.get(ana.card.handle) ?? {}
  live?.feedHas(ana.card.handle, size + 5, 'of a later place')
  await until('it has looked', async () => read.length > 0)
  await block('five')
  await until('it goes on', async () => settledAt(serve) === settledAt(transmit))
})

t.test(
  'who finds a statement in the store that the guard is about to be told of does not say that its signing is blocked',
  async (t) => {
    const ana = new EdgelessParty(t)
    const { store, guard } = ana
    const [stored, free] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow: SigningGuard = {
      read: (contract) => guard.read(contract),
      async advance(...move) {
        stored.resolve()
        await free.promise
        return guard.advance(...move)
      },
    }
    const late = reading(store, async function* (stream, events) {
      if (stream.startsWith('feed-')) await stored.promise
      yield* events
    })
    const serve = await ana.start('serve')
    await ana.start('transmit', { guard: slow })
    const { contracts } = await ana.start('receive', { store: late })
    const signingBlocked: unknown[] = []
    contracts.listen({ signingBlocked: (_, obstacle) => signingBlocked.push(obstacle) })
    const opening = serve.contracts.openContract('new')
    await until('it is loaded', async () =>
      [...contracts.cache.active()].some(({ state }) => statementsIn(state) === 1),
    )
    t.equal([...contracts.cache.active()][0]?.obstacle, 'nobody_to_ask')
    await settleMicrotasks()
    free.resolve()
    await opening
    t.same(signingBlocked, [])
  },
)

t.test('what is asked of a contract that began while transmit was starting is carried out', async (t) => {
  const ana = new EdgelessParty(t)
  const { store, card } = ana
  const serve = await ana.start('serve')
  const receive = await ana.start('receive')
  const reached = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const { events } = store
  const slow = reading(store, async function* (stream, read) {
    if (stream === OUTBOX_STREAM) {
      reached.resolve()
      await gate.promise
    }
    yield* read
  })
  const starting = ana.start('transmit', { store: slow })
  await reached.promise
  const uid = contractFoundedBy('ben')
  const ben = new Player('ben', undefined, uid)
  ben.requests(ben.opening())
  ben.requests({ type: 'InviteParty', party: card })
  await receive.contracts.begin(uid, allOf(ben), ben.handle)
  await receive.contracts.use(uid, (live) => live.deliver(allOf(ben)))
  await until('serve holds the invitation', async () => {
    return serve.contracts.find(uid)?.state.settling.agreed.parties.invitations.length === 1
  })
  const accepted = serve.contracts.accept(uid)
  await until('it stands in the command queue', async () => (await events.lastRevision(OUTBOX_STREAM)) >= 0)
  gate.resolve()
  await starting
  await t.resolves(accepted)
})
