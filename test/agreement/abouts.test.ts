import t from 'tap'
import { equivocationEvidence, wrongHeadEvidence } from '../../src/agreement/evidence.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import { shownAbout } from '../../src/events/about.ts'
import { commandSchemas } from '../../src/events/commands.ts'
import type { RequestRef } from '../../src/events/ids.ts'
import { seal, sealsNamedBy } from '../../src/events/seal.ts'
import { StatementSchema } from '../../src/events/statement.ts'
import { decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { completed } from '../../src/runtime/turns.ts'
import { about, allOf, market, owes, talk } from '../support/market.ts'
import { encodeSnapshot, snapshotOf } from '../support/snapshots-at-once.ts'

// What is signed can never be erased. So what people have to say stands in nothing that is.

const MARKER = 'said by a person'
const [ana, ben, cleo] = market('ana', 'ben', 'cleo')
const all = [ana, ben, cleo]
const field = { type: 'AddField', parent: '0', field: { type: 'text' } }
const say = (what: string) => about(`${MARKER}: ${what}`)
const said = {
  request: say('about a request'),
  user: say('who I am'),
  refusal: say('about a refusal'),
  withdrawal: say('about a withdrawal'),
  vote: say('about a vote'),
  lock: say('about a lock'),
  resignation: say('about a resignation'),
}

/** Says something wherever the format lets anybody say something. */
function everythingSaid(): void {
  const { request, user, refusal, withdrawal, vote, lock, resignation } = said
  const asked = ana.says({
    requests: [{ ...ana.request([{ ...field, name: 'refused' }]), about: request.about, user: user.about }],
    payloads: { ...request.payloads, ...user.payloads },
  })
  ben.hears(asked)
  ben.says({
    refusals: [{ request: first(asked), code: 'person', about: refusal.about }],
    payloads: refusal.payloads,
  })
  talk(all, owes)
  const regretted = cleo.tentatively({ ...field, name: 'withdrawn' })
  talk(all, owes)
  cleo.says({
    decided: [{ request: first(regretted), decision: 'withdrawn', code: 'user', about: withdrawal.about }],
    payloads: withdrawal.payloads,
  })
  const { statement } = ana.proposes('0.0', 'a value')
  talk(all, owes)
  const proposal = `ana.${statement.seq}.0.0`
  ben.says({
    requests: [
      ben.request([{ type: 'CastVote', field: '0.0', proposal, vote: 'no', about: vote.about }]),
      ben.request([{ type: 'LockRecord', purpose: 'review', about: lock.about }]),
    ],
    payloads: { ...vote.payloads, ...lock.payloads },
  })
  talk(all, owes)
  cleo.says({
    requests: [cleo.request([{ type: 'Resign', reason: 'fulfilled', about: resignation.about }])],
    payloads: resignation.payloads,
  })
}

everythingSaid()
const locked = ana.state.settling.agreed.lock
talk(all, owes)

t.test(
  'what people say is in no statement, entry, snapshot or evidence, but in the payloads beside them',
  async (t) => {
    t.match(locked, { holder: 'ben', purpose: 'review' }, 'the lock stood')
    const statements = [...ana.state.feeds.values()].flatMap((feed) => [...feed])
    const outcomes = ana.state.settling.unsettled.length
    t.equal(outcomes, 0, 'all of it has settled')
    for (const { text } of statements) t.notMatch(text, MARKER)
    const { acknowledged } = receive(emptyAgreement(ana.contract), allOf(ana))
    const kinds = new Set(acknowledged.map(({ entry }) => entry.outcome.kind))
    t.same([...kinds].sort(), ['accepted', 'refused', 'void', 'withdrawn'], 'every way in which something is said')
    for (const { text } of acknowledged) t.notMatch(text, MARKER)
    for (const player of all) t.notMatch(encodeSnapshot(snapshotOf(player.state)), MARKER)

    const last = ben.says()
    const lie = decodeSigned(
      ben.forges(last, (statement) => Object.assign(statement, { time: '2026-01-02T00:00:00.000Z' })),
    )
    const { party, seq } = last.statement
    ana.hears(last)
    const [forked] = ana.hears(lie).equivocations
    const held = forked === undefined ? undefined : equivocationEvidence(ana.state, forked)
    t.match(held, { kind: 'equivocation' })
    t.notMatch(JSON.stringify(held), MARKER)
    const wrong = completed(wrongHeadEvidence(ana.state, { party, seq }))
    for (const line of wrong.kind === 'wrong head' ? wrong.past : []) {
      const { text, signature } = decodeSigned(line)
      t.notMatch(encodeSigned(text, signature, {}), MARKER)
    }

    const opened = statements.flatMap(({ statement, payloads }) =>
      [...sealsNamedBy(statement)].map((seal) => shownAbout(seal, JSON.stringify(payloads[seal])).text ?? ''),
    )
    t.equal(opened.filter((text) => text.startsWith(MARKER)).length, Object.keys(said).length, 'all of it can be read')
  },
)

t.test('nobody waits for what people say, and no form of it makes anything invalid', async (t) => {
  const [author, other] = market('ana', 'ben')
  const { about: unopened } = say('kept at home')
  const odd = seal(['no', { text: 1 }], new Uint8Array(16))
  const asked = author.says({
    requests: [
      { ...author.request([{ ...field, name: 'one' }]), about: unopened, user: unopened },
      { ...author.request([{ ...field, name: 'two' }]), about: odd.seal },
    ],
    payloads: { [odd.seal]: odd.payload },
  })
  t.match(other.hears(asked), { taken: { length: 1 }, waiting: [], refused: [] })
  talk([author, other], owes)
  t.equal(other.settled, author.acknowledged)
  t.same(shownAbout(odd.seal, JSON.stringify(odd.payload)), { seal: odd.seal, isHeld: true }, 'but nobody is shown it')
  t.same(shownAbout(unopened, undefined), { seal: unopened, isHeld: false })
})

/** Constants of expressions, which rules compute with: what they are the language says. */
const RULE_TEXTS = ['condition.nodes[][]', 'expression.nodes[][]']

t.test(
  'there is no free text in the format but ids, names, the constants of rules, and templates, which have no values',
  async (t) => {
    const found = new Set<string>()
    walk(StatementSchema, 'statement', found)
    for (const [type, schema] of Object.entries(commandSchemas)) walk(schema, type, found)
    t.same([...found].sort(), [
      'AddBlock.name',
      'AddField.field.options[]',
      'AddField.name',
      'AddList.entry.options[]',
      'AddList.key.field.options[]',
      'AddList.key.name',
      'AddList.name',
      'AddRuleSet.name',
      'BringTemplate.text',
      'DefineType.constraint.options[]',
      'DefineType.name',
      ...RULE_TEXTS.map((path) => `DraftRule.body.${path}`),
      ...RULE_TEXTS.map((path) => `EditRule.body.${path}`),
      'ImportTemplate.name',
      'InviteParty.party.name',
      'OpenContract.founder.name',
      'OpenContract.title',
      'RenameElement.name',
      'statement.requests[].commands[].*',
      'statement.requests[].commands[].type',
      'statement.requests[].id',
    ])
  },
)

function first({ statement: { party: handle, seq } }: SignedStatement): RequestRef {
  return { handle, seq, index: 0 }
}

/** Gathers where a text may stand that has no pattern and no list. `*`: members that nobody has named. */
function walk(schema: unknown, path: string, found: Set<string>): void {
  if (typeof schema !== 'object' || schema === null) return
  const { type, pattern, properties, items, anyOf, additionalProperties, patternProperties } = schema as {
    [keyword: string]: unknown
  }
  const isFixed = 'const' in schema || 'enum' in schema || pattern !== undefined
  if (type === 'string' && !isFixed) found.add(path)
  for (const [name, member] of Object.entries(properties ?? {})) walk(member, `${path}.${name}`, found)
  for (const member of Object.values(patternProperties ?? {})) walk(member, `${path}{}`, found)
  walk(items, `${path}[]`, found)
  for (const one of (anyOf as unknown[]) ?? []) walk(one, path, found)
  if (type === 'object' && additionalProperties !== false) found.add(`${path}.*`)
}
