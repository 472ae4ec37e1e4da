import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import { frontierOf } from '../../../src/agreement/feeds.ts'
import type { AuditFailed } from '../../../src/audit/audit-failed.ts'
import type { AuditSource } from '../../../src/audit/source.ts'
import { verifyContract } from '../../../src/audit/verify.ts'
import { auditSourceOf } from '../../../src/cli/audit/audit-source.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { memoryGuard } from '../../../src/contracts/signing/signing-guard.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { type ElementId, type Handle, type ProposalId, requestOf, type Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { decodeMessage, encodeMessage } from '../../../src/gossip/message.ts'
import { openMemoryStore } from '../../../src/store/embedded/memory-store.ts'
import type { PayloadStore } from '../../../src/store/port.ts'
import { admitted, asItIs, given, Link, liveAt, type Party, withoutAnything } from '../../support/linked-parties.ts'
import { until } from '../../support/node-party.ts'

const BLOCK = '0.1'
const FEE = '0.1.0'
const SECRET = 4711

async function orders(process: PartyProcess, uid: Uid, commands: readonly object[], payloads = {}) {
  const id = `orders-${asked++}`
  const submission = await process.contracts.use(uid, (live) =>
    live.submit({ request: { id, commands: commands as never }, payloads }),
  )
  return submission.verdict
}
let asked = 0

/** A value for some; what it comes to. */
function confides(
  process: PartyProcess,
  uid: Uid,
  audience: readonly string[],
  value: unknown = SECRET,
  basis: string[] = [],
) {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16).fill(asked))
  const command = { type: 'ProposeValue', field: FEE, seal: sealed, basis, audience }
  return orders(process, uid, [command], { [sealed]: payload })
}

const setsAudience = (process: PartyProcess, uid: Uid, parties: readonly string[], more = {}) =>
  orders(process, uid, [{ type: 'SetAudience', element: BLOCK, parties, ...more }])

/** Three members, and ana's block with a fee in it for ana and ben. */
async function confidential(t: Test, payloadWaitMs?: number) {
  const all = await admitted(await given(t, payloadWaitMs))
  const [ana] = all.ana
  const verdict = await orders(ana, all.uid, [
    { type: 'AddBlock', parent: '0', name: 'Terms', owner: 'ana' },
    { type: 'SetAudience', element: '#0', parties: ['ana', 'ben'] },
    { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'integer' } },
  ])
  t.match(verdict, { outcome: { kind: 'accepted' } })
  return all
}

async function holds({ payloads }: { payloads: PayloadStore }, uid: Uid, value: unknown = SECRET): Promise<boolean> {
  for await (const { entries } of payloads.groups(uid)) {
    for (const [, text] of entries) if (canonicalJson(JSON.parse(text).value) === canonicalJson(value)) return true
  }
  return false
}

async function fee(process: PartyProcess, uid: Uid) {
  return (find((await liveAt(process, uid)).state.ledger.document, FEE as ElementId) as Field).agreed
}

/** What ana answers when cleo asks for the fee by itself. */
async function askedBy(
  [asking, cleo]: Party,
  [ana]: Party,
  uid: Uid,
  { id, seal: sealed }: { id: ProposalId; seal: Hash },
) {
  const { handle: party, seq } = requestOf(id)
  const { handle, keys } = cleo.card
  const wants = new Map([[uid, [{ party, seals: [sealed], seq }]]])
  // Whoever says that it holds less than before has been set back, and is asked what it wants by its next message.
  const frontiers = new Map([[uid, frontierOf((await liveAt(asking, uid)).state.feeds)]])
  const body = encodeMessage(frontiers, [], [], { wants, waits: new Map() })
  const peer = { handle, signingKey: keys.signing, exchange: () => Promise.reject() }
  return decodeMessage(await ana.gossip.answer(peer, body))
}

t.test('a confidential value goes to its audience, and to nobody else however he asks', async (t) => {
  const { ana, ben, cleo, uid } = await confidential(t, 3_000)
  t.match(await confides(ana[0], uid, ['ana', 'ben']), { outcome: { kind: 'accepted' } })
  t.equal(await holds(ben[1].store, uid), true)
  t.same(cleo[1].told, [], 'nothing was sent that had to be dropped')
  t.equal(await holds(cleo[1].store, uid), false)
  t.same((await liveAt(cleo[0], uid)).wants, [])
  const proposal = await fee(ana[0], uid)
  t.equal((await askedBy(ben, ana, uid, proposal as never)).payloads.length, 1, 'the same way ben is given it')
  const { statements, payloads } = await askedBy(cleo, ana, uid, proposal as never)
  t.same(
    [payloads, statements.flatMap((one) => Object.values(one.payloads)).filter(({ value }) => value === SECRET)],
    [[], []],
  )
  t.equal(await holds(cleo[1].store, uid), false)
})

t.test('who comes in later gets what stands from whoever has it; who is out, and after `until`, no more', async (t) => {
  const { ana, cleo, uid } = await confidential(t)
  await confides(ana[0], uid, ['ana', 'ben'])
  await setsAudience(ana[0], uid, ['ana', 'ben', 'cleo'], { until: '2020-01-01T00:00:00.000Z' })
  const proposal = (await fee(ana[0], uid)) as never
  t.same((await askedBy(cleo, ana, uid, proposal)).payloads, [])
  t.same((await liveAt(cleo[0], uid)).wants, [], 'nor is it asked for')
  await setsAudience(ana[0], uid, ['ana', 'ben', 'cleo'])
  await until('cleo to have it', () => holds(cleo[1].store, uid))
  await until('cleo to want nothing', async () => (await liveAt(cleo[0], uid)).wants.length === 0)
  await setsAudience(ana[0], uid, ['ana', 'ben'])
  t.equal(await holds(cleo[1].store, uid), true, 'it keeps what it had')
  t.same((await askedBy(cleo, ana, uid, proposal)).payloads, [])
})

t.test('an author that keeps it from its audience is refused, and nothing waits for it any longer', async (t) => {
  const { ana, ben, cleo, links, uid } = await confidential(t, 300)
  links.ben.there = withoutAnything
  const verdict = await confides(ana[0], uid, ['ana', 'ben'])
  t.match(verdict, { outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'payload_missing' }] } })
  links.ben.there = asItIs
  t.match(await confides(ben[0], uid, ['ana', 'ben']), { outcome: { kind: 'accepted' } })
  t.equal(await holds(cleo[1].store, uid), false)
})

t.test('what does not fit the field its audience refuses: the ledger does not judge it', async (t) => {
  const { ana, uid } = await confidential(t)
  const verdict = await confides(ana[0], uid, ['ana', 'ben'], 'no integer')
  t.match(verdict, { outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'value_unfit' }] } })
})

t.test('a field that is open to be added is looked at, too', async (t) => {
  const { ana, uid } = await confidential(t)
  const { seal: sealed, payload } = seal('no date', new Uint8Array(16))
  const verdict = await orders(
    ana[0],
    uid,
    [
      { type: 'AddField', parent: BLOCK, name: 'Until', field: { type: 'date' } },
      { type: 'ProposeValue', field: '#0', seal: sealed, basis: [], audience: ['ana', 'ben'] },
    ],
    { [sealed]: payload },
  )
  t.match(verdict, { outcome: { kind: 'refused', by: [{ handle: 'ben', code: 'value_unfit' }] } })
})

t.test('what is sent to somebody outside is dropped there, and who sent it is named', async (t) => {
  const { ana, cleo, links, uid } = await confidential(t)
  let leak: ((line: string) => string) | undefined
  links.cleo.there = (line) => leak?.(line) ?? line
  const { seal: sealed, payload } = seal(SECRET, new Uint8Array(16))
  leak = (line) =>
    line.includes(`"seal":"${sealed}"`)
      ? line.replace(/^\{"payloads":\{\}/, `{"payloads":${canonicalJson({ [sealed]: payload })}`)
      : line
  const command = { type: 'ProposeValue', field: FEE, seal: sealed, basis: [], audience: ['ana', 'ben'] }
  t.match(await orders(ana[0], uid, [command], { [sealed]: payload }), { outcome: { kind: 'accepted' } })
  t.equal(await holds(cleo[1].store, uid), false)
  const told = (cleo[1].told as { code?: string }[]).map(({ code }) => code)
  t.ok(told.includes('payload_foreign'), told.join())
})

t.test('a value that is revealed comes to everybody', async (t) => {
  const { ana, cleo, uid } = await confidential(t)
  const { seal: sealed, payload } = seal(SECRET, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: FEE, seal: sealed, basis: [], audience: ['ana', 'ben'] }
  await orders(ana[0], uid, [command], { [sealed]: payload })
  const { id: proposal } = (await fee(ana[0], uid)) as { id: ProposalId }
  const reveal = { type: 'RevealValue', field: FEE, proposal, seal: sealed }
  t.match(await orders(ana[0], uid, [reveal], { [sealed]: payload }), { outcome: { kind: 'accepted' } })
  t.equal(await holds(cleo[1].store, uid), true)
  t.match(await fee(cleo[0], uid), { id: proposal, seal: sealed })
})

t.test('a party that loses the only copy comes back without it, and the contract goes on', async (t) => {
  const { ana, ben, cleo, uid } = await confidential(t)
  await setsAudience(ana[0], uid, ['ana'])
  t.match(await confides(ana[0], uid, ['ana']), { outcome: { kind: 'accepted' } })
  await ana[0].close()
  const store = openMemoryStore()
  t.teardown(() => store.close())
  const again = await ana[1].start('node', { store, guard: memoryGuard() })
  const back: Party = [again, ana[1]]
  new Link(back, ben)
  new Link(back, cleo)
  await until('ana to have her feed back', async () => {
    return again.contracts.has(uid) && (await liveAt(again, uid)).obstacle === undefined
  })
  await until('her to miss it', async () => (await liveAt(again, uid)).wants.length === 1)
  const { id } = (await fee(again, uid)) as { id: string }
  t.match(await confides(again, uid, ['ana'], 5, [id]), { outcome: { kind: 'accepted' } })
  await until('nothing to be missed', async () => (await liveAt(again, uid)).wants.length === 0)
})

t.test('who is invited under audiences joins without what is not for it, and gets what is', async (t) => {
  const all = await given(t)
  const { ana, ben, cleo, uid } = all
  await orders(ana[0], uid, [
    { type: 'AddBlock', parent: '0', name: 'Terms', owner: 'ana' },
    { type: 'SetAudience', element: '#0', parties: ['ana', 'ben'] },
    { type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'integer' } },
  ])
  await confides(ben[0], uid, ['ana', 'ben'])
  await admitted(all)
  t.equal(await holds(cleo[1].store, uid), false)
  await setsAudience(ana[0], uid, ['ana', 'ben', 'cleo'])
  await until('cleo to have it', () => holds(cleo[1].store, uid))
})

t.test('an audit misses a confidential value where it ought to be, and nowhere else', async (t) => {
  const { ana, ben, cleo, uid } = await confidential(t)
  await confides(ana[0], uid, ['ana', 'ben'])
  await until('all to have it settled', async () => {
    const sizes = await Promise.all(
      [ana, ben, cleo].map(async ([process]) => (await liveAt(process, uid)).state.settling.settled),
    )
    return new Set(sizes).size === 1
  })
  const { seal: sealed } = (await fee(ana[0], uid)) as { seal: Hash }
  for (const [, { store, card }] of [ben, cleo]) {
    const source = auditSourceOf(store, uid, 'ana' as Handle, card.handle)
    t.same((await verifyContract(source)).damage, [])
    const without: AuditSource = {
      ...source,
      async *groups() {
        for await (const group of source.groups())
          yield { ...group, entries: group.entries.filter(([seal]) => seal !== sealed) }
      },
    }
    const found = await verifyContract(without).then(
      ({ damage }) => damage,
      (error: AuditFailed) => error.report.damage,
    )
    t.match(found, card.handle === 'ben' ? [{ code: 'payload_missing', place: { seal: sealed } }] : [])
    t.equal(found.length, card.handle === 'ben' ? 1 : 0)
  }
})

t.test(
  'what the store of a party outside holds tells nothing of a confidential value, nor how long it is',
  async (t) => {
    const { ana, ben, cleo, uid } = await confidential(t)
    await orders(ana[0], uid, [{ type: 'AddField', parent: BLOCK, name: 'Note', field: { type: 'text' } }])
    const NOTE = `${BLOCK}.1`
    const values = fc.sample(fc.string({ minLength: 6, maxLength: 400, unit: 'grapheme' }), { numRuns: 6, seed: 1 })
    const salts = fc.sample(fc.uint8Array({ minLength: 16, maxLength: 16 }), { numRuns: 6, seed: 2 })
    const seals: Hash[] = []
    for (const [place, value] of values.entries()) {
      const { seal: sealed, payload } = seal(value, salts[place] as Uint8Array)
      const { agreed } = find((await liveAt(ana[0], uid)).state.ledger.document, NOTE as ElementId) as Field
      const basis = agreed === null ? [] : [agreed.id]
      const command = { type: 'ProposeValue', field: NOTE, seal: sealed, basis, audience: ['ana', 'ben'] }
      t.match(await orders(ana[0], uid, [command], { [sealed]: payload }), { outcome: { kind: 'accepted' } })
      seals.push(sealed)
    }
    await until('cleo to have settled all', async () => {
      const [one, other] = await Promise.all([liveAt(ana[0], uid), liveAt(cleo[0], uid)])
      return one.state.settling.settled === other.state.settling.settled
    })
    const stored = await allTextsOf(cleo, uid)
    const [bytesHeld, known] = [stored.join('\n'), (await allTextsOf(ben, uid)).join('\n')]
    for (const [place, value] of values.entries()) {
      const salt = salts[place] as Uint8Array
      t.ok(known.includes(JSON.stringify(value).slice(1, -1)) && bytesHeld.includes(seals[place] as Hash), 'given')
      for (const told of [Buffer.from(value), salt].flatMap((bytes) => [
        ...(['utf8', 'latin1', 'hex', 'base64', 'base64url'] as const).map((form) => Buffer.from(bytes).toString(form)),
        JSON.stringify(Buffer.from(bytes).toString()).slice(1, -1),
      ])) {
        t.notOk(bytesHeld.includes(told.replace(/=+$/, '')), `${value} is in no form in what cleo holds`)
      }
    }
    // All that names one, with what differs from one proposal to the next in any case taken out; at rest only the last one stands.
    const events = stored.slice(0, -1)
    const said = seals.map((sealed) =>
      events
        .filter((text) => text.includes(sealed) && !seals.some((other) => other !== sealed && text.includes(other)))
        .map((text) => text.replace(/[0-9a-f]{64}/g, '').replace(/"signature":"[^"]*"|\d+/g, '').length),
    )
    t.ok((said[0]?.length ?? 0) > 0, 'given: there is such a text of each')
    for (const lengths of said.slice(2)) t.same(lengths, said[1], 'as long, whatever the value is')
  },
)

/** All that the store of a party has of a contract, and what is kept of it at rest. */
async function allTextsOf([process, { store }]: Party, uid: Uid): Promise<string[]> {
  const texts: string[] = []
  for await (const { data } of store.events.readAll()) texts.push(data)
  for await (const { entries } of store.payloads.groups(uid)) for (const [, text] of entries) texts.push(text)
  return [...texts, JSON.stringify(await (await liveAt(process, uid)).keep())]
}
