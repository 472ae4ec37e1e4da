import assert from 'node:assert/strict'
import { Map as ImmutableMap } from 'immutable'
import t, { type Test } from 'tap'
import { fieldsHolding } from '../../../src/aggregates/contract/document/element.ts'
import { builtIn } from '../../../src/aggregates/contract/engines.ts'
import { erasedIn } from '../../../src/aggregates/contract/erased-values.ts'
import { missingBehind } from '../../../src/agreement/completing.ts'
import { headOf } from '../../../src/agreement/ledger.ts'
import { verifyContract } from '../../../src/audit/verify.ts'
import { auditSourceOf } from '../../../src/cli/audit/audit-source.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { storedEntries } from '../../../src/contracts/replica/inbound/known-entries.ts'
import { loadContract } from '../../../src/contracts/replica/opening/load.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import type { Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import type { PayloadGroup } from '../../../src/store/payload-group.ts'
import type { Store } from '../../../src/store/port.ts'
import { erasuresStream } from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { fullState } from '../../support/full-state.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'

const SECRET = 'what nobody is to know any more'

const headAt = (process: PartyProcess, uid: Uid) =>
  process.contracts.use(uid, async ({ state: { settling } }) =>
    canonicalJson({ settled: settling.settled, record: builtIn.recordHash(settling.agreed) }),
  )

async function asks(process: PartyProcess, uid: Uid, id: string, command: { type: string }, payloads = {}) {
  const verdict = process.contracts.use(
    uid,
    (live) => live.submit({ request: { id, commands: [command] }, payloads }).verdict,
  )
  assert.match(JSON.stringify(await verdict), /"accepted"/, id)
}

function proposes(process: PartyProcess, uid: Uid, value: string): Promise<Hash> {
  const { seal: sealed, payload } = seal(value, crypto.getRandomValues(new Uint8Array(16)))
  const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  return asks(process, uid, value, command, { [sealed]: payload }).then(() => sealed)
}

async function holds(store: Store, uid: Uid, text: string): Promise<boolean> {
  for await (const { entries } of store.payloads.groups(uid)) {
    if (entries.some(([, one]) => one.includes(text))) return true
  }
  return false
}

async function copyOf(store: Store, uid: Uid): Promise<Store> {
  const copy = openMemoryStore()
  for await (const { stream, type, data } of store.events.readAll()) {
    await copy.events.append(stream, 'any', [{ type, data }])
  }
  for await (const { group, entries } of store.payloads.groups(uid)) {
    const texts = entries.map(([seal, text]) => ({ seal, text }))
    await copy.payloads.put(uid, group as PayloadGroup, texts)
  }
  return copy
}

/** A value of ana's that both had agreed on, and that another has replaced. */
async function agreed(t: Test) {
  const [its, theirs] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [ana, ben] = [await its.start(), await theirs.start()]
  new Link([ana, its], [ben, theirs])
  const uid = await together(ana, ben)
  await asks(ana, uid, 'field', { type: 'AddField', parent: '0', name: 'F', field: { type: 'text' } } as never)
  const sealed = await proposes(ana, uid, SECRET)
  await proposes(ana, uid, 'another')
  return { its, theirs, ana, ben, uid, sealed }
}

async function erased(t: Test) {
  const given = await agreed(t)
  const { its, theirs, ana, ben, uid, sealed } = given
  t.ok((await holds(its.store, uid, SECRET)) && (await holds(theirs.store, uid, SECRET)), 'given: both hold it')
  const before = await copyOf(its.store, uid)
  const erases = { type: 'EraseValues', seals: [sealed] }
  await asks(ana, uid, 'erases', erases)
  t.ok(await holds(its.store, uid, SECRET), 'one vote is none')
  await asks(ben, uid, 'erases', erases)
  for (const [{ store }, process] of [
    [its, ana],
    [theirs, ben],
  ] as const) {
    await until('it to be gone', async () => (await store.events.lastRevision(erasuresStream(uid))) === 0)
    await until('it to be gone from memory', () =>
      process.contracts.use(uid, async ({ state }) =>
        fullState(state).feeds.every((feed) =>
          [...feed].every(({ payloads }) => !canonicalJson(payloads).includes(SECRET)),
        ),
      ),
    )
  }
  return { ...given, before }
}

t.test('what all have voted to erase is in no store any more, and all go on', async (t) => {
  const { its, theirs, ana, ben, uid } = await erased(t)
  t.same([await holds(its.store, uid, SECRET), await holds(theirs.store, uid, SECRET)], [false, false])
  t.ok(await holds(its.store, uid, 'another'), 'and nothing else is')
  const report = await verifyContract(auditSourceOf(its.store, uid, its.card.handle))
  t.same(report.damage, [])
  t.match(report.checks.find(({ name }) => name === 'ledger')?.remark, /^1 taken and not recomputed/)
  await proposes(ben, uid, 'later')
  await until('the same', async () => (await headAt(ana, uid)) === (await headAt(ben, uid)))
  t.same([its.told, theirs.told], [[], []])
})

t.test('a node that starts again takes what it cannot judge any more from its own ledger', async (t) => {
  const { its, ana, ben, uid } = await erased(t)
  await ana.close()
  const again = await its.start()
  t.equal(await headAt(again, uid), await headAt(ben, uid))
  t.same(its.told, [])
})

t.test('who comes in afterwards has the same document, and nobody gives it what is erased', async (t) => {
  const { its, theirs, ana, ben, uid } = await erased(t)
  const party = new EdgelessParty(t, 'cleo')
  const cleo = await party.start()
  new Link([ana, its], [cleo, party])
  new Link([ben, theirs], [cleo, party])
  await asks(ana, uid, 'invites', { type: 'InviteParty', party: party.card } as never)
  await until('the invitation', async () => cleo.contracts.has(uid))
  await until('the same', async () => (await headAt(cleo, uid)) === (await headAt(ana, uid)))
  await cleo.contracts.accept(uid)
  cleo.gossip.carry(uid)
  const members = ({ contracts }: PartyProcess) =>
    contracts.use(uid, async ({ state }) => state.settling.agreed.parties.members.length)
  await until('three members', async () => (await members(ben)) === 3 && (await members(cleo)) === 3)
  await proposes(cleo, uid, 'hers')
  await until('the same', async () => (await headAt(cleo, uid)) === (await headAt(ben, uid)))
  t.notOk(await holds(party.store, uid, SECRET))
  t.same([its.told, theirs.told, party.told], [[], [], []])
})

t.test('a backup of a time before forgets it again when it has caught up', async (t) => {
  const { its, theirs, ana, ben, uid, before } = await erased(t)
  await ana.close()
  t.ok(await holds(before, uid, SECRET), 'given: the backup has it')
  const restored = await its.start('node', { store: before })
  new Link([restored, its], [ben, theirs])
  restored.gossip.carry(uid)
  await until('the same', async () => (await headAt(restored, uid)) === (await headAt(ben, uid)))
  await until('it to be gone', async () => !(await holds(before, uid, SECRET)))
  await proposes(restored, uid, 'after')
  t.same(theirs.told, [])
})

t.test('a restored store that has lost the value as well takes the entries from the others', async (t) => {
  const { its, theirs, ana, ben, uid, sealed, before } = await erased(t)
  await ana.close()
  for await (const { group } of before.payloads.groups(uid))
    await before.payloads.erase(uid, [{ group: group as PayloadGroup, seal: sealed }])
  const restored = await its.start('node', { store: before })
  new Link([restored, its], [ben, theirs])
  restored.gossip.carry(uid)
  await until('the same', async () => (await headAt(restored, uid)) === (await headAt(ben, uid)))
  await proposes(restored, uid, 'after')
})

t.test('what was given, and stored but for the ledger, can be read again once that is stored, too', async (t) => {
  const { its, ana, uid } = await agreed(t)
  const lost = await proposes(ana, uid, 'lost on the way')
  const full = fullState(await ana.contracts.use(uid, async ({ state }) => state))
  const given = await Array.fromAsync(storedEntries(its.store, uid, { computed: [], from: 0 }))
  const store = openMemoryStore()
  for await (const { stream, type, data } of its.store.events.readAll())
    if (stream.startsWith('feed-')) await store.events.append(stream, 'any', [{ type, data }])
  for await (const { group, entries } of its.store.payloads.groups(uid)) {
    const texts = entries.flatMap(([seal, text]) => (seal === lost ? [] : [{ seal, text }]))
    await store.payloads.put(uid, group as PayloadGroup, texts)
  }
  const { handle } = its.card
  t.ok((await loadContract(store, uid, handle)).isCutShort, 'given: it is missing')
  const known = ImmutableMap(given.map((one) => [one.entry.index, { entry: one.entry, computed: one.computed }]))
  const loaded = await loadContract(store, uid, handle, 'alone', undefined, builtIn, undefined, known)
  t.same(headOf(loaded.state.ledger), headOf(full.ledger), 'given: it goes past it')
  const again = await loadContract(store, uid, handle)
  t.notOk(again.isCutShort)
  t.same(headOf(again.state.ledger), headOf(full.ledger))
  t.same(
    missingBehind(again.state).flatMap(({ seals }) => seals),
    [lost],
    'and it is asked for',
  )
})

t.test('an entry that a peer makes up is not taken, and the true one is', async (t) => {
  const { its, theirs, ana, ben, uid } = await erased(t)
  const party = new EdgelessParty(t, 'cleo')
  const cleo = await party.start()
  let lies = 0
  const lying = (answer: string) =>
    answer
      .split('\n')
      .map((line) => {
        if (!line.startsWith('{"computed":')) return line
        const said = JSON.parse(line) as { entry: { events: unknown[] } }
        if (said.entry.events.length === 0) return line
        lies++
        return canonicalJson({ ...said, entry: { ...said.entry, events: [] } })
      })
      .join('\n')
  const from = { handle: party.card.handle, signingKey: party.card.keys.signing, exchange: () => Promise.reject() }
  const peers = [
    [its, ana, lying],
    [theirs, ben, (answer: string) => answer],
  ] as const
  for (const [{ card }, process, passing] of peers) {
    cleo.gossip.setPeer({
      handle: card.handle,
      signingKey: card.keys.signing,
      exchange: async (body) => passing(await process.gossip.answer(from, body)),
    })
  }
  const link = {
    exchange: async (body: string) =>
      cleo.gossip.answer(
        { handle: its.card.handle, signingKey: its.card.keys.signing, exchange: () => Promise.reject() },
        body,
      ),
  }
  ana.gossip.setPeer({ handle: party.card.handle, signingKey: party.card.keys.signing, ...link })
  await asks(ana, uid, 'invites', { type: 'InviteParty', party: party.card } as never)
  await until('the invitation', async () => cleo.contracts.has(uid))
  await until('the same', async () => (await headAt(cleo, uid)) === (await headAt(ana, uid)))
  t.ok(lies > 0, 'it was lied to')
  t.same(await cleo.contracts.use(uid, async ({ state }) => state.settling.divergences), [], 'nobody is accused')
})

t.test('values are found at the fields that hold them', async (t) => {
  const { ana, uid, sealed } = await agreed(t)
  await ana.contracts.use(uid, async ({ state }) => {
    const { agreed } = state.settling
    const [field] = fieldsHolding(agreed.document, new Set([sealed]))
    t.equal(field, undefined, 'another has replaced it')
    t.equal(erasedIn(agreed).size, 0)
  })
})
