import t from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import { frontierOf } from '../../../src/agreement/feeds.ts'
import type { AuditFailed } from '../../../src/audit/audit-failed.ts'
import { verifyContract } from '../../../src/audit/verify.ts'
import { auditSourceOf } from '../../../src/cli/audit/audit-source.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import { type ElementId, type Handle, requestOf, type Uid } from '../../../src/events/ids.ts'
import { decodeMessage, encodeMessage } from '../../../src/gossip/message.ts'
import { contentGroup } from '../../../src/store/payload-group.ts'
import { contentsStream } from '../../../src/store/streams.ts'
import { attached, attaches, bytesWith, pieceGroups } from '../../support/attachments.ts'
import { FIELD, held, isSame, withAttachments, withoutPieces } from '../../support/linked-attachments.ts'
import { admitted, asks, given, Link, liveAt, type Party, proposes } from '../../support/linked-parties.ts'
import { until } from '../../support/node-party.ts'

const placeOf = (line: string) => String(JSON.parse(line).piece)

/** With another byte in each piece. */
const withOtherPieces = (line: string) =>
  line.replace(/^\{"bytes":"(.)/, (_, first: string) => `{"bytes":"${first === 'A' ? 'B' : 'A'}`)

let ordered = 0
async function orders(process: PartyProcess, uid: Uid, commands: readonly object[]) {
  const request = { id: `orders-${ordered++}`, commands: commands as never }
  return (await process.contracts.use(uid, (live) => live.submit({ request, payloads: {} }))).verdict
}

t.test('an attachment is with all parties, to the byte, when it is agreed', async (t) => {
  const all = await withAttachments(t)
  const { ana, ben, cleo, uid } = all
  const bytes = bytesWith(20)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  for (const party of [ana, ben, cleo]) t.ok(isSame(await held(party, uid, content), bytes))
  for (const [, { told }] of [ana, ben, cleo]) t.same(told, [])
})

t.test('what a plain change writes is what it wrote before there were contents', async (t) => {
  const { ana, uid } = await withAttachments(t)
  t.match(await (await proposes(ana[0], uid, 'x')).verdict, { outcome: { kind: 'accepted' } })
  t.equal(await ana[1].store.events.lastRevision(contentsStream(uid)), -1)
})

t.test('one that is cut off in the middle is gone on with after a restart, where it was', async (t) => {
  const { ana, ben, cleo, links, uid } = await withAttachments(t)
  const pieces: string[] = []
  let isCut = false
  links.others.there = withoutPieces
  links.others.back = withoutPieces
  // What ben asks for comes in the answer to its own call.
  links.ben.there = (line) => {
    if (!line.startsWith('{"bytes":')) return line
    if (isCut || pieces.length === 5) {
      isCut = true
      return ''
    }
    pieces.push(placeOf(line))
    return line
  }
  const bytes = bytesWith(12)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
  await until('it to be cut off', async () => isCut)
  await until('pieces', async () => (await pieceGroups(ben[1].store.payloads, uid)).length === 5)
  t.equal(await held(ben, uid, content), undefined)
  t.same((await liveAt(ana[0], uid)).state.settling.settled, (await liveAt(ben[0], uid)).state.settling.settled)
  await ben[0].close()
  const again: Party = [await ben[1].start('node', { payloadWaitMs: 20_000 }), ben[1]]
  // The rest comes from whoever is asked: each of the two others has it.
  const counts = (line: string) => {
    if (line.startsWith('{"bytes":')) pieces.push(placeOf(line))
    return line
  }
  new Link(ana, again).there = counts
  new Link(again, cleo).back = counts
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  t.ok(isSame(await held(again, uid, content), bytes))
  t.same(
    pieces.toSorted((one, other) => Number(one) - Number(other)),
    [...Array(12).keys()].map(String),
    'each came once',
  )
})

t.test(
  'a piece that is another one is dropped, and named who has sent it; it is taken from whoever has it',
  async (t) => {
    const { ana, ben, cleo, links, uid } = await withAttachments(t)
    links.ben.there = withOtherPieces
    const bytes = bytesWith(3)
    const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
    await until('cleo to have it', async () => (await held(cleo, uid, content)) !== undefined)
    t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
    t.ok(isSame(await held(ben, uid, content), bytes))
    t.match(ben[1].told[0], { code: 'content_mismatch', evidence: { contract: uid, party: 'ana', seal: content.name } })
    t.same(cleo[1].told, [])
  },
)

t.test('an attachment of a confidential block goes to its audience, and to whoever comes to be in it', async (t) => {
  const { ana, ben, cleo, uid } = await withAttachments(t)
  const verdict = await orders(ana[0], uid, [
    { type: 'AddBlock', parent: '0', name: 'Terms', owner: 'ana' },
    { type: 'SetAudience', element: '#0', parties: ['ana', 'ben'] },
    { type: 'AddField', parent: '#0', name: 'Fee note', field: { type: 'attachment' } },
  ])
  t.match(verdict, { outcome: { kind: 'accepted' } })
  const bytes = bytesWith(3)
  const command = { audience: ['ana', 'ben'] }
  const { submission, content, seal } = await attaches(ana[0], uid, '0.2.0', bytes, { command })
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  t.ok(isSame(await held(ben, uid, content), bytes))
  const { agreed } = find((await liveAt(ana[0], uid)).state.ledger.document, '0.2.0' as ElementId) as Field
  const { seq } = requestOf(agreed?.id ?? '')
  const wants = [{ content: seal, count: 3, from: 0, party: 'ana' as Handle, seq }]
  const asked = async (of: Party, by: Party = cleo) => {
    const { handle, keys } = by[1].card
    const frontiers = new Map([[uid, frontierOf((await liveAt(by[0], uid)).state.feeds)]])
    const body = encodeMessage(frontiers, [], [], { pieces: new Map([[uid, wants]]) })
    const peer = { handle, signingKey: keys.signing, exchange: () => Promise.reject() }
    return decodeMessage(await of[0].gossip.answer(peer, body)).pieceLines.map(({ index }) => index)
  }
  await until('ben, who has had them, to be given pieces the same way', async () => (await asked(ana, ben)).length > 0)
  t.same([await asked(ana), await asked(ben)], [[], []])
  t.same(await pieceGroups(cleo[1].store.payloads, uid), [])
  t.match(await orders(ana[0], uid, [{ type: 'SetAudience', element: '0.2', parties: ['ana', 'ben', 'cleo'] }]), {
    outcome: { kind: 'accepted' },
  })
  await until('cleo to have it', async () => (await held(cleo, uid, content)) !== undefined)
  t.ok(isSame(await held(cleo, uid, content), bytes))
})

t.test('who is invited later gets what stands there', async (t) => {
  const all = await given(t)
  const { ana, ben, cleo, uid } = all
  const field = { type: 'AddField', parent: '0', name: 'Wording', field: { type: 'attachment' } }
  await (await asks(ana[0], uid, 'wording', field)).verdict
  const bytes = bytesWith(3)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  await admitted(all)
  await until('cleo to have it', async () => (await held(cleo, uid, content)) !== undefined)
  t.ok(isSame(await held(ben, uid, content), bytes))
})

t.test('what all have voted to erase is in no store any more, nor given', async (t) => {
  const { ana, ben, cleo, uid } = await withAttachments(t)
  const { submission, content, seal } = await attaches(ana[0], uid, FIELD, bytesWith(3))
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  for (const [process] of [ana, ben, cleo]) await orders(process, uid, [{ type: 'EraseValues', seals: [seal] }])
  for (const party of [ana, ben, cleo]) {
    await until('it to be gone', async () => (await pieceGroups(party[1].store.payloads, uid)).length === 0)
    t.equal(await held(party, uid, content), undefined)
  }
})

t.test('an audit misses what was acknowledged, and finds what was altered', async (t) => {
  const { ana, ben, uid } = await withAttachments(t)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytesWith(3))
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  const { store, card } = ben[1]
  const audit = () =>
    verifyContract(auditSourceOf(store, uid, ana[1].card.handle, card.handle)).catch(
      (error: AuditFailed) => error.report,
    )
  t.match(await audit(), { damage: [] })
  const second = { group: contentGroup(content.name, 1), seal: content.name }
  await store.payloads.erase(uid, [second])
  const place = { kind: 'payloads', seal: content.name }
  t.match(await audit(), { damage: [{ code: 'content_missing', place }] })
  await store.payloads.put(uid, second.group, [{ seal: content.name, text: 'AAAA' }])
  t.match(await audit(), { damage: [{ code: 'content_mismatch', place }] })
})

t.test('an author that keeps back a piece is refused in bounded time, and nothing of it is kept', async (t) => {
  const { ana, ben, cleo, links, uid } = await withAttachments(t, 300)
  links.ben.back = withoutPieces
  links.ben.there = withoutPieces
  links.cleo.there = withoutPieces
  links.cleo.back = withoutPieces
  const { submission } = await attaches(ana[0], uid, FIELD, bytesWith(3))
  t.match(await submission.verdict, { outcome: { kind: 'refused' } })
  for (const [process, its] of [ana, ben, cleo]) {
    await until('it to be gone', async () => (await pieceGroups(its.store.payloads, uid)).length === 0)
    await until('nothing to be left to do', async () => (await liveAt(process, uid)).contents.isIdle)
  }
})

t.test('whoever names once more what stands, in a request that is void, takes nothing away', async (t) => {
  const all = await withAttachments(t)
  const { ana, ben, cleo, uid } = all
  const bytes = bytesWith(3)
  const { submission, content, seal: sealed } = await attaches(ana[0], uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  const { payload } = attached(bytes)
  const command = { type: 'ProposeValue', field: '0.77', seal: sealed, basis: [] }
  const again = await asks(ben[0], uid, 'again', command, { [sealed]: payload })
  t.match(await again.verdict, { outcome: { kind: 'void' } })
  // Behind what the void one has made of the store.
  t.match(await (await proposes(cleo[0], uid, 'x')).verdict, { outcome: { kind: 'accepted' } })
  for (const party of [ana, ben, cleo]) t.ok(isSame(await held(party, uid, content), bytes))
})

t.test('what one statement names twice and nobody brings stands in the way of no other', async (t) => {
  const { ana, ben, cleo, uid } = await withAttachments(t, 2_500)
  const twice = await ben[0].contracts.use(uid, (live) =>
    Promise.all(
      [1, 2, 3, 4, 1, 2, 3, 4].map((salt, n) => {
        const { seal: sealed, payload } = attached(bytesWith(2, salt), {}, salt)
        const commands = [{ type: 'ProposeValue', field: FIELD, seal: sealed, basis: [] }] as never
        return live.submit({ request: { id: `twice-${n}`, commands }, payloads: { [sealed]: payload } })
      }),
    ),
  )
  for (const { verdict } of twice) t.match(await verdict, { outcome: { kind: 'refused' } })
  const bytes = bytesWith(1)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
  for (const party of [ana, ben, cleo]) t.ok(isSame(await held(party, uid, content), bytes))
})
