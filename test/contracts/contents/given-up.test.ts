import t from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import { awaitedWrite } from '../../../src/contracts/contents/content-log.ts'
import { ContentRoom } from '../../../src/contracts/contents/content-room.ts'
import { contentsOf } from '../../../src/contracts/contents/content-sources.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { CONTENT_PIECE_BYTES } from '../../../src/events/attachments/content.ts'
import { type ElementId, type Handle, requestOf, type Seq, type Uid } from '../../../src/events/ids.ts'
import { piecesOf } from '../../../src/merkle/content-tree.ts'
import { contentsStream } from '../../../src/store/streams.ts'
import { attached, attaches, bytesWith, pieceGroups } from '../../support/attachments.ts'
import { FIELD, held, isSame, withAttachments, withoutPieces } from '../../support/linked-attachments.ts'
import { asItIs, Link, liveAt, type Party } from '../../support/linked-parties.ts'
import { market } from '../../support/market.ts'
import { until } from '../../support/node-party.ts'

/** What was asked for once comes to nothing, and is asked for once more: the same seal, the same bytes. */
async function attachesAgain([process]: Party, uid: Uid, bytes: Uint8Array) {
  return process.contracts.use(uid, async (live) => {
    const { seal: sealed, payload, content } = attached(bytes)
    await live.contents.keep(content, piecesOf(bytes))
    const command = { type: 'ProposeValue', field: FIELD, seal: sealed, basis: [] }
    const request = { id: 'named again', commands: [command] as never }
    return live.submit({ request, payloads: { [sealed]: payload } })
  })
}

const notesOf = async ([, its]: Party, uid: Uid) => {
  const types: string[] = []
  for await (const { type } of its.store.events.read(contentsStream(uid))) types.push(type)
  return types
}

t.test(
  'what was given up for room is fetched again when it is named again, and when somebody asks for it',
  async (t) => {
    const { ana, ben, cleo, links, uid } = await withAttachments(t)
    for (const link of [links.ben, links.others]) {
      link.there = withoutPieces
      link.back = withoutPieces
    }
    await ben[0].close()
    const contentRoom = new ContentRoom(8 * CONTENT_PIECE_BYTES)
    const again: Party = [await ben[1].start('node', { contentRoom, payloadWaitMs: 20_000 }), ben[1]]
    const [fromAna, fromCleo] = [new Link(ana, again), new Link(cleo, again)]
    for (const link of [fromAna, fromCleo]) link.there = withoutPieces
    const bytes = bytesWith(3)
    const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
    await until('ben to ask for it', async () => {
      const { contents, state } = await liveAt(again[0], uid)
      return contents.lacksAny(state) && contents.fetching.lacksPiecesOf(ana[1].card.handle)
    })
    const other = ['another' as Uid, '0'.repeat(64) as Hash] as const
    contentRoom.begin(...other, 8 * CONTENT_PIECE_BYTES, () => {})
    t.match(await submission.verdict, { outcome: { kind: 'refused' } }, 'given: it is given up')
    contentRoom.end(...other)
    await until('nothing of it to be left', async () => {
      const left = await Promise.all([ana, again, cleo].map(([, its]) => pieceGroups(its.store.payloads, uid)))
      return left.flat().length === 0
    })
    fromAna.there = asItIs
    const named = await attachesAgain(ana, uid, bytes)
    if (!t.match(await named.verdict, { outcome: { kind: 'accepted' } })) return
    t.ok(isSame(await held(again, uid, content), bytes))

    const live = await liveAt(again[0], uid)
    const agreed = () => (find(live.state.settling.agreed, FIELD as ElementId) as Field).agreed
    await until('it to be agreed there', async () => agreed() !== null)
    await live.contents.forget(content.name)
    t.equal(await held(again, uid, content), undefined, 'given: it is gone')
    await live.contents.want(content, requestOf(agreed()?.id ?? ''))
    await until('it to be back', async () => isSame(await held(again, uid, content), bytes))
  },
)

t.test('what gives way to one gives way to no other, and what is behind it is begun when there is room', async (t) => {
  const { ana, ben, links, uid } = await withAttachments(t)
  for (const link of [links.ben, links.others]) {
    link.there = withoutPieces
    link.back = withoutPieces
  }
  await ben[0].close()
  const [begun, givenUp]: [string[], string[]] = [[], []]
  class Watched extends ContentRoom {
    override begin(...[contract, name, bytes, giveUp]: Parameters<ContentRoom['begin']>): void {
      begun.push(name)
      super.begin(contract, name, bytes, () => {
        givenUp.push(name)
        giveUp()
      })
    }
  }
  const contentRoom = new Watched(4 * CONTENT_PIECE_BYTES)
  const again: Party = [await ben[1].start('node', { contentRoom, payloadWaitMs: 60_000 }), ben[1]]
  new Link(ana, again).there = withoutPieces
  const asked = []
  for (const last of [1, 2, 3, 4, 5, 6]) asked.push(await attaches(ana[0], uid, FIELD, Uint8Array.of(last)))
  const [first] = asked.map(({ content }) => content.name)
  const live = await liveAt(again[0], uid)
  await until('all to be named there', async () => live.state.ledger.open.flatMap(contentsOf).length === 6)
  await live.contents.settleDown()
  contentRoom.begin('another' as Uid, '0'.repeat(64) as Hash, CONTENT_PIECE_BYTES, () => {})
  await live.contents.settleDown()
  await live.contents.settleDown()
  t.same(givenUp, [first])
  t.equal(begun.length, 5, 'four of the six, and the other')

  const { payloads } = again[1].store
  const get = payloads.get.bind(payloads)
  payloads.get = async () => {
    payloads.get = get
    throw new Error('the disk is away')
  }
  contentRoom.end('another' as Uid, '0'.repeat(64) as Hash)
  await until('the next to be begun, though nothing is named, and the store has failed', async () => begun.length === 6)
  t.equal(payloads.get, get, 'given: it has failed')
  await live.contents.settleDown()
  t.same(givenUp, [first], 'where there is room')
  t.equal(begun.length, 6, 'and no more than there is')
})

t.test('what is named again while the last of it is being erased is fetched anew', async (t) => {
  const { ana, ben, cleo, links, uid } = await withAttachments(t, 1_500)
  for (const link of Object.values(links)) {
    link.there = withoutPieces
    link.back = withoutPieces
  }
  const { payloads } = ben[1].store
  const erase = payloads.erase.bind(payloads)
  const erasing = Promise.withResolvers<void>()
  const mayErase = Promise.withResolvers<void>()
  payloads.erase = async (...erased) => {
    erasing.resolve()
    await mayErase.promise
    await erase(...erased)
  }
  const bytes = bytesWith(3)
  const { submission, content } = await attaches(ana[0], uid, FIELD, bytes)
  t.match(await submission.verdict, { outcome: { kind: 'refused' } })
  await erasing.promise
  for (const party of [ana, cleo])
    await until('nothing to be left', async () => (await pieceGroups(party[1].store.payloads, uid)).length === 0)
  for (const link of Object.values(links)) {
    link.there = asItIs
    link.back = asItIs
  }
  const named = await attachesAgain(ana, uid, bytes)
  const told: unknown[] = []
  named.verdict.then((verdict) => told.push(verdict))
  await until('ben to know of it', async () => {
    const { contents, state } = await liveAt(ben[0], uid)
    return told.length > 0 || contents.lacksAny(state)
  })
  mayErase.resolve()
  t.match(await named.verdict, { outcome: { kind: 'accepted' } })
  for (const party of [ana, ben, cleo]) t.ok(isSame(await held(party, uid, content), bytes))
  t.equal((await notesOf(ben, uid)).lastIndexOf('ContentDropped') < (await notesOf(ben, uid)).length - 2, true)
})

t.test(
  'what a node has noted of a statement that it never held is forgotten, and stands in nobody’s way',
  async (t) => {
    const { ana, ben, cleo, uid } = await withAttachments(t)
    const bytes = bytesWith(3)
    const { content } = attached(bytes)
    await ben[0].close()
    await ben[1].store.write([awaitedWrite(uid, 'cleo' as Handle, 1_000 as Seq, [content])])
    const again: Party = [await ben[1].start('node', { payloadWaitMs: 20_000 }), ben[1]]
    await (await liveAt(again[0], uid)).contents.settleDown()
    t.same(await notesOf(again, uid), ['ContentAwaited', 'ContentDropped'])
    const live = await liveAt(again[0], uid)
    live.contents.took([{ party: 'cleo' as Handle, seq: 1_000 as Seq, contents: [content] }])
    await live.contents.settleDown()
    new Link(ana, again)
    new Link(cleo, again)
    const { submission } = await attaches(ana[0], uid, FIELD, bytes)
    t.match(await submission.verdict, { outcome: { kind: 'accepted' } })
    t.ok(isSame(await held(again, uid, content), bytes))
  },
)

t.test('what an about says names no content, whatever its form', async (t) => {
  const [author] = market('ana', 'ben')
  const { seal: sealed, payload, content } = attached(bytesWith(2))
  const rename = { type: 'RenameElement', element: '0.0', name: 'Clause' }
  const request = { ...author.request([rename]), about: sealed, user: sealed }
  const said = author.says({ requests: [request], payloads: { [sealed]: payload } })
  t.same([Object.keys(said.payloads), contentsOf(said)], [[sealed], []])
  const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  t.same(contentsOf(author.says({ requests: [author.request([command])], payloads: said.payloads })), [content])
})
