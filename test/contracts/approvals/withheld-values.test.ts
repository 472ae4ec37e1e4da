import t from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import type { Proposal } from '../../../src/aggregates/contract/values/standing.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import { refOf } from '../../../src/store/payload-group.ts'
import { fullState } from '../../support/full-state.ts'
import {
  admitted,
  asItIs,
  asks,
  given,
  Link,
  liveAt,
  proposes,
  withOtherValues,
  withoutAnything,
} from '../../support/linked-parties.ts'
import { until } from '../../support/node-party.ts'

t.test('what an author keeps from a member, the others give it', async (t) => {
  const { ana, cleo, links, uid } = await admitted(await given(t))
  links.cleo.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  const { document } = (await liveAt(cleo[0], uid)).state.ledger
  const { agreed: proposal } = find(document, '0.0' as ElementId) as Field
  const kept = await cleo[1].store.payloads.get(uid, [refOf(proposal as Proposal)])
  t.match([...kept.values()], [/"true"/])
})

t.test(
  'an author dies with the only copy, and comes back without it: the request is refused, and all goes on',
  async (t) => {
    const { ana, ben, links, uid } = await given(t, 500)
    links.ben.there = withoutAnything
    await proposes(ana[0], uid, 'true')
    await until('ben to hold it', async () => (await liveAt(ben[0], uid)).wants.length === 1)
    await ana[0].close()
    const store = openMemoryStore()
    t.teardown(() => store.close())
    const again = await ana[1].start('node', { store, guard: memoryGuard(), payloadWaitMs: 500 })
    new Link([again, ana[1]], ben)
    const live = () => liveAt(again, uid)
    await until(
      'ana to have her feed back',
      async () => again.contracts.has(uid) && (await live()).obstacle === undefined,
    )
    t.match(await (await proposes(again, uid, 'once more')).verdict, { outcome: { kind: 'accepted' } })
    const { feeds, ledger } = fullState((await live()).state)
    t.equal(ledger.lacking, undefined)
    const refusals = [...(feeds.get(ben[1].card.handle) ?? [])].flatMap(({ statement }) => statement.refusals)
    t.match(refusals, [{ code: 'payload_missing' }])
  },
)

t.test('what nobody gives is refused in its time, and the contract goes on', async (t) => {
  const { ana, ben, links, uid } = await given(t, 300)
  links.ben.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'payload_missing' }] } })
  links.ben.there = asItIs
  t.match(await (await proposes(ben[0], uid, 'another')).verdict, { outcome: { kind: 'accepted' } })
  t.match(await (await proposes(ana[0], uid, 'again')).verdict, { outcome: { kind: 'accepted' } })
})

t.test('a false value is dropped, who sent it is named, and the true one is asked for', async (t) => {
  const { ana, cleo, links, uid } = await admitted(await given(t))
  links.cleo.there = withOtherValues
  const { verdict } = await proposes(ana[0], uid, 'true')
  t.match(await verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  const named = cleo[1].told as { code?: string; evidence?: object }[]
  t.ok(
    named.some(({ code }) => code === 'payload_mismatch'),
    canonicalJson(named.map(({ code }) => code ?? null)),
  )
})

t.test('the author is told that a value is missing where its request waits', async (t) => {
  const { ana, ben, links, uid } = await given(t)
  links.ben.there = withoutAnything
  const held = { kind: 'timed out', waitingFor: ['ben'], why: { ben: 'payload' } }
  const { verdict } = await proposes(ana[0], uid, 'true', { timeoutMs: 2_000 })
  const holdUp = async () => (await liveAt(ben[0], uid)).holdUpOf(ben[1].card.handle)
  await until('ben to lack it', async () => (await holdUp()) === 'payload')
  t.match(await (await proposes(ben[0], uid, 'mine', { timeoutMs: 200 })).verdict, held, 'so is who lacks it')
  t.match(await verdict, held)
  await until(
    'what is withdrawn to hold nothing up',
    async () => (await liveAt(ana[0], uid)).holdUpOf(ben[1].card.handle) === undefined,
  )
})

t.test('who is invited cannot join as long as values are missing', async (t) => {
  const all = await given(t)
  const { ana, cleo, links, uid } = all
  links.cleo.there = withoutAnything
  links.others.there = withoutAnything
  const { verdict } = await proposes(ana[0], uid, 'true')
  await verdict
  await (await asks(ana[0], uid, 'cleo', { type: 'InviteParty', party: cleo[1].card })).verdict
  await until('the contract', async () => cleo[0].contracts.has(uid))
  await until('what it lacks', async () => (await liveAt(cleo[0], uid)).wants.length === 1)
  // The invitation itself stands behind what is missing.
  await t.rejects(cleo[0].contracts.accept(uid), { code: 'not_invited' })
  links.cleo.there = asItIs
  const agreed = async () => (await liveAt(cleo[0], uid)).state.settling.agreed
  await until('the invitation', async () => (await agreed()).parties.invitations.length === 1)
  links.cleo.there = withoutAnything
  await (await proposes(ana[0], uid, 'more')).verdict
  await until('what it lacks', async () => (await liveAt(cleo[0], uid)).wants.length === 1)
  await t.rejects(cleo[0].contracts.accept(uid), { code: 'payload_missing' })
  links.others.there = asItIs
  await until('it to be given', async () => (await liveAt(cleo[0], uid)).wants.length === 0)
  await cleo[0].contracts.accept(uid)
})

t.test('whoever resigns says its last head, also behind a file that never comes', { timeout: 60_000 }, async (t) => {
  const { ana, ben, links, uid } = await given(t, 500)
  const file = { type: 'AddField', parent: '0', name: 'File', field: { type: 'attachment' } }
  await (await asks(ana[0], uid, 'file', file)).verdict
  const nothing = (line: string) => (line.startsWith('{"contracts"') ? line : '')
  Object.assign(links.ben, { there: nothing, back: nothing })
  const size = async () => (await liveAt(ana[0], uid)).state.feeds.get(ana[1].card.handle)?.size ?? 0
  const signed = async (asked: Promise<unknown>) => {
    const before = await size()
    await asked
    await until('it to be signed', async () => (await size()) > before)
  }
  const rename = (name: string) => ({ type: 'RenameElement', element: '0.0', name })
  // So the file is named behind the resignation in the ledger, and before what answers that. What is confirmed later ben is not told any more.
  for (const name of ['G', 'H', 'I']) await signed(asks(ana[0], uid, name, rename(name)))
  await signed(asks(ana[0], uid, 'J', rename('J'), {}, { timeoutMs: 20_000 }))
  const value = { bytes: 1, hash: '0'.repeat(64), name: 'a.txt', type: 'text/plain' }
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: '0.1', seal: sealed, basis: [] }
  const naming = asks(ana[0], uid, 'named', command, { [sealed]: payload })
  await signed(naming)
  const resigning = await asks(ben[0], uid, 'resign', { type: 'Resign' })
  Object.assign(links.ben, { there: asItIs, back: asItIs })
  for (const [process] of [ana, ben]) process.gossip.carry(uid)
  t.match(await resigning.verdict, { kind: 'settled', outcome: { kind: 'accepted' } })
  t.match(
    await (await naming).verdict,
    { kind: 'settled', outcome: { kind: 'accepted' } },
    'who has left has no say in it',
  )
})
