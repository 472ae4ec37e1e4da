import fc from 'fast-check'
import t from 'tap'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { audienceAt } from '../../../src/aggregates/contract/values/effective-audience.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import { asOne, block, type Document, field, given, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'
import { documentFrom, snapshotOfDocument } from '../../support/snapshots-at-once.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const other = new Party('other')
const start = given(
  openedBy(broker, lead, other),
  broker.addsBlock('Terms', { owner: broker.handle }),
  broker.addsField('Terms/Fee', { type: 'integer' }),
  broker.addsBlock('Terms/Inner'),
  broker.addsField('Terms/Inner/Net', { type: 'integer' }),
)
const confidential = start.when(broker.setsAudience('Terms', [broker, lead]))
const agreed = (document: Document, path: string) => (document.at(path) as Field).agreed
const effective = (document: Document, path: string) => audienceAt(document.state, document.idAt(path))

t.test('the audience of an element is what all on the way to it have in common', async (t) => {
  const inner = confidential.when(broker.setsAudience('Terms/Inner', [broker, other], '2027-06-01T00:00:00.000Z'))
  t.equal(effective(inner, ''), undefined)
  t.same(effective(inner, 'Terms/Fee'), { parties: ['broker', 'lead'], until: undefined })
  t.same(effective(inner, 'Terms/Inner/Net'), { parties: ['broker'], until: '2027-06-01T00:00:00.000Z' })
  const lifted = inner.when(broker.setsAudience('Terms', null))
  t.equal(effective(lifted, 'Terms/Fee'), undefined)
  t.same(effective(lifted, 'Terms/Inner/Net')?.parties, ['broker', 'other'])
  t.same(inner.when(broker.removes('Terms/Inner')).state.audiences.length, 1, 'it goes with its block')
})

t.test('it stands in the record hash, and in what a snapshot keeps', async (t) => {
  t.not(confidential.record, start.record)
  t.not(confidential.record, start.when(broker.setsAudience('Terms', [broker, other])).record)
  const value = confidential.when(lead.confides('Terms/Fee', 5))
  t.equal(recordHash(documentFrom(JSON.parse(JSON.stringify(snapshotOfDocument(value.state))))), value.record)
})

t.test('only the owner of a block or a list sets it, and never one that puts an owner out', async (t) => {
  const fateOf = (document: Document) => document.fate
  const shared = start.when(block('Shared'))
  t.match(fateOf(shared.when(broker.setsAudience('Shared', [broker]))), { code: 'not_owner' })
  t.match(fateOf(start.when(lead.setsAudience('Terms', [lead]))), { code: 'not_owner', with: ['broker'] })
  t.match(fateOf(start.when(broker.setsAudience('Terms/Fee', [broker]))), { code: 'not_a_block' })
  const stranger = new Party('stranger')
  t.match(fateOf(start.when(broker.setsAudience('Terms', [broker, stranger]))), { code: 'audience_unfit' })
  const invited = start.when(broker.invites(stranger))
  t.equal(fateOf(invited.when(broker.setsAudience('Terms', [broker, stranger]))), 'accepted')
  const granted = start.when(broker.grants('Terms/Inner', lead))
  t.match(fateOf(granted.when(broker.setsAudience('Terms', [broker, other]))), {
    code: 'owner_outside',
    with: ['lead'],
  })
  t.equal(fateOf(granted.when(broker.setsAudience('Terms', [broker, lead]))), 'accepted')
  t.match(fateOf(confidential.when(broker.grants('Terms/Inner', other))), { code: 'owner_outside', with: ['other'] })
  const open = confidential.when(broker.addsBlock('Terms/Open', { owner: null }))
  const place = other.addsBlock('Terms/Open/Mine', { owner: other.handle })
  t.match(fateOf(open.when(place)), { code: 'owner_outside', with: ['other'] })
})

t.test('a block is confidential from its first value on where one request adds and closes it', async (t) => {
  const document = start.when(
    together(
      broker.addsBlock('Secret', { owner: broker.handle }),
      broker.orders({ type: 'SetAudience', element: '#0', parties: [broker.handle] }),
      broker.orders({ type: 'AddField', parent: '#0', name: 'Fee', field: { type: 'integer' } }),
      broker.proposes('#2', 7, { audience: [broker.handle] }),
    ),
  )
  t.equal(document.fate, 'accepted')
  t.same(agreed(document, 'Secret/Fee')?.audience, ['broker'])
})

t.test('a value names the audience that its author meant: another one that holds by then makes it void', async (t) => {
  const raced = start.when(broker.setsAudience('Terms', [broker, other]), lead.proposes('Terms/Fee', 5))
  t.match(raced.fate, { code: 'outside_audience' })
  const meant = { audience: [broker.handle, lead.handle] }
  t.match(raced.when(broker.proposes('Terms/Fee', 5, meant)).fate, {
    code: 'audience_changed',
    with: ['broker', 'other'],
  })
  t.match(start.when(broker.proposes('Terms/Fee', 5, meant)).fate, { code: 'audience_changed' })
  t.match(confidential.when(broker.proposes('Terms/Fee', 5)).fate, { code: 'audience_changed' })
  const document = confidential.when(lead.proposes('Terms/Fee', 5, { audience: [lead.handle, broker.handle] }))
  t.equal(document.fate, 'accepted', 'in whatever order')
  t.same(agreed(document, 'Terms/Fee')?.audience, ['broker', 'lead'])
  t.match(document.when(other.empties('Terms/Fee')).fate, { code: 'outside_audience' })
  t.equal(agreed(document.when(lead.empties('Terms/Fee')), 'Terms/Fee'), null)
})

t.test('the ledger opens no confidential value: whatever is under its seal, the outcome is the same', async (t) => {
  const document = confidential.when(lead.confides('Terms/Fee', 'no integer'))
  t.equal(document.fate, 'accepted')
  t.match(document.when(lead.reveals('Terms/Fee', 'no integer')).fate, { code: 'value_wrong_type' })
  t.match(document.when(lead.reveals('Terms/Fee', 5)).fate, { code: 'seal_unfit' })
})

t.test('a list whose entries have a key is nowhere confidential', async (t) => {
  const key = { name: 'Insurer', field: { type: 'party' } as const }
  const keyed = start.when(broker.addsList('Terms/Inner/Lines', { key }))
  t.match(keyed.when(broker.setsAudience('Terms', [broker])).fate, { code: 'key_confidential' })
  t.match(keyed.when(broker.setsAudience('Terms/Inner/Lines', [broker])).fate, { code: 'key_confidential' })
  t.match(confidential.when(broker.addsList('Terms/Lines', { key })).fate, { code: 'key_confidential' })
  const plain = confidential.when(
    broker.addsList('Terms/Lines'),
    broker.addsField('Terms/Lines/0/Share'),
    broker.setsAudience('Terms/Lines/0', [broker]),
    broker.addsEntry('Terms/Lines'),
    broker.confides('Terms/Lines/1/Share', '5'),
  )
  t.equal(plain.fate, 'accepted')
  t.same(effective(plain, 'Terms/Lines/1/Share')?.parties, ['broker'], 'what a prototype has, all entries have')
  t.match(plain.when(broker.setsAudience('Terms/Lines/1', [broker])).fate, { code: 'entry_fixed' })
})

/** Rules about a confidential block, in force. */
function ruled(...rules: Parameters<Party['drafts']>[1][]): Document {
  return confidential.when(
    field('Total', { type: 'integer' }),
    broker.addsRuleSet('Rules'),
    ...rules.map((rule) => broker.drafts('', rule)),
    ...rules.flatMap((_, place) => [lead.votesOnRule(place + 1), other.votesOnRule(place + 1)]),
    broker.publishes(1),
  )
}

t.test('to rules a confidential value is null, until it is revealed', async (t) => {
  const limited = ruled({ constraint: 'Terms.Fee < 10' })
  t.equal(limited.fate, 'accepted')
  const above = limited.when(lead.confides('Terms/Fee', 50))
  t.equal(above.fate, 'accepted')
  t.match(above.when(lead.reveals('Terms/Fee', 50)).fate, { code: 'rule_broken' })

  const computed = ruled({ assign: 'Terms.Fee + 1', to: 'Total' })
  const given = computed.when(lead.confides('Terms/Fee', 5))
  t.equal(given.agreedAt('Total'), undefined)
  const revealed = given.when(lead.reveals('Terms/Fee', 5))
  t.equal(revealed.fate, 'accepted')
  t.equal(revealed.agreedAt('Total'), 6)
  t.same(agreed(revealed, 'Terms/Fee')?.audience, undefined)
  t.match(revealed.when(lead.reveals('Terms/Fee', 5)).fate, { code: 'not_confidential' })
})

t.test('a value is revealed by its author or by whom the field belongs to', async (t) => {
  const document = confidential.when(lead.confides('Terms/Fee', 5))
  t.match(document.when(other.reveals('Terms/Fee', 5, lead)).fate, { code: 'not_author' })
  t.equal(document.when(broker.reveals('Terms/Fee', 5, lead)).fate, 'accepted')
  const candidate = document.when(broker.confides('Terms/Fee', 6))
  t.equal(candidate.when(broker.reveals('Terms/Fee', 6)).candidatesAt('Terms/Fee').length, 1, 'a candidate, too')
})

t.test('nothing is computed into a confidential field', async (t) => {
  const drafted = confidential.when(broker.addsRuleSet('Rules'), broker.drafts('', { assign: '1', to: 'Terms/Fee' }))
  t.match(drafted.fate, { code: 'rule_unfit', with: ['target_confidential'] })
  const closedLater = start.when(
    broker.addsRuleSet('Rules'),
    broker.drafts('', { assign: '1', to: 'Terms/Fee' }),
    lead.votesOnRule(1),
    other.votesOnRule(1),
    broker.setsAudience('Terms', [broker]),
    broker.publishes(1),
  )
  t.match(closedLater.fate, { code: 'rule_unfit' })
})

t.test('what a rule in force names or governs keeps its audience', async (t) => {
  const live = ruled({ constraint: 'Terms.Fee < 10' })
  t.match(live.when(broker.setsAudience('Terms', [broker])).fate, { code: 'rule_governed' })
})

t.test('whom a rule asks to vote is in the audience, and what voters say is for it', async (t) => {
  const asking = (parties: string[]) =>
    confidential.when(
      broker.addsRuleSet('Rules'),
      broker.drafts('Terms', { validation: { parties } }),
      lead.votesOnRule(1),
      other.votesOnRule(1),
      broker.publishes(1),
    )
  t.match(asking(['lead', 'other']).when(broker.confides('Terms/Fee', 5)).fate, {
    code: 'voter_outside',
    with: ['other'],
  })
  const open = asking(['lead']).when(broker.confides('Terms/Fee', 5))
  t.equal(open.fate, 'accepted')
  const about = agreed(start, 'Terms/Fee')?.seal ?? ('ab'.repeat(32) as Hash)
  t.match(open.when(lead.votes('yes', 'Terms/Fee', broker, about)).fate, { code: 'audience_changed' })
  t.equal(open.when(lead.votes('yes', 'Terms/Fee', broker)).fate, 'accepted')
})

t.test(
  'that a field is empty is no secret: whoever is asked votes on it, and who is outside empties nothing',
  async (t) => {
    const valued = confidential.when(broker.confides('Terms/Fee', 5))
    t.match(valued.when(other.empties('Terms/Fee')).fate, { code: 'outside_audience' })
    const emptied = valued.when(lead.empties('Terms/Fee'))
    t.equal(agreed(emptied, 'Terms/Fee'), null)
    t.match(emptied.events, [{ type: 'ValueProposed', by: 'lead', seal: null, audience: undefined }])
    t.equal(emptied.when(broker.confides('Terms/Fee', 6)).fate, 'accepted')

    const live = valued.when(
      broker.addsRuleSet('Rules'),
      broker.drafts('Terms', { validation: { parties: ['other'] } }),
      lead.votesOnRule(1),
      other.votesOnRule(1),
      broker.publishes(1),
    )
    t.match(live.when(broker.confides('Terms/Fee', 6)).fate, { code: 'voter_outside' }, 'given: it may see no value')
    for (const asked of [live.when(lead.empties('Terms/Fee')), live.when(asOne(lead.empties('Terms/Fee')))]) {
      t.equal(asked.fate, 'accepted')
      t.equal(agreed(asked, 'Terms/Fee')?.by, 'broker', 'it waits')
      const vote = asked.state.changeSets.length > 0 ? other.votesOnSet(lead) : other.votes('yes', 'Terms/Fee', lead)
      t.equal(agreed(asked.when(vote), 'Terms/Fee'), null)
    }
    const gone = live.when(
      asOne(lead.empties('Terms/Fee')),
      ...[broker, lead, other].map((party) => party.reopens()),
      broker.setsAudience('Terms', [broker]),
      other.votesOnSet(lead),
    )
    t.match(gone.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'outside_audience' } })
    t.equal(agreed(gone, 'Terms/Fee')?.by, 'broker')
  },
)

t.test(
  'a change set asks nobody who is outside, and takes effect for the audience that its author meant',
  async (t) => {
    const asking = (parties: string[]) =>
      confidential.when(
        broker.addsField('Leader'),
        broker.addsRuleSet('Rules'),
        broker.drafts('', { validation: { parties } }),
        lead.votesOnRule(1),
        other.votesOnRule(1),
        broker.publishes(1),
      )
    const set = asOne(broker.settles('Leader', 'lead'), broker.confides('Terms/Fee', 5))
    t.match(asking(['other']).when(set).fate, { code: 'voter_outside', with: ['other'] })
    const open = asking(['lead']).when(set)
    t.equal(agreed(open, 'Terms/Fee'), null)
    const about = 'ab'.repeat(32) as Hash
    t.match(open.when(lead.votesOnSet(broker, 'yes', { about })).fate, { code: 'audience_changed' })
    const whole = open.when(lead.votesOnSet(broker, 'yes', { about, audience: [broker.handle, lead.handle] }))
    t.same(agreed(whole, 'Terms/Fee')?.audience, ['broker', 'lead'])
  },
)

t.test('what becomes of a document tells nothing of its confidential values', async (t) => {
  const live = ruled({ constraint: 'Terms.Fee < 10' }, { assign: 'if Terms.Fee = null then 1 else 2', to: 'Total' })
  const json = fc.oneof(fc.integer(), fc.string(), fc.constant({ amount: '1', currency: 'EUR' }), fc.boolean())
  fc.assert(
    fc.property(json, json, (one, theOther) => {
      const [left, right] = [one, theOther].map((value) => live.when(lead.confides('Terms/Fee', value)))
      t.same(withoutSeals(left as Document), withoutSeals(right as Document))
    }),
    { numRuns: 30 },
  )
})

/** All of its last entry but the seal of the value. */
function withoutSeals({ entries }: Document): unknown {
  return JSON.parse(JSON.stringify(entries.at(-1)).replace(/"seal":"[0-9a-f]+"/g, '"seal":"…"'))
}
