import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ruleHash } from '../../src/aggregates/contract/rules/rule-book.ts'
import { find } from '../../src/aggregates/contract/state.ts'
import type { Acknowledged } from '../../src/agreement/ledger.ts'
import { nextVerdict } from '../../src/agreement/next-verdict.ts'
import type { AgreementState } from '../../src/agreement/state.ts'
import { voidAnyway } from '../../src/agreement/trials/void-anyway.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { dryRun } from '../../src/documents/dry-run.ts'
import { type Command, commandSchemas } from '../../src/events/commands.ts'
import { type ElementId, type Handle, requestKey } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload, Payloads, Request } from '../../src/events/statement.ts'
import { templateHash } from '../../src/events/template.ts'
import { completed } from '../../src/runtime/turns.ts'
import { commandOf, order as orderOnDocument } from '../support/document-histories.ts'
import { about, market, type Player, TIME } from '../support/market.ts'
import { ruledMarket } from '../support/ruled-market.ts'

const salt = new Uint8Array(16)
/** Some end early, since a party has left: 1,000 requests are made all the same. */
const RUNS = 60
const EACH = 20

/** What a document alone has no use for. */
const kinds = [
  'AddRuleSet',
  'BreakLock',
  'BringTemplate',
  'CastVote',
  'DeclineInvitation',
  'DraftRule',
  'EditRule',
  'EraseValues',
  'ImportTemplate',
  'KeepValues',
  'LockRecord',
  'OpenContract',
  'PublishRules',
  'ReleaseLock',
  'RemoveRule',
  'ReopenEdit',
  'RevealValue',
  'UpgradeEngine',
  'UpgradeTemplate',
  'WithdrawChangeSet',
  'WithdrawInvitation',
] as const

interface More {
  readonly kind: (typeof kinds)[number]
  readonly which: number
  readonly flag: boolean
}
const more: fc.Arbitrary<More> = fc.record({ kind: fc.constantFrom(...kinds), which: fc.nat(100), flag: fc.boolean() })
/** Of the fields that rules are about, so that many are judged by them. */
const proposed = fc.record({
  field: fc.constantFrom('0.0', '0.1', '0.2'),
  value: fc.constantFrom('red', 'blue', 'green', 7),
})

/** Whatever is confidential may be one of these. */
const held = ['red', 'founder', 'broker', 'lead', 'follower'].map((value) => seal(value, salt))

const moves = fc.array(
  fc.record({
    author: fc.nat(1),
    isChangeSet: fc.integer({ max: 9, min: 0 }).map((n) => n === 0),
    said: fc.oneof(
      { arbitrary: fc.array(orderOnDocument, { maxLength: 3, minLength: 1 }), weight: 4 },
      { arbitrary: more, weight: 4 },
      { arbitrary: proposed, weight: 3 },
    ),
  }),
  { maxLength: EACH, minLength: EACH },
)
type Move = (typeof moves extends fc.Arbitrary<infer M> ? M : never)[number]

const { players } = ruledMarket(['ana', 'ben'], 'A != "red"', {
  at: '0.1',
  body: { kind: 'validation', who: { fields: [], parties: ['ben'] } },
})
const inForce = players.map(({ state }) => state)
/** Of the same parties, as long as rules are drafted. */
const inEdit = market('ana', 'ben').map(({ state }) => state)
function begin(states = inForce): void {
  players.forEach((player, place) => {
    player.state = states[place] as AgreementState
  })
}

function commandFrom({ flag, kind, which }: More, state: AgreementState, values: Map<Hash, Payload>): Command {
  const { changeSets, rules } = state.ledger.document
  const field = `0.${which % 3}` as ElementId
  const element = find(state.ledger.document, field)
  const standing = element?.kind === 'field' ? element.agreed : null
  const rule = rules.rules[which % Math.max(1, rules.rules.length)]
  const number = rule?.terms.id ?? 1
  const bodies = [
    { kind: 'single' },
    { kind: 'validation', who: { fields: [], parties: ['ana'] } },
    { kind: 'access', what: ['propose'], who: { fields: [], parties: ['ben'] } },
    { before: 'phase', kind: 'required' },
  ]
  const terms = { body: bodies[which % bodies.length], ruleSet: 1 }
  const text = '{"no":"template"}'
  const hash = templateHash(text)
  const open = changeSets[which % Math.max(1, changeSets.length)]?.request ?? { handle: 'ana', index: 0, seq: 0 }
  const revealed = held.find(({ seal: sealed }) => sealed === standing?.seal) ?? (held[0] as (typeof held)[number])
  const all: { readonly [kind in More['kind']]: object } = {
    AddRuleSet: { name: `Set ${which}` },
    BreakLock: { lock: state.ledger.document.lock?.index ?? which },
    BringTemplate: { bytes: text.length, from: 0, hash, text },
    CastVote: flag
      ? { hash: rule === undefined ? hash : ruleHash(rule.terms), rule: number, vote: which % 2 ? 'yes' : 'no' }
      : { request: open, vote: which % 2 ? 'yes' : 'no' },
    DeclineInvitation: { declined: {} },
    DraftRule: { at: flag ? '0' : field, ...terms },
    EditRule: { rule: number, ...terms },
    EraseValues: { seals: [standing?.seal ?? hash] },
    ImportTemplate: { at: '0', hash, name: 'T', roles: {} },
    KeepValues: { erasure: hash },
    LockRecord: { purpose: 'review' },
    OpenContract: { title: 'again' },
    PublishRules: {
      ruleSets: [1],
      rules: rules.rules.map((one) => ({ hash: ruleHash(one.terms), rule: one.terms.id })),
    },
    ReleaseLock: {},
    RemoveRule: { rule: number },
    ReopenEdit: {},
    RevealValue: { field, proposal: standing?.id ?? 'ana.0.0.0', seal: revealed.seal },
    UpgradeEngine: { to: flag ? 1 : 2 },
    UpgradeTemplate: { element: field, from: hash, roles: {}, to: hash },
    WithdrawChangeSet: { request: open },
    WithdrawInvitation: { party: ['founder', 'broker', 'lead', 'follower'][which % 4] },
  }
  if (kind === 'RevealValue') values.set(revealed.seal, revealed.payload)
  if (flag && kind === 'LockRecord') {
    const said = about('a moment')
    for (const [sealed, payload] of Object.entries(said.payloads)) values.set(sealed as Hash, payload)
    return { about: said.about, type: kind, ...all[kind] } as Command
  }
  return { type: kind, ...all[kind] } as Command
}

function written({ said }: Move, author: Player): { commands: Command[]; values: Map<Hash, Payload> } {
  const values = new Map<Hash, Payload>()
  const { state } = author
  const document = { head: { record: '' as Hash, root: '' as Hash, size: 0 }, state: state.ledger.document }
  if (Array.isArray(said))
    return { commands: said.map((one, place) => commandOf(one, place, document, values)), values }
  if ('kind' in said) return { commands: [commandFrom(said, state, values)], values }
  const sealed = seal(said.value, salt)
  values.set(sealed.seal, sealed.payload)
  const field = said.field as ElementId
  return { commands: [{ basis: [], field, seal: sealed.seal, type: 'ProposeValue' }], values }
}

/** The request, and what becomes of it when the other has answered. */
function made(author: Player, other: Player, request: Request, payloads: Payloads = {}): Acknowledged {
  const said = author.says({ payloads, requests: [request] })
  const key = requestKey({ handle: author.handle, index: 0, seq: said.statement.seq })
  const isIt = ({ entry }: Acknowledged) => requestKey(entry.request) === key
  other.hears(said)
  const { acknowledged } = author.hears(other.says())
  const found = acknowledged.find(isIt)
  if (found === undefined) throw new Error(`${key} is not acknowledged`)
  other.hears(author.says())
  author.hears(other.says())
  return found
}

t.test('a dry run comes to what becomes of the request, whatever it is', (t) => {
  const tally = new Map<string, number>()
  const commandsSeen = new Set<string>()
  let requests = 0
  fc.assert(
    fc.property(moves, fc.boolean(), (history, isInForce) => {
      begin(isInForce ? inForce : inEdit)
      for (const move of history) {
        const [author, other] = (move.author === 0 ? players : players.toReversed()) as [Player, Player]
        const { commands, values } = written(move, author)
        const { isChangeSet } = move
        const payloads = Object.fromEntries(values)
        const { state, handle } = author
        const { engines } = state.ledger
        if (engines.missingFor([...commands]) !== undefined) continue
        const tried = { commands, isChangeSet, payloads, time: TIME }
        const asOne = isChangeSet && { changeSet: {} }
        const verdict = completed(nextVerdict(commands, payloads, state, handle, { time: TIME, ...asOne }))
        const run = completed(dryRun(tried, state, handle))
        const refused = completed(voidAnyway(tried, state, handle, [], TIME))

        const request = { ...author.request(commands), ...(isChangeSet && { changeSet: true as const }) }
        const { entry, document } = made(author, other, request, payloads)
        const { outcome } = entry
        requests++
        for (const { type } of commands) commandsSeen.add(type)
        const code = outcome.kind === 'void' ? outcome.reason.code : outcome.kind
        tally.set(code, (tally.get(code) ?? 0) + 1)
        if (isForItsAudience(run.reason?.command, commands) && outcome.kind === 'accepted') {
          // The ledger opens no confidential value, so that all judge alike: a member of its audience refuses the request.
          equal(run.reason?.code, 'value_wrong_type')
          return
        }
        deepEqual({ kind: run.outcome, ...(run.reason && { reason: run.reason }) }, outcome)
        deepEqual(refused, outcome.kind === 'void' ? outcome.reason : undefined)
        if (verdict.kind === 'accepted') {
          deepEqual(verdict.events, entry.events)
          equal(engines.recordHash(verdict.state), engines.recordHash(document))
        }
        // Whoever has left says nothing more.
        if (document.parties.members.length < 2) return
      }
    }),
    { numRuns: RUNS, seed: 7 },
  )
  t.comment(`${requests} requests: ${[...tally].map(([code, count]) => `${count} ${code}`).join(', ')}`)
  t.ok(requests >= 1_000)
  const missing = Object.keys(commandSchemas).filter((type) => !commandsSeen.has(type))
  t.same(missing, [], 'every kind of command was among them')
  t.ok((tally.get('accepted') ?? 0) > requests / 10, 'many come about')
  t.ok(tally.has('rule_broken'), 'rules refuse some')
  t.end()
})

/** Whether it is void here for a value that only its audience opens. */
function isForItsAudience(place: number | undefined, commands: readonly Command[]): boolean {
  return place !== undefined && 'audience' in (commands[place] as object)
}

t.test('a request is refused here only where no view takes it', (t) => {
  const [ana, ben] = players
  const valueAt = (field: string, value: string) => {
    const sealed = seal(value, salt)
    const command = { basis: [], field: field as ElementId, seal: sealed.seal, type: 'ProposeValue' as const }
    return { commands: [command as Command], isChangeSet: false, payloads: { [sealed.seal]: sealed.payload } }
  }
  const refused = (tried: ReturnType<typeof valueAt>, queued: Parameters<typeof voidAnyway>[3] = []) =>
    completed(voidAnyway(tried, ana.state, 'ana' as Handle, queued, TIME))
  const added = { name: 'New', parent: '0', type: 'AddField', field: { type: 'text' } } as const
  begin()
  t.match(refused(valueAt('0.0', 'red')), { code: 'rule_broken' })
  t.match(refused(valueAt('0.2', 'x')), { code: 'no_such_element' })
  const queued = [{ payloads: {}, request: { commands: [added], id: 'queued' } }]
  t.equal(refused(valueAt('0.2', 'x'), queued), undefined, 'what is asked for here, and not signed yet, counts')
  ana.hears(ben.says({ requests: [ben.request([added])] }))
  t.equal(refused(valueAt('0.2', 'x')), undefined, 'and what another party has asked for')
  t.match(refused(valueAt('0.0', 'red')), { code: 'rule_broken' }, 'which helps nothing else')
  begin(inEdit)
  made(ana, ben, ana.request([added]))
  ben.hears(ana.requests({ element: '0.2', type: 'RemoveElement' }))
  t.equal(refused(valueAt('0.2', 'x')), undefined, 'a removal on its way may come to nothing')
  ana.hears(ben.says())
  t.ok(ana.acknowledged > ana.settled, 'all have answered it, and not all have signed for it')
  t.equal(find(ana.state.ledger.document, '0.2' as ElementId), undefined, 'it is gone')
  t.equal(refused(valueAt('0.2', 'x')), undefined, 'the settled view takes it')
  t.end()
})
