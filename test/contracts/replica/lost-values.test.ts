import t, { type Test } from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { builtIn } from '../../../src/aggregates/contract/engines.ts'
import { type RuleTerms, ruleHash } from '../../../src/aggregates/contract/rules/rule-book.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import { type Proposal, standingAt } from '../../../src/aggregates/contract/values/standing.ts'
import { needsHistory } from '../../../src/agreement/history/looking-back.ts'
import type { PartyProcess } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { loadContract } from '../../../src/contracts/replica/opening/load.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import { hashCanonical } from '../../../src/crypto/hash.ts'
import type { ElementId, Uid } from '../../../src/events/ids.ts'
import { seal } from '../../../src/events/seal.ts'
import { type PayloadGroup, refOf } from '../../../src/store/payload-group.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'

const liveAt = ({ contracts }: PartyProcess, uid: Uid): Promise<LiveContract> => contracts.use(uid, (live) => live)
const headAt = async (process: PartyProcess, uid: Uid) => {
  const { settling } = (await liveAt(process, uid)).state
  return { settled: settling.settled, record: builtIn.recordHash(settling.agreed) }
}

function asks(process: PartyProcess, uid: Uid, id: string, command: { type: string }, payloads = {}) {
  return process.contracts.use(uid, (live) => live.submit({ request: { id, commands: [command] }, payloads }).verdict)
}

function proposes(process: PartyProcess, uid: Uid, value: string) {
  const { seal: sealed, payload } = seal(value, new Uint8Array(16))
  const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: [] }
  return asks(process, uid, value, command, { [sealed]: payload })
}

const addField = (name: string) => ({ type: 'AddField', parent: '0', name, field: { type: 'text' } })

/** Ana and ben have agreed on a value of ana's, and on more after that; ana's node is down, and its store can be tampered with. */
async function given(t: Test) {
  const [its, theirs] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [ana, ben] = [await its.start(), await theirs.start()]
  new Link([ana, its], [ben, theirs])
  const uid = await together(ana, ben)
  await asks(ana, uid, 'field', addField('F'))
  await proposes(ana, uid, 'agreed')
  const field = find((await liveAt(ana, uid)).state.settling.agreed, '0.0' as ElementId) as Field
  const ref = refOf(field.agreed as Proposal)
  for (const name of ['G', 'H']) await asks(ben, uid, name, addField(name))
  for (const name of ['I', 'J']) t.match(await asks(ana, uid, name, addField(name)), { outcome: { kind: 'accepted' } })
  const before = await headAt(ana, uid)
  await ana.close()
  return { its, ben, theirs, uid, ref, before }
}

t.test('a value that the store has lost is asked for, and what the store has behind it counts again', async (t) => {
  const { its, ben, theirs, uid, ref, before } = await given(t)
  await its.store.payloads.erase(uid, [ref])
  const again = await its.start()
  const live = await liveAt(again, uid)
  await until('it to be said', async () => live.obstacle === 'values_missing')
  t.ok(live.state.settling.settled < before.settled)
  t.match(live.wants, [{ party: 'ana' }])
  t.same(its.told, [], 'nothing is damaged')
  const link = new Link([again, its], [ben, theirs])
  // What ben says meanwhile comes again when it can be taken in.
  const later = asks(ben, uid, 'K', addField('K'))
  await until('the value', async () => (await liveAt(again, uid)).obstacle === undefined)
  t.match(await later, { outcome: { kind: 'accepted' } })
  t.match(await asks(again, uid, 'L', addField('L')), { outcome: { kind: 'accepted' } })
  t.match(await proposes(again, uid, 'another'), { outcome: { kind: 'accepted' } })
  await until('the same', async () => canonicalJson(await headAt(again, uid)) === canonicalJson(await headAt(ben, uid)))
  t.equal((await its.store.payloads.get(uid, [ref])).size, 1)
  t.same([its.told, theirs.told], [[], []])
  link.isUp = false
  await again.close()
  const third = await its.start()
  t.same(await headAt(third, uid), await headAt(ben, uid), 'it is whole')
})

t.test(
  'so is one of the only member: its own statement cannot be held without it, and an invitee has it',
  async (t) => {
    const [its, theirs] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
    const [ana, ben] = [await its.start(), await theirs.start()]
    new Link([ana, its], [ben, theirs])
    const { contract, opened } = await ana.contracts.openContract('of one', undefined)
    await opened
    const uid = contract.contract
    await asks(ana, uid, 'field', addField('F'))
    await asks(ana, uid, 'invite', { type: 'InviteParty', party: theirs.card } as never)
    await until('the invitation', async () => ben.contracts.has(uid))
    await proposes(ana, uid, 'agreed')
    await asks(ana, uid, 'G', addField('G'))
    const field = find((await liveAt(ana, uid)).state.settling.agreed, '0.0' as ElementId) as Field
    const ref = refOf(field.agreed as Proposal)
    const before = await headAt(ana, uid)
    await until('ben to hold it', async () => (await headAt(ben, uid)).settled === before.settled)
    await ana.close()
    await its.store.payloads.erase(uid, [ref])
    const again = await its.start()
    const live = await liveAt(again, uid)
    await until('it to be said', async () => live.obstacle === 'values_missing')
    t.equal(live.state.ledger.lacking, undefined, 'given: no statement that is held lacks it')
    t.match(live.wants, [{ party: 'ana', seals: [ref.seal] }])
    new Link([again, its], [ben, theirs])
    again.gossip.carry(uid)
    await until('the value', async () => (await liveAt(again, uid)).obstacle === undefined)
    t.same(await headAt(again, uid), before)
    t.equal((await its.store.payloads.get(uid, [ref])).size, 1)
    t.match(await proposes(again, uid, 'another'), { outcome: { kind: 'accepted' } })
    t.same([its.told, theirs.told], [[], []], 'nothing is damaged')
  },
)

t.test('nothing is signed on what is left, whoever asks, as long as the value is not here', async (t) => {
  const { its, uid, ref } = await given(t)
  await its.store.payloads.erase(uid, [ref])
  const again = await its.start()
  const live = await liveAt(again, uid)
  const size = live.state.feeds.get(its.card.handle)?.size
  const verdict = again.contracts.use(
    uid,
    (contract) =>
      contract.submit({ request: { id: 'x', commands: [addField('X')] }, payloads: {}, signedWithinMs: 200 }).verdict,
  )
  t.match(await verdict, { kind: 'timed out' })
  t.equal(live.state.feeds.get(its.card.handle)?.size, size)
})

t.test('a value that is there and another one is damage', async (t) => {
  const { its, uid, ref } = await given(t)
  const get = its.store.payloads.get.bind(its.store.payloads)
  its.store.payloads.get = async (contract, refs) => {
    const found = new Map(await get(contract, refs))
    const text = found.get(ref.seal)
    if (text !== undefined) found.set(ref.seal, text.replace('agreed', 'forged'))
    return found
  }
  const again = await its.start()
  await t.rejects(liveAt(again, uid), { code: 'contract_damaged' })
})

t.test('what rules have computed and the store has lost is computed again, with a snapshot and without', async (t) => {
  const [its, theirs] = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')]
  const [ana, ben] = [await its.start(), await theirs.start()]
  const link = new Link([ana, its], [ben, theirs])
  const uid = await together(ana, ben)
  for (const name of ['F', 'G']) await asks(ana, uid, name, addField(name))
  const expression = { language: 1, nodes: [['ref', '0.0']] }
  const terms = { id: 1, at: '0', ruleSet: 1, body: { kind: 'assignment', target: '0.1', expression } } as const
  const [rule, hash] = [1, ruleHash(terms as unknown as RuleTerms)]
  const { id: _, ...draft } = terms
  await asks(ana, uid, 'set', { type: 'AddRuleSet', name: 'Terms' } as never)
  await asks(ana, uid, 'draft', { type: 'DraftRule', ...draft } as never)
  await asks(ben, uid, 'vote', { type: 'CastVote', rule, hash, vote: 'yes' } as never)
  await asks(ana, uid, 'publish', { type: 'PublishRules', ruleSets: [1], rules: [{ rule, hash }] } as never)
  for (const value of ['first', 'second']) {
    const { seal: sealed, payload } = seal(value, new Uint8Array(16).fill(value.length))
    const basis = standingAt(find((await liveAt(ana, uid)).state.ledger.document, '0.0' as ElementId) as Field)
    const command = { type: 'ProposeValue', field: '0.0', seal: sealed, basis: basis.map(({ id }) => id) }
    const verdict = await asks(ana, uid, value, command, { [sealed]: payload })
    t.match(verdict, { outcome: { kind: 'accepted' } })
  }
  const { agreed } = find((await liveAt(ana, uid)).state.settling.agreed, '0.1' as ElementId) as Field
  const stands = refOf(agreed as Proposal)
  const computed = async () => {
    const found: [PayloadGroup, string[]][] = []
    for await (const { group, entries } of its.store.payloads.groups(uid)) {
      if (group.startsWith('computed-')) found.push([group as PayloadGroup, entries.map(([, text]) => text)])
    }
    return found.sort()
  }
  const before = await computed()
  t.match(
    before,
    [
      [stands.group, [/second/]],
      [/computed/, [/first/]],
    ],
    'given: of two entries, one of which stands',
  )
  const kept = await (await liveAt(ana, uid)).keep()
  const snapshot = kept === needsHistory ? undefined : kept.kept.snapshot
  t.ok(snapshot)
  link.isUp = false
  await ana.close()
  for (const [groups, from] of [
    [before.map(([group]) => group), undefined],
    [[stands.group], snapshot],
  ] as const) {
    for (const [group, texts] of before) {
      if (!groups.includes(group)) continue
      const refs = texts.map((text) => ({ group, seal: hashCanonical('seal', text) }))
      await its.store.payloads.erase(uid, refs)
    }
    t.equal((await computed()).length, before.length - groups.length, 'given: it is lost')
    await loadContract(its.store, uid, its.card.handle, 'alone', from)
    t.same(await computed(), before)
  }
})
