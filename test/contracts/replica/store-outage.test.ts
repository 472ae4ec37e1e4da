import t from 'tap'
import { obstaclesIn } from '../../../src/contracts/obstacles/obstacles.ts'
import { openPartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { loadContract } from '../../../src/contracts/replica/opening/load.ts'
import { Recovery } from '../../../src/contracts/replica/recovery.ts'
import { keyedId, keyIn } from '../../../src/contracts/requests/keyed-id.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner, type Signer } from '../../../src/crypto/signer.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { defaultTiming } from '../../../src/gossip/gossip.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { StoreUnavailable } from '../../../src/store/errors.ts'
import type { Store } from '../../../src/store/port.ts'
import { settleMicrotasks, VirtualClock } from '../../simulation/virtual-clock.ts'
import { allOf, contractFoundedBy, Player } from '../../support/market.ts'
import { foundedBy } from '../../support/uid.ts'

const pair = generateKeyPair()
const keys = { signing: pair.publicKey, recovery: generateKeyPair().publicKey }
const card = { handle: 'ana' as Handle, did: 'did:web:ana.example', name: 'ana', keys }
const UID = foundedBy(card)

/** A node in one process on a store that can be away; time stands still until it is told to pass. */
class Afar {
  readonly clock = new VirtualClock()
  readonly guard = memoryGuard()
  readonly failures: unknown[] = []
  readonly inner = openMemoryStore()
  /** How many statements it has signed. */
  signed = 0
  isAway = false
  /** It can be read, and not written to: its disk is full. */
  isFull = false
  /** The next write takes effect, its answer does not come back, and from then on the store is away. */
  isToBreakOff = false

  readonly #check = () => {
    if (this.isAway) throw new StoreUnavailable('store_unavailable', 'no answer')
  }

  get store(): Store {
    const { events, payloads } = this.inner
    const check = this.#check
    const call = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      check()
      return work()
    }
    async function* reading<Item>(items: () => AsyncIterable<Item>): AsyncGenerator<Item> {
      check()
      yield* items()
    }
    return {
      events: {
        append: (...what) => call(() => events.append(...what)),
        lastRevision: (stream) => call(() => events.lastRevision(stream)),
        lastPosition: () => call(() => events.lastPosition()),
        read: (...what) => reading(() => events.read(...what)),
        readAll: (range) => reading(() => events.readAll(range)),
        subscribe: (...what) => events.subscribe(...what),
      },
      payloads: {
        put: (...what) => call(() => payloads.put(...what)),
        get: (...what) => call(() => payloads.get(...what)),
        groups: (contract) => payloads.groups(contract),
        erase: (...what) => call(() => payloads.erase(...what)),
      },
      isAtomic: this.inner.isAtomic,
      write: (batch) =>
        call(async () => {
          if (this.isFull) throw new StoreUnavailable('store_unavailable', 'the disk is full')
          await this.inner.write(batch)
          if (this.isToBreakOff) this.isAway = true
          this.isToBreakOff = false
          check()
        }),
      close: () => this.inner.close(),
    }
  }

  async start() {
    const own = keySigner(pair.privateKey)
    const signer: Signer = {
      publicKey: own.publicKey,
      sign: (bytes) => {
        this.signed++
        return own.sign(bytes)
      },
    }
    let requests = 0
    const node = await openPartyProcess({
      store: this.store,
      signer,
      guard: this.guard,
      clock: this.clock,
      random: systemRandom,
      card,
      uidOf: () => UID,
      newRequestId: () => `request ${requests++}`,
      timing: defaultTiming,
      report: { unreachable() {}, refused() {} },
      failed: (error) => this.failures.push(error),
    })
    node.contracts.listen({ failed: (_, error) => this.failures.push(error) })
    return node
  }

  async pass(ms: number): Promise<void> {
    await this.clock.runUntil(this.clock.now() + ms)
    await settleMicrotasks()
  }
}

function add(live: LiveContract, name: string, id = name): Promise<unknown> {
  const command = { type: 'AddField', parent: '0', name, field: { type: 'text' } } as const
  return live.submit({ request: { id, commands: [command] }, payloads: {} }).verdict
}

const accepted = { kind: 'settled', outcome: { kind: 'accepted' } }
const away = { code: 'store_unavailable' }

t.test('a store that is away costs the calls of that time, and what comes when it is back goes on', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const { contract: live, opened } = await node.contracts.openContract('afar')
  await opened
  afar.isAway = true
  await t.rejects(add(live, 'first'), away)
  await t.rejects(add(live, 'in the pause'), away)
  await t.rejects(live.deliver([]), away)
  await afar.pass(120_000)
  t.ok(afar.failures.length > 5, 'it asks again by itself')
  t.ok(afar.failures.length < 20, 'more and more seldom')
  afar.isAway = false
  t.match(await add(live, 'afterwards'), accepted, 'without waiting for the pause to end')
  const { feeds, settling } = (await loadContract(afar.inner, UID, card.handle)).state
  t.equal(feeds.get(card.handle)?.size, 2)
  t.equal(settling.settled, 2)
  t.match(await afar.guard.read(UID), { seq: 1 })
  await node.close()
})

t.test('a statement that stands in the store although its write failed is gone on from, not signed anew', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const { contract: live, opened } = await node.contracts.openContract('afar')
  await opened
  const told: number[] = []
  node.contracts.listen({ settled: (_, entries) => told.push(...entries.map(({ entry }) => entry.index)) })
  const before = afar.signed
  const id = keyedId('a'.repeat(22), 'b'.repeat(22))
  afar.isToBreakOff = true
  await t.rejects(add(live, 'it stands there', id), away)
  await t.rejects(add(live, 'in the pause'), away)
  await afar.pass(10_000)
  t.equal(afar.signed, before + 1, 'what is in doubt comes first')
  t.match(await afar.guard.read(UID), { seq: 0 })
  afar.isAway = false
  await afar.pass(40_000)
  t.equal(live.state.settling.settled, 2, 'it is found when the store is asked again')
  t.same(told, [1], 'and everybody hears of it')
  t.match(live.requestUnder(keyIn(id) as string), { handle: 'ana', index: 0, seq: 1 }, 'by its key, too')
  t.match(await add(live, 'afterwards'), accepted)
  const { state } = await loadContract(afar.inner, UID, card.handle)
  t.same(
    [...(state.feeds.get(card.handle) ?? [])].flatMap(({ statement }) => statement.requests.map(({ id }) => id)),
    ['request 0', id, 'afterwards'],
  )
  t.equal(live.state.settling.settled, 3)
  t.same(told, [1, 2], 'once each')
  await node.close()
})

t.test('so it is with the first statements of another, of which nothing is in memory', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const uid = contractFoundedBy('ben')
  const ben = new Player('ben', undefined, uid)
  ben.requests(ben.opening())
  t.equal(await node.contracts.begin(uid, allOf(ben), ben.handle), true)
  await node.contracts.use(uid, async (live) => {
    afar.isToBreakOff = true
    await t.rejects(live.deliver(allOf(ben)), away)
    afar.isAway = false
    ben.requests({ type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } })
    await live.deliver(allOf(ben))
    t.equal(live.state.feeds.get(ben.handle)?.size, 2)
  })
  await node.close()
})

t.test('what had run ahead still does, should the write fail with which it was taken in', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const uid = contractFoundedBy('ben')
  const ben = new Player('ben', undefined, uid)
  ben.requests(ben.opening())
  await node.contracts.begin(uid, allOf(ben), ben.handle)
  await node.contracts.use(uid, async (live) => {
    await live.deliver(allOf(ben))
    const second = ben.requests({ type: 'AddField', parent: '0', name: 'A', field: { type: 'text' } })
    const third = ben.requests({ type: 'AddField', parent: '0', name: 'B', field: { type: 'text' } })
    await live.deliver([third])
    afar.isAway = true
    await t.rejects(live.deliver([second]), away)
    afar.isAway = false
    await live.deliver([second])
    t.equal(live.state.feeds.get(ben.handle)?.size, 3)
  })
  await node.close()
})

t.test('a store that can be read and not written to is told of, until it is written to', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const { contract: live, opened } = await node.contracts.openContract('afar')
  await opened
  const isTold = () => obstaclesIn(live).map(({ code }) => code)
  afar.isFull = true
  await t.rejects(add(live, 'in vain'), away)
  await afar.pass(9 * 60_000)
  t.same(isTold(), ['store_set_back', 'store_failing'], 'although it has been read since')
  t.equal(live.mayRest, false, 'and what is not in memory would say nothing')
  t.ok(afar.failures.length < 40, 'tried again more and more seldom')
  afar.isFull = false
  t.match(await add(live, 'afterwards'), accepted)
  t.same(isTold(), [])
  await node.close()
})

t.test('nor for ever where nobody has tried again, and it can be read', async (t) => {
  const clock = new VirtualClock()
  const recovery = new Recovery(clock)
  const passMs = (ms: number) => clock.runUntil(clock.now() + ms)
  const full = new StoreUnavailable('store_unavailable', 'the disk is full')
  recovery.failed(full)
  await passMs(60 * 60_000)
  t.equal(recovery.trouble, 'store_failing', 'it has not been read either')
  recovery.isSure(true)
  t.equal(recovery.trouble, undefined)
  recovery.failed(full)
  recovery.isSure(true)
  await passMs(9 * 60_000)
  t.equal(recovery.trouble, 'store_failing')
  await passMs(60_000)
  t.equal(recovery.trouble, undefined)
})

t.test('a node that is stopped meanwhile does not wait for the store', async (t) => {
  const afar = new Afar()
  const node = await afar.start()
  const { contract: live, opened } = await node.contracts.openContract('afar')
  await opened
  afar.isAway = true
  await t.rejects(add(live, 'lost'), away)
  await settleMicrotasks()
  await node.close()
  t.match(afar.failures, [away])
})
