import t, { type Test } from 'tap'
import { childNamed, type Field } from '../../../src/aggregates/contract/document/element.ts'
import { noTypes } from '../../../src/aggregates/contract/document/types.ts'
import { queued } from '../../../src/contracts/commands/queued-command.ts'
import type { PartyProcess, PartyProcessPorts } from '../../../src/contracts/processes/party-process.ts'
import type { LiveContract } from '../../../src/contracts/replica/live-contract.ts'
import { heldAbouts } from '../../../src/contracts/requests/held-abouts.ts'
import { requestBytesMax } from '../../../src/contracts/requests/statement-budget.ts'
import type { Submission } from '../../../src/contracts/requests/submission.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { changesFromJson } from '../../../src/documents/changes.ts'
import { defaultCharter } from '../../../src/events/charter.ts'
import { defaultLimits } from '../../../src/events/limits.ts'
import type { Payloads } from '../../../src/events/statement.ts'
import { systemRandom } from '../../../src/runtime/random.ts'
import { groupOf } from '../../../src/store/payload-group.ts'
import { OUTBOX_STREAM } from '../../../src/store/streams.ts'
import { EdgelessParty } from '../../support/edgeless-party.ts'
import { fullState } from '../../support/full-state.ts'
import { until } from '../../support/node-party.ts'
import { Link, together } from '../../support/two-parties.ts'

// A place of a feed that the others refuse is the end of the contract: so nothing is signed that they would refuse.

/** Statements of 16 KiB at most, so that little fills them. */
const narrow = { ...defaultLimits, statementBytes: 16 * 1024, members: 10, requestsPerStatement: 64 }
const newSalt = () => systemRandom.bytes(16)
let requests = 0

async function pair(t: Test, limits = defaultLimits, more: Partial<PartyProcessPorts> = {}) {
  const parties = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')] as const
  const [ana, ben] = [await parties[0].start('node', more), await parties[1].start()]
  const link = new Link([ana, parties[0]], [ben, parties[1]])
  const uid = await together(ana, ben, limits)
  const live = (process: PartyProcess) => process.contracts.use(uid, (held) => held)
  return { ana: await live(ana), ben: await live(ben), link, uid, parties, processes: { ana, ben } }
}

function submit(live: LiveContract, commands: readonly object[], payloads: Payloads = {}): Submission {
  const request = { id: `test-${requests++}`, tentative: true as const, commands: commands as { type: string }[] }
  return live.submit({ request, payloads })
}

const ground = {
  types: noTypes,
  agreed: new Map(),
  own: new Map(),
  audienceAt: () => undefined,
  fileUnder: () => undefined,
  newSalt,
}

/** What `POST` of that JSON to the record does. */
function write(live: LiveContract, body: object): Submission {
  const { commands, payloads } = changesFromJson(live.state.settling.agreed.document, [], body, 'post', ground)
  return submit(live, commands, payloads)
}

const settles = async (t: Test, what: string, submission: Submission) =>
  t.match(await submission.verdict, { kind: 'settled', outcome: { kind: 'accepted' } }, what)

const deep = (levels: number): unknown => (levels === 0 ? 'x' : [deep(levels - 1)])

t.test('what no statement can carry is refused when it is asked for, and costs nobody else anything', async (t) => {
  const { ana, ben, parties } = await pair(t)
  await settles(t, 'one field', write(ana, { Remark: 'a' }))
  const remark = childNamed(ana.state.settling.agreed.document, 'Remark') as Field
  const propose = (value: unknown) => {
    const { commands, payloads } = changesFromJson(remark, ['Remark'], value, 'put', ground)
    return submit(ana, commands, payloads)
  }
  const wide = Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`field ${n}`, 'x']))
  t.throws(() => write(ana, wide), { code: 'request_unfit', evidence: { commands: 514, commandsPerRequest: 512 } })
  t.throws(() => propose(deep(31)), { code: 'request_unfit' }, 'a value of too many levels')
  t.throws(
    () => write(ana, { Odd: { $field: { type: deep(40) } } }),
    { code: 'request_unfit' },
    'a command of too many',
  )
  t.throws(() => write(ana, { 'broken \ud800': 'x' }), { code: 'text_unfit' })
  t.throws(() => propose('\udc00'), { code: 'json_not_canonicalizable' })
  const seal = 'ab'.repeat(32) as Hash
  const command = { type: 'ProposeValue', field: remark.id, seal, basis: [] }
  t.throws(() => submit(ana, [command]), { code: 'request_unfit' }, 'a seal without its value')
  const other = { [seal]: { salt: 'A'.repeat(22), value: 'another' } }
  t.throws(() => submit(ana, [command], other), { code: 'request_unfit' }, 'a value that the seal is not of')
  t.throws(() => submit(ana, [{ type: 'Resign', reason: 'x'.repeat(600_000) }]), { code: 'request_too_large' })
  t.throws(() => submit(ana, []), { code: 'request_unfit' })
  // No text, so void; but a statement can carry it.
  t.match(await propose(deep(30)).verdict, { kind: 'settled', outcome: { reason: { code: 'value_wrong_type' } } })
  await settles(t, 'and both go on', write(ana, { Next: 'b' }))
  await settles(t, 'and both go on', write(ben, { 'And next': 'c' }))
  t.same([...parties[0].told, ...parties[1].told], [])
})

t.test('a contract that cannot be founded is none', async (t) => {
  const party = new EdgelessParty(t, 'ana')
  const { contracts } = await party.start()
  await t.rejects(contracts.openContract('x'.repeat(201)), { code: 'request_unfit' })
  for (const title of ['', '\ud800', 'a\u202e']) await t.rejects(contracts.openContract(title), { code: 'text_unfit' })
  t.equal([...contracts.cache.uids()].length, 0)
})

t.test('more decisions than fit into a statement are for the next ones', async (t) => {
  const { ana, ben, link, processes, uid, parties } = await pair(t, narrow)
  link.isUp = false
  const asked = Array.from({ length: 400 }, () =>
    submit(ana, [{ type: 'AddBlock', parent: '0', name: `b ${requests}` }]),
  )
  await Promise.all(asked.map(({ signed }) => signed))
  const signed = ana.state.feeds.get(ana.self)?.size ?? 0
  link.isUp = true
  processes.ana.gossip.carry(uid)
  for (const { verdict } of asked) await verdict
  const decisions = [...(fullState(ana.state).feeds.get(ana.self)?.between(signed) ?? [])].map(
    ({ statement }) => statement.decided.length,
  )
  t.equal(
    decisions.reduce((sum, count) => sum + count),
    400,
  )
  t.ok(Math.max(...decisions) < 200, `at most ${Math.max(...decisions)} in one`)
  await settles(t, 'and both go on', write(ben, { Remark: 'b' }))
  t.same([...parties[0].told, ...parties[1].told], [])
})

t.test('refusals, decisions and requests share a statement', async (t) => {
  const reason = 'elements keep the names they have; '.repeat(8)
  const policy = [{ answer: 'refuse' as const, commands: ['RenameElement'], reason }]
  const { ana, ben, link, processes, uid, parties } = await pair(t, narrow, { policy })
  await settles(t, 'one field', write(ana, { Remark: 'a' }))
  link.isUp = false
  const refused = Array.from({ length: 20 }, (_, n) =>
    submit(ben, [{ type: 'RenameElement', element: '0.0', name: `name ${n}` }]),
  )
  await Promise.all(refused.map(({ signed }) => signed))
  const theirs = [
    ...(fullState(ben.state)
      .feeds.get(ben.self)
      ?.between(ana.state.feeds.get(ben.self)?.size ?? 0) ?? []),
  ]
  const large = 'x'.repeat(requestBytesMax(ana.state) - 400)
  const asked = [submit(ana, [{ type: 'LockRecord', purpose: large }]), submit(ana, [{ type: 'ReleaseLock' }])]
  await ana.deliver(theirs)
  link.isUp = true
  processes.ana.gossip.carry(uid)
  for (const { verdict } of refused) t.match(await verdict, { outcome: { kind: 'refused', by: [{ handle: 'ana' }] } })
  // Void, both: no purpose is that long. But they have come to the ledger.
  for (const { verdict } of asked) t.match(await verdict, { kind: 'settled', outcome: { kind: 'void' } })
  t.same([...parties[0].told, ...parties[1].told], [])
})

t.test('what a person says goes beside the code, and is durable with all that names it', async (t) => {
  const policy = [
    {
      answer: 'ask' as const,
      commands: ['LockRecord'],
      forSeconds: 600,
      otherwise: 'acknowledge' as const,
      reason: 'x',
    },
  ]
  const { ana, ben, parties } = await pair(t, defaultLimits, { policy })
  const asked = submit(ben, [{ type: 'LockRecord', purpose: 'edit' }])
  await until('the question', async () => ana.questions.length === 1)
  const [question] = ana.questions
  const request = question?.request ?? { handle: ana.self, seq: 0, index: 0 }
  await t.rejects(ana.answer(request, { about: { text: 'x'.repeat(4001) } }), { code: 'request_unfit' })
  await t.rejects(ana.answer(request, { about: { text: '\ud800' } }), { code: 'json_not_canonicalizable' })
  await ana.answer(request, { about: { title: 'No', text: 'not before Monday' } })
  const verdict = await asked.verdict
  t.match(verdict, { outcome: { kind: 'refused', by: [{ handle: 'ana', code: 'person' }] } })
  const outcome = verdict.kind === 'settled' && verdict.outcome.kind === 'refused' ? verdict.outcome : undefined
  const { seq = 0, about = '' as Hash } = outcome?.by[0] ?? {}
  const ref = { group: groupOf({ handle: ana.self, seq }), seal: about }
  for (const { store } of parties) {
    const held = await heldAbouts(store.payloads, ana.contract, [ref])
    t.same(held(about), { seal: about, isHeld: true, title: 'No', text: 'not before Monday' })
  }
  t.same([...parties[0].told, ...parties[1].told], [])
})

t.test('a serve that was taken over has nothing signed that the others would refuse', async (t) => {
  const parties = [new EdgelessParty(t, 'ana'), new EdgelessParty(t, 'ben')] as const
  const [serve, transmit, ben] = [
    await parties[0].start('serve'),
    await parties[0].start('transmit'),
    await parties[1].start(),
  ]
  new Link([transmit, parties[0]], [ben, parties[1]])
  const uid = await together(transmit, ben)
  const seal = 'ab'.repeat(32) as Hash
  const commands = [{ type: 'ProposeValue', field: '0', seal, basis: [] }]
  const asks = [
    { kind: 'request', request: { id: 'bad', commands }, payloads: { [seal]: { salt: 'A'.repeat(22), value: 'no' } } },
    { kind: 'request', request: { id: 'bad too', commands }, payloads: {} },
    { kind: 'open', title: 'x'.repeat(201), charter: defaultCharter },
  ] as unknown as Parameters<typeof queued>[0]['ask'][]
  for (const [n, ask] of asks.entries()) {
    const contract = ask.kind === 'open' ? null : uid
    const id = 'request' in ask && 'id' in ask.request ? ask.request.id : `bad ${n}`
    await parties[0].store.events.append(OUTBOX_STREAM, 'any', [queued({ id, contract, ask })])
  }
  await serve.contracts.use(uid, async (live) => settles(t, 'all goes on', write(live, { Remark: 'a' })))
  t.same([...parties[0].told, ...parties[1].told], [])
})
