import t from 'tap'
import { decideRequest, initialState } from '../../../src/aggregates/contract/decide.ts'
import { type Hash, sha256 } from '../../../src/crypto/hash.ts'
import type { CommandOf } from '../../../src/events/commands.ts'
import { type ElementId, type Handle, type ProposalId, ROOT, type Uid } from '../../../src/events/ids.ts'
import type { Limits } from '../../../src/events/limits.ts'
import { type VoidCode, voidCodes } from '../../../src/events/outcome.ts'
import { asked } from '../../support/asked.ts'
import {
  type Act,
  asOne,
  block,
  Document,
  entry,
  field,
  given,
  list,
  openedBy,
  together,
  UID,
} from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'
import { brings, bringsAndImports, bytes, imports, taken, upgrades } from '../../support/template-party.ts'
import type { WrittenRule } from '../../support/written-rule.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const other = new Party('other')
const document = given(
  openedBy(broker, lead),
  broker.invites(other),
  broker.addsBlock('Terms', { owner: broker.handle }),
  list('Claims'),
  field('Claims/0/Sum'),
  entry('Claims'),
  field('Country'),
  broker.proposes('Country', 'Mexico'),
)
const country = document.idAt('Country')

/** A document with rules that both have voted on. */
function withRules(rules: readonly WrittenRule[], limits: Partial<Limits> = {}): Document {
  const start = given(
    broker.opens(limits),
    broker.invites(lead),
    broker.admits(lead),
    field('Country'),
    field('Region'),
    block('Terms'),
    field('Terms/Count', { type: 'integer' }),
    broker.proposes('Country', 'Mexico'),
    broker.addsRuleSet('Rules'),
  )
  return start.when(
    ...rules.map((rule) => broker.drafts('', rule)),
    ...rules.map((_, place) => lead.votesOnRule(place + 1)),
  )
}
const voted = withRules([{ constraint: 'Country != "Peru"' }])
const live = voted.when(lead.publishes(1))
const publication = lead.publishes(1).write(voted).commands[0] as CommandOf<'PublishRules'>
const ruled = voted.when(broker.edits(1, '', { constraint: 'Country != "Chile"' }))
const liveWith = (rule: WrittenRule) => withRules([rule]).when(lead.publishes(1))

const confidential = document.when(broker.addsField('Terms/Fee'), broker.setsAudience('Terms', [broker, other]))
const validated = given(
  openedBy(broker, lead),
  broker.addsBlock('Terms', { owner: broker.handle }),
  broker.addsField('Terms/Fee'),
  broker.setsAudience('Terms', [broker]),
  broker.addsRuleSet('Rules'),
  broker.drafts('Terms', { validation: {} }),
  lead.votesOnRule(1),
).when(broker.publishes(1))

const terms = taken(document, 'Terms')

/** Of the right form, and of small order. */
const WEAK = `ed25519:${'A'.repeat(43)}`

/** For each code a request that gets it. */
const voids: Record<VoidCode, readonly [Act, Document?]> = {
  command_unknown: [lead.orders({ type: 'AddSpice' })],
  command_malformed: [lead.orders({ type: 'AddBlock' })],
  command_not_alone: [together(lead.resigns(), lead.resigns())],
  limit_exceeded: [lead.addsField('n'.repeat(101))],
  not_open: [field('Country'), Document.unopened()],
  already_open: [broker.opens()],
  title_unfit: [broker.opens({}, broker.card, 'Fleet\u202e2027'), Document.unopened()],
  founder_unfit: [broker.opens({}, lead.card), Document.unopened()],
  limits_unfit: [broker.opens({ statementBytes: 8192 }), Document.unopened()],
  handle_taken: [broker.invites(lead)],
  party_taken: [broker.invites(new Party('leader', { did: lead.card.did }))],
  party_unfit: [broker.invites(new Party('odd', { name: 'Odd\u200bRe' }))],
  party_confusable: [broker.invites(new Party('fleet', { name: 'l\u0435\u0430d' }))],
  key_not_admissible: [broker.invites(new Party('weak', { keys: { signing: WEAK, recovery: WEAK } }))],
  no_invitation: [broker.admits(lead)],
  acceptance_unfit: [broker.admits(other, { contract: '0'.repeat(52) as Uid })],
  acceptance_badly_signed: [
    broker.orders({
      type: 'AdmitParty',
      accepted: { ...other.accepts(document), signature: lead.accepts(document).signature },
    }),
  ],
  acceptance_late: [broker.admits(other, { lastIndex: 3 })],
  acceptance_wrong_head: [broker.admits(other, { head: { ...document.head, size: 99 } })],
  decline_badly_signed: [
    broker.orders({
      type: 'DeclineInvitation',
      declined: { ...other.declines(document), signature: lead.declines(document).signature },
    }),
  ],
  not_sponsor: [lead.withdrawsInvitation(other)],
  record_locked: [broker.proposes('Country', 'Peru'), document.when(lead.locks())],
  lock_held: [lead.locks(), document.when(lead.locks())],
  no_such_lock: [lead.breaks()],
  lock_own: [lead.breaks(), document.when(lead.locks())],
  already_voted: [broker.breaks(), given(openedBy(broker, lead, other), lead.locks(), broker.breaks())],
  engine_not_newer: [lead.upgrades(1)],
  terms_changed: [broker.admits(other, { head: document.head }), document.when(broker.upgrades(2), lead.upgrades(2))],
  no_such_element: [lead.orders({ type: 'RemoveElement', element: '0.99' as ElementId })],
  root_fixed: [lead.removes('')],
  not_a_block: [lead.addsField('Country/Name')],
  not_a_field: [lead.proposes('Terms', '')],
  not_a_list: [lead.addsEntry('Terms')],
  entry_fixed: [lead.removes('Claims/1/Sum')],
  prototype_fixed: [lead.removes('Claims/0')],
  prototype_empty: [lead.proposes('Claims/0/Sum', '')],
  order_unfit: [lead.arranges('', [0, 0])],
  key_taken: [
    together(
      lead.addsList('Lines', { key: { name: 'Key', field: { type: 'text' } } }),
      lead.addsEntry('#0'),
      lead.addsEntry('#0'),
      lead.proposes('#1.0', 'a'),
      lead.proposes('#2.0', 'a'),
    ),
  ],
  key_unfit: [lead.addsList('Lines', { key: { name: 'Share', field: { type: 'decimal' } } })],
  name_taken: [lead.addsField('Country')],
  name_confusable: [lead.addsField('C\u043euntry')],
  name_unfit: [lead.addsField('_')],
  option_unfit: [lead.addsField('Port', { type: 'choice', options: ['a', 'b '] })],
  option_confusable: [lead.addsField('Port', { type: 'choice', options: ['a', 'b', '\u0430'] })],
  currency_unknown: [lead.addsField('Premium', { type: 'money', currency: 'XAU' })],
  type_unknown: [lead.addsField('Premium', { type: 'custom', definition: sha256('') })],
  type_unchanged: [lead.defines('Share', 'decimal'), document.when(lead.defines('Share', 'decimal'))],
  constraint_unfit: [lead.defines('Share', 'decimal', { constraint: { lengthMax: 5 } })],
  not_owner: [lead.addsField('Terms/Rate')],
  owner_unfit: [lead.addsField('Rate', { type: 'text' }, { owner: broker.handle })],
  value_wrong_type: [lead.proposes('Country', 7)],
  value_taken: [lead.orders({ type: 'ProposeValue', field: country, seal: sha256(''), basis: [] })],
  audience_unfit: [broker.setsAudience('Terms', null, '2027-03-01T12:00:00.000Z')],
  owner_outside: [broker.setsAudience('Terms', [lead])],
  outside_audience: [lead.confides('Terms/Fee', '1'), confidential],
  audience_changed: [broker.proposes('Terms/Fee', '1'), confidential],
  voter_outside: [broker.confides('Terms/Fee', '1'), validated],
  key_confidential: [
    broker.addsList('Terms/Lines', { key: { name: 'Insurer', field: { type: 'party' } } }),
    confidential,
  ],
  not_confidential: [broker.reveals('Country', 'Mexico')],
  seal_unfit: [broker.reveals('Terms/Fee', '2'), confidential.when(broker.confides('Terms/Fee', '1'))],
  field_conflict: [lead.proposes('Country', 'Chile', { exclusive: true })],
  no_such_proposal: [
    lead.orders({ type: 'CastVote', field: country, proposal: 'lead.7.0.0' as ProposalId, vote: 'yes' }),
  ],
  not_author: [broker.withdraws('Country', lead), document.when(lead.proposes('Country', 'Chile'))],
  already_agreed: [broker.withdraws('Country')],
  no_vote_asked: [broker.votes('yes', 'Country', lead), document.when(lead.proposes('Country', 'Chile'))],
  not_a_voter: [lead.votes('yes', 'Country', lead), asked(document, lead, 'Chile', [broker])],
  change_set_unfit: [asOne(lead.locks())],
  no_such_change_set: [
    lead.orders({ type: 'WithdrawChangeSet', request: { handle: broker.handle, seq: 0, index: 0 } }),
  ],
  rules_in_force: [lead.addsRuleSet('More'), live],
  no_rules_in_force: [lead.reopens()],
  no_such_rule: [lead.orders({ type: 'RemoveRule', rule: 7 })],
  no_such_rule_set: [lead.orders({ type: 'PublishRules', ruleSets: [7], rules: [] })],
  rule_unfit: [lead.orders({ type: 'DraftRule', at: ROOT, ruleSet: null, body: { kind: 'single' } }), ruled],
  rule_changed: [lead.orders({ type: 'CastVote', rule: 1, hash: sha256(''), vote: 'yes' }), ruled],
  rules_named_unfit: [
    // What is named besides is what is wrong, though the others say something else by now, too.
    lead.orders({
      ...publication,
      rules: [...publication.rules, { rule: 9 }].map(({ rule }) => ({ rule, hash: sha256('') })),
    }),
    voted,
  ],
  rule_vote_missing: [lead.publishes(1), ruled],
  rules_cyclic: [
    lead.publishes(1),
    withRules([
      { assign: 'Region', to: 'Country' },
      { assign: 'Country', to: 'Region' },
    ]),
  ],
  required_missing: [lead.publishes(1), withRules([{ required: 'live' }]).when(lead.empties('Country'))],
  rule_broken: [lead.settles('Country', 'Peru'), live],
  rule_over_budget: [lead.publishes(1), withRules([{ constraint: 'Country = "Mexico"' }], { ruleSteps: 2 })],
  rule_governed: [lead.removes('Country'), live],
  access_denied: [lead.settles('Country', 'Chile'), liveWith({ access: ['propose'], who: { parties: ['broker'] } })],
  element_inactive: [
    lead.proposes('Terms/Count', 5),
    liveWith({ trigger: 'Country = "Mexico"', deactivates: { blocks: ['Terms'] } }),
  ],
  field_assigned: [lead.proposes('Region', 'America'), liveWith({ assign: 'Country', to: 'Region' })],
  assigned_twice: [
    lead.publishes(1),
    withRules([
      { assign: 'Country', to: 'Region' },
      { assign: '"a"', to: 'Region' },
    ]),
  ],
  already_erased: [
    lead.erases(sha256('x')),
    given(openedBy(broker, lead), broker.erases(sha256('x')), lead.erases(sha256('x'))),
  ],
  no_such_erasure: [lead.keeps(sha256('x'))],
  template_unfit: [brings(lead, bytes('{}'))[0] as Act],
  template_out_of_place: [brings(lead, terms, 100)[1] as Act],
  template_held: [brings(broker, terms)[0] as Act, document.when(...brings(lead, terms))],
  template_unchanged: [
    upgrades(lead, 'More', terms, { from: terms.hash }),
    document.when(bringsAndImports(broker, terms, '', 'More')),
  ],
  no_such_template: [imports(lead, terms, '', 'More')],
  role_unfit: [bringsAndImports(lead, terms, '', 'More', { ['broker' as Handle]: other.handle })],
  not_of_template: [upgrades(lead, 'Terms', terms)],
  computed_unfit: [lead.publishes(1), withRules([{ assign: '(string length(_.Country) + 1) / 4', to: 'Terms/Count' }])],
}

for (const code of Object.keys(voids) as VoidCode[]) {
  t.test(`void: ${voidCodes[code]}`, async (t) => {
    const [act, on = document] = voids[code]
    t.match(on.when(act).fate, { code })
  })
}

t.test('all commands of a request take effect, or none', async (t) => {
  const good = [lead.addsBlock('Claimant'), lead.addsField('#0/Name'), lead.proposes('#1', 'Smith')] as const
  t.equal(document.when(together(...good)).agreedAt('Claimant/Name'), 'Smith')
  const spoilt = document.when(together(...good, lead.removes(''), lead.addsField('Late')))
  t.same(spoilt.fate, { code: 'root_fixed', command: 3 })
  t.equal(spoilt.state, document.state)
})

t.test('each command sees what those before it did', async (t) => {
  t.same(document.when(together(lead.addsField('Port'), lead.addsField('Port'))).fate, {
    code: 'name_taken',
    command: 1,
    with: ['0.3', 'lead.0.0'],
  })
  t.equal(document.when(together(lead.renames('Country', 'Land'), lead.addsField('Country'))).fate, 'accepted')
})

t.test('a command is known by its name, and by that of no property of an object', async (t) => {
  for (const type of ['', 'addblock', 'AddBlock ', 'constructor', '__proto__', 'toString']) {
    t.same(document.when(lead.orders({ type })).fate, { code: 'command_unknown', command: 0 }, JSON.stringify(type))
  }
})

t.test('a command has its form, with nothing added', async (t) => {
  const parent = '0' as ElementId
  const malformed = [
    { type: 'AddBlock', parent, name: 'A', extra: 1 },
    { type: 'AddBlock', parent, name: 'A', list: true },
    { type: 'AddBlock', parent },
    { type: 'AddBlock', parent: '1', name: 'A' },
    { type: 'AddBlock', parent: '0.01', name: 'A' },
    { type: 'AddBlock', parent: '#01', name: 'A' },
    { type: 'AddBlock', parent, name: 'A', owner: 'Lead' },
    { type: 'AddField', parent, name: 'A' },
    { type: 'AddField', parent, name: 'A', field: { type: 'spice' } },
    { type: 'AddField', parent, name: 'A', field: { type: 'choice', options: [] } },
    { type: 'RenameElement', element: '#0', name: 'A' },
    { type: 'CastVote', field: country, proposal: 'broker.0.0.0', vote: 'maybe' },
    { type: 'CastVote', request: 'broker.0.0', vote: 'yes' },
    { type: 'ProposeValue', field: country, seal: 'x', basis: [] },
    { type: 'ProposeValue', field: country, seal: sha256(''), basis: [], exclusive: false },
    { type: 'Resign', reason: 'sold to a friend' },
    { type: 'Resign', about: 'sold to a friend' },
    { type: 'LockRecord', purpose: 'to look at it' },
    { type: 'LockRecord' },
    { type: 'CastVote', field: country, proposal: 'broker.0.0.0', vote: 'no', reason: 'too dear' },
  ]
  for (const command of malformed) {
    t.same(document.when(lead.orders(command)).fate, { code: 'command_malformed', command: 0 }, JSON.stringify(command))
  }
})

t.test('a name can stand in a path, and in a line of text', async (t) => {
  const unfit = [
    '',
    ' ',
    '.',
    '..',
    '_',
    'a/b',
    'a~b',
    '#1',
    ' a',
    'a ',
    'a\nb',
    'a\u007f',
    '\u00a0a',
    'a\u0085b',
    'a`',
    '\\',
  ]
  for (const name of unfit) {
    t.match(document.when(lead.orders({ type: 'AddBlock', parent: '0', name })).fate, { code: 'name_unfit' }, name)
  }
  for (const name of ['a', '...', '__', '_a', 'a b', 'a.b', '%41', '\u{1f4dc}']) {
    t.equal(document.when(lead.orders({ type: 'AddBlock', parent: '0', name })).fate, 'accepted', name)
  }
})

t.test('texts are measured in code points, not in what a version of a library takes for a character', async (t) => {
  const roomy = given(broker.opens({ nameCharacters: 200 }))
  const adds = (name: string) => roomy.when(broker.orders({ type: 'AddBlock', parent: '0', name })).fate
  t.equal(adds('\u{1f4dc}'.repeat(200)), 'accepted')
  t.same(adds('\u{1f4dc}'.repeat(201)), { code: 'command_malformed', command: 0 })
  t.same(adds('e\u0301'.repeat(101)), { code: 'command_malformed', command: 0 })
})

t.test('an element is named by its id however deep it is', async (t) => {
  const element = `0${'.999999999'.repeat(64)}` as ElementId
  t.match(document.when(lead.orders({ type: 'RemoveElement', element })).fate, { code: 'no_such_element' })
})

t.test('a request is decided on the document of its own contract', async (t) => {
  const elsewhere = '0'.repeat(52) as Uid
  const context = {
    contract: elsewhere,
    index: 0,
    author: 'broker' as Handle,
    request: { handle: 'broker' as Handle, seq: 0, index: 0 },
    reveal: () => undefined,
    open: () => undefined,
    computedFrom: () => new Set<Hash>(),
    rootAt: () => undefined,
  }
  const { commands } = broker.opens().write(Document.unopened())
  t.equal(decideRequest(commands, initialState(elsewhere), context).kind, 'accepted')
  const broken = { name: 'AssertionFailed', message: 'a request is decided on the document of its own contract' }
  t.throws(() => decideRequest(commands, initialState(UID), context), broken)
})
