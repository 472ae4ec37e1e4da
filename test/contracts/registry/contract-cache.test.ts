import { rejects } from 'node:assert/strict'
import t from 'tap'
import { ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import { isWhole } from '../../../src/agreement/history/pruning.ts'
import { openPartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { NoSuchContract } from '../../../src/contracts/registry/contract-cache.ts'
import type { ContractsPorts } from '../../../src/contracts/registry/ports.ts'
import { ContractDamaged } from '../../../src/contracts/replica/journal.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { generateKeyPair } from '../../../src/crypto/key-pair.ts'
import { keySigner } from '../../../src/crypto/signer.ts'
import { tagged } from '../../../src/crypto/tagged.ts'
import type { Command } from '../../../src/events/commands.ts'
import type { Handle, Uid } from '../../../src/events/ids.ts'
import { defaultTiming } from '../../../src/gossip/gossip.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import type { Store } from '../../../src/store/port.ts'
import { memorySnapshots, type Snapshots } from '../../../src/store/snapshot-port.ts'
import { contractStream, evidenceStream, feedStream } from '../../../src/store/streams.ts'
import { settleMicrotasks, VirtualClock } from '../../simulation/virtual-clock.ts'
import { fullState, statementsIn } from '../../support/full-state.ts'
import { allOf, overTheWire, owes, Player } from '../../support/market.ts'
import { foundedBy } from '../../support/uid.ts'

const signer = keySigner(generateKeyPair().privateKey)
const keys = { signing: signer.publicKey, recovery: generateKeyPair().publicKey }
const card = { handle: 'ana' as Handle, did: 'did:web:ana.example', name: 'ana', keys }

/** A node of a party that is alone in its contracts, on this disk; time stands still until it is told to pass. */
class Alone {
  readonly clock = new VirtualClock()
  readonly failures: unknown[] = []
  readonly guard = memoryGuard()
  store: Store = openMemoryStore()
  snapshots: Snapshots = memorySnapshots()
  #requests = 0

  async start(more: Partial<ContractsPorts> = {}) {
    return openPartyProcess({
      store: this.store,
      snapshots: this.snapshots,
      activeMax: 1,
      signer,
      guard: this.guard,
      clock: this.clock,
      random: systemRandom,
      card,
      uidOf: (number) => foundedBy(card, number % 2 ** 20),
      newRequestId: () => `request ${this.#requests++}`,
      timing: defaultTiming,
      report: { unreachable() {}, refused() {} },
      failed: (error) => this.failures.push(error),
      ...more,
    })
  }

  async pass(ms: number): Promise<void> {
    await this.clock.runUntil(this.clock.now() + ms)
    await settleMicrotasks()
  }
}

type Started = Awaited<ReturnType<Alone['start']>>

async function open({ contracts }: Started, title: string): Promise<Uid> {
  const { contract, opened } = await contracts.openContract(title)
  await opened
  return contract.contract
}

function add(live: LiveContract, name: string) {
  const command: Command & { readonly [member: string]: unknown } = {
    type: 'AddField',
    parent: '0',
    name,
    field: { type: 'text' },
  }
  return live.submit({ request: { id: name, commands: [command] }, payloads: {} }).verdict
}

const titleOf = ({ state }: LiveContract) => state.settling.agreed.title
const heldBy = ({ contracts }: Started) => [...contracts.cache.active()].map(titleOf)

t.test(
  'of many contracts those are in memory that were used last; the others are taken back when asked for',
  async (t) => {
    const alone = new Alone()
    const node = await alone.start()
    const uids: Uid[] = []
    for (const title of ['one', 'two', 'three']) uids.push(await open(node, title))
    await alone.pass(3_000)
    t.same(heldBy(node), ['three'])
    t.equal(node.contracts.size, 3)
    t.equal(node.contracts.cache.passive(uids[0] as Uid)?.summary?.title, 'one')
    t.same(
      (await node.contracts.summaries()).map(({ title, tier }) => [title, tier]),
      [
        ['one', 4],
        ['two', 4],
        ['three', 4],
      ],
    )
    t.same(heldBy(node), ['three'], 'a list takes none of them into memory')
    t.match(await node.contracts.use(uids[1] as Uid, (live) => add(live, 'a field')), { outcome: { kind: 'accepted' } })
    await alone.pass(3_000)
    t.same(heldBy(node), ['two'])
    t.match(node.contracts.cache.passive(uids[2] as Uid), { settled: 1 })
    await rejects(
      node.contracts.use('0000000000000000000000000000000000000000000000000000' as Uid, () => {}),
      NoSuchContract,
    )
    await node.close()
  },
)

t.test('one with rules in force rests like any other, and is listed without being loaded', async (t) => {
  const alone = new Alone()
  const node = await alone.start()
  const uid = await open(node, 'with rules')
  const asks = (...commands: { type: string; [member: string]: unknown }[]) =>
    node.contracts.use(
      uid,
      (live) => live.submit({ request: { id: String(commands[0]?.type), commands }, payloads: {} }).verdict,
    )
  await asks(
    { type: 'AddField', parent: '0', name: 'F', field: { type: 'text' } },
    { type: 'AddRuleSet', name: 'Terms' },
  )
  const body = { kind: 'assignment', target: '0.0', expression: ['x'] } as never
  await asks({ type: 'DraftRule', at: '0', ruleSet: 1, body })
  const { rules } = await node.contracts.use(uid, ({ state }) => state.settling.agreed.rules)
  const drafted = rules.map(({ terms }) => ({ rule: terms.id, hash: ruleHash(terms) }))
  t.match(await asks({ type: 'PublishRules', ruleSets: [1], rules: drafted }), { outcome: { kind: 'accepted' } })
  await open(node, 'another')
  await alone.pass(3_000)
  t.same(heldBy(node), ['another'])
  t.match(node.contracts.cache.passive(uid), { summary: { phase: 'live', title: 'with rules' } })
  await node.contracts.summaries()
  t.same(heldBy(node), ['another'])
  await node.close()
})

t.test('one that is used stays, however long that takes', async (t) => {
  const alone = new Alone()
  const node = await alone.start()
  const [one, two] = [await open(node, 'one'), await open(node, 'two')]
  const done = Promise.withResolvers<void>()
  const using = node.contracts.use(one, () => done.promise)
  await alone.pass(60_000)
  t.same(heldBy(node).sort(), ['one'])
  done.resolve()
  await using
  const held = node.contracts.use(two, (live) => live)
  await held
  await alone.pass(60_000)
  t.same(heldBy(node), ['two'])
  await node.close()
})

t.test('after a stop a start loads nothing; after a crash it loads what had changed, and no more', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const uids = [await open(first, 'one'), await open(first, 'two'), await open(first, 'three')]
  await alone.pass(3_000)
  await first.close()
  const second = await alone.start()
  t.same(heldBy(second), [])
  await second.contracts.use(uids[1] as Uid, (live) => add(live, 'late'))
  // It dies here: nothing of what it has in memory is kept.
  second.gossip.close()
  const third = await alone.start()
  t.same(heldBy(third), ['two'])
  t.equal(await third.contracts.use(uids[1] as Uid, ({ state }) => state.settling.settled), 2)
  await third.close()
})

t.test('what was stored behind its back is found at the next start, by the store alone', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const uid = await open(first, 'one')
  await open(first, 'two')
  await alone.pass(3_000)
  await first.close()
  // Another process of the party, which does not have these snapshots.
  const { snapshots } = alone
  alone.snapshots = memorySnapshots()
  const other = await alone.start()
  await other.contracts.use(uid, (live) => add(live, 'elsewhere'))
  await other.close()
  alone.snapshots = snapshots
  const second = await alone.start()
  t.same(heldBy(second), ['one'])
  t.equal(await second.contracts.use(uid, ({ state }) => state.settling.settled), 2)
  await second.close()
})

t.test('with an older store what was kept is worth nothing', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const uid = await open(first, 'one')
  const older = openMemoryStore()
  for await (const { stream, type, data } of alone.store.events.readAll()) {
    await older.events.append(stream, 'any', [{ type, data }])
  }
  await first.contracts.use(uid, (live) => add(live, 'lost'))
  await alone.pass(3_000)
  await first.close()
  t.not(alone.snapshots.passive(uid), undefined)
  alone.store = older
  const second = await alone.start()
  t.equal(alone.snapshots.position, undefined)
  t.equal(second.contracts.find(uid)?.state.settling.settled, 1)
  t.equal(second.contracts.find(uid)?.obstacle, 'store_set_back', 'the guard is asked as ever')
  await second.close()
})

t.test('one that is damaged is said to be, whenever it is asked for, and stops no other', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const [one, two] = [await open(first, 'one'), await open(first, 'two')]
  await alone.pass(3_000)
  await first.close()
  await alone.store.events.append(contractStream(one), 'any', [{ type: 'RequestSettled', data: '{"index":1}' }])
  const second = await alone.start()
  t.equal(alone.failures.length, 1)
  await rejects(
    second.contracts.use(one, () => {}),
    ContractDamaged,
  )
  t.match(await second.contracts.use(two, (live) => add(live, 'a field')), { outcome: { kind: 'accepted' } })
  t.same(
    (await second.contracts.summaries()).map(({ title }) => title),
    ['two'],
  )
  await second.close()
})

t.test('a stored statement or proof that is none stops no other contract, nor the list of all', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const [one, two, three] = [await open(first, 'one'), await open(first, 'two'), await open(first, 'three')]
  await alone.pass(3_000)
  await first.close()
  const { events } = alone.store
  const type = 'StatementMade'
  const damaged = await events.append(feedStream(one, card.handle), 'any', [{ type, data: '{"statement":{}}' }])
  await events.append(evidenceStream(three), 'any', [{ type: 'EquivocationProven', data: '{"other":' }])
  const second = await alone.start()
  const place = { party: card.handle, seq: damaged.revision }
  await rejects(
    second.contracts.use(one, () => {}),
    { code: 'contract_damaged', evidence: { contract: one, ...place } },
  )
  await rejects(
    second.contracts.use(three, () => {}),
    { code: 'contract_damaged', evidence: { contract: three, revision: 0 } },
  )
  t.same(
    (await second.contracts.summaries()).map(({ contract }) => contract),
    [two],
  )
  await second.close()
})

t.test('a snapshot that somebody has changed is passed over', async (t) => {
  const alone = new Alone()
  const first = await alone.start()
  const uid = await open(first, 'one')
  await alone.pass(3_000)
  await first.close()
  const kept = { parties: [], requests: new Map(), passive: alone.snapshots.passive(uid) as string }
  const snapshot = (alone.snapshots.snapshot(uid) as string).replace('"title":"one"', '"title":"two"')
  alone.snapshots.put(uid, { ...kept, snapshot }, alone.snapshots.position as number)
  const second = await alone.start()
  t.equal(await second.contracts.use(uid, titleOf), 'one')
  await second.close()
})

t.test('what is kept of a contract at rest, and is damaged, is passed over', async (t) => {
  for (const passive of ['{', 'null', '{"parties":{}}']) {
    const alone = new Alone()
    const first = await alone.start()
    const uid = await open(first, 'one')
    await alone.pass(3_000)
    await first.close()
    const snapshot = alone.snapshots.snapshot(uid) as string
    const kept = { parties: [], requests: new Map(), passive, snapshot }
    alone.snapshots.put(uid, kept, alone.snapshots.position as number)
    const second = await alone.start()
    t.equal(await second.contracts.use(uid, titleOf), 'one')
    await second.close()
  }
})

t.test(
  'one in which there is always something under way lets go of its history, and has it again when asked',
  async (t) => {
    const alone = new Alone()
    const node = await alone.start()
    const uid = await open(node, 'long')
    await node.contracts.use(uid, async (live) => {
      for (let n = 0; n < 1_100; n++) await add(live, `field ${n}`)
      await alone.pass(1)
      t.equal(isWhole(fullState(live.state)), false)
      t.ok((live.state.feeds.get(live.self)?.kept.length ?? 0) < 200)
      await live.recall()
      t.equal(isWhole(fullState(live.state)), true)
      t.equal([...(fullState(live.state).feeds.get(live.self) ?? [])].length, statementsIn(live.state))
      t.match(await add(live, 'one more'), { outcome: { kind: 'accepted' } })
    })
    await node.close()
    t.ok((await alone.store.events.lastRevision(feedStream(uid, card.handle))) >= 1_100)
  },
)

t.test('who does not listen any more hears nothing of those that were loaded since, either', async (t) => {
  const alone = new Alone()
  const node = await alone.start()
  const [one] = [await open(node, 'one'), await open(node, 'two')]
  await alone.pass(3_000)
  t.same(heldBy(node), ['two'])
  let heard = 0
  const stop = node.contracts.listen({ settled: () => heard++ })
  await node.contracts.use(one, async (live) => {
    await add(live, 'heard')
    t.equal(heard, 1)
    stop()
    await add(live, 'not heard')
  })
  t.equal(heard, 1)
  await node.close()
})

t.test('a member that cosigns what lies far back breaks no list of contracts, nor keeps one in memory', async (t) => {
  const alone = new Alone()
  const node = await alone.start()
  const [uid] = [await open(node, 'shared')]
  const ben = new Player('ben', undefined, uid)
  const talk = async (live: LiveContract) => {
    for (let round = 0; round < 3; round++) {
      ben.hears(...[...live.state.feeds.values()].flatMap((feed) => [...feed.kept]).map(overTheWire))
      if (owes(ben)) ben.says()
      await live.deliver(allOf(ben))
    }
  }
  await node.contracts.use(uid, async (live) => {
    const request = { id: 'invite', commands: [{ type: 'InviteParty', party: ben.card }] }
    await live.submit({ request, payloads: {} }).verdict
    await talk(live)
    const index = ben.state.ledger.document.parties.invitations[0]?.index as number
    await node.contracts.took(ben.accepts(index))
    for (let n = 0; n < 30; n++) {
      const added = add(live, `field ${n}`)
      await settleMicrotasks()
      await talk(live)
      t.match(await added, { outcome: { kind: 'accepted' } })
    }
  })
  await open(node, 'another')
  await alone.pass(10_000)
  t.equal(node.contracts.find(uid), undefined, 'it rests')
  const note = { size: 1, root: '0'.repeat(64) as Hash, time: 1 }
  const said = ben.says({ note: { ...note, signature: tagged(new Uint8Array(64)) } })
  await node.contracts.use(uid, (live) => live.deliver([said]))
  t.same((await node.contracts.summaries()).map(({ title }) => title).sort(), ['another', 'shared'])
  await node.contracts.use(await open(node, 'a third'), () => {})
  await alone.pass(10_000)
  t.equal(node.contracts.find(uid), undefined, 'it rests again')
  t.same(alone.failures, [])
  await node.close()
})
