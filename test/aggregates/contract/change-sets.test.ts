import t from 'tap'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import type { ElementId, ProposalId } from '../../../src/events/ids.ts'
import {
  asOne,
  block,
  concurrently,
  type Document,
  entry,
  field,
  given,
  list,
  openedBy,
  together,
} from '../../support/document.ts'
import { endorsement, stands } from '../../support/endorsement.ts'
import { naiveRecordHash } from '../../support/naive-record-hash.ts'
import { broker, decimal, follower, inForce, lead, typesOf } from '../../support/ruled-document.ts'
import { documentFrom, snapshotOfDocument } from '../../support/snapshots-at-once.ts'

const slip = given(
  openedBy(broker, lead, follower),
  block('Terms'),
  field('Terms/Premium', decimal),
  field('Terms/Limit', decimal),
  field('Leader', { type: 'party' }),
  block('Notes'),
  list('Lines'),
  field('Lines/0/Share', decimal),
  entry('Lines'),
  broker.proposes('Terms/Premium', '100'),
  broker.proposes('Terms/Limit', '1000'),
)
/** Both others vote on what stands in Terms and in the lines. */
const terms = ['Terms', { validation: { parties: ['lead', 'follower'] } }] as const
const live = inForce(slip, terms, ['Terms', { constraint: 'Premium <= Limit' }])

const proposed = live.when(endorsement)

t.test('a change set that holds structure waits whole, and takes effect whole with its last vote', async (t) => {
  t.equal(proposed.fate, 'accepted')
  t.match(proposed.events, [{ type: 'ChangeSetProposed', voters: ['lead', 'follower'], request: { handle: 'broker' } }])
  t.same(stands(proposed), ['100', false])
  const half = proposed.when(lead.votesOnSet(broker))
  t.same(stands(half), ['100', false])
  t.match(half.state.changeSets, [{ yes: ['lead'], voters: ['lead', 'follower'] }])
  const agreed = half.when(follower.votesOnSet(broker))
  t.same(typesOf(agreed.events).slice(0, 3), ['ChangeSetVoteCast', 'ChangeSetAgreed', 'BlockAdded'])
  t.same(stands(agreed), ['150', true])
  t.equal(agreed.agreedAt('Notes/Extension/Reason'), 'longer')
  t.same(agreed.state.changeSets, [])
})

t.test('ordinals are given out when it takes effect', async (t) => {
  const other = proposed.when(broker.addsBlock('Notes/Other'))
  const agreed = other.when(lead.votesOnSet(broker), follower.votesOnSet(broker))
  t.equal(agreed.idAt('Notes/Extension'), `${agreed.idAt('Notes')}.1`)
  const fallen = proposed.when(follower.votesOnSet(broker, 'no'), broker.addsBlock('Notes/Other'))
  t.equal(fallen.idAt('Notes/Other'), `${fallen.idAt('Notes')}.0`, 'what never was leaves no gap')
})

t.test('without a validation all of it takes effect at once', async (t) => {
  const at = slip.when(endorsement)
  t.same(stands(at), ['150', true])
  t.same(typesOf(at.events).slice(0, 2), ['ChangeSetAgreed', 'BlockAdded'])
  const elsewhere = live.when(asOne(broker.addsBlock('Notes/Other'), broker.settles('Leader', 'lead')))
  t.same([elsewhere.fate, elsewhere.agreedAt('Leader'), elsewhere.state.changeSets], ['accepted', 'lead', []])
})

t.test('elements and values only', async (t) => {
  for (const [place, act] of [broker.locks(), broker.withdrawsSet(), broker.defines('T', 'text')].entries()) {
    const set = asOne(broker.addsBlock('Notes/A'), act)
    t.same(proposed.when(set).fate, { code: 'change_set_unfit', command: 1 }, String(place))
  }
  t.match(slip.when(asOne(broker.orders({ type: 'AddSpice' }))).fate, { code: 'change_set_unfit' })
})

t.test('its voters are those of all its values, whoever it would make of them', async (t) => {
  const byLeader = inForce(
    slip.when(broker.proposes('Leader', 'lead')),
    ['Terms/Premium', { validation: { fields: ['Leader'] } }],
    ['Lines', { validation: { parties: ['follower'] } }],
  )
  const both = asOne(broker.settles('Terms/Premium', '7'), broker.proposes('Lines/1/Share', '5'))
  t.match(byLeader.when(both).events, [{ voters: ['lead', 'follower'] }])
  const itself = asOne(broker.settles('Leader', 'follower'), broker.settles('Terms/Premium', '7'))
  t.match(byLeader.when(itself).events, [{ voters: ['lead', 'follower'] }], 'the new leader does not replace the old')
  const alone = asOne(lead.settles('Terms/Premium', '7'))
  t.equal(byLeader.when(alone).agreedAt('Terms/Premium'), '7', 'who alone is asked has said so by proposing')
})

t.test('a vote is for who is asked, and stands alone; the set is withdrawn by its author', async (t) => {
  t.match(proposed.when(broker.votesOnSet(broker)).fate, { code: 'not_a_voter' })
  t.match(proposed.when(lead.votesOnSet(broker), lead.votesOnSet(broker)).fate, { code: 'already_voted' })
  t.match(proposed.when(together(lead.votesOnSet(broker), lead.addsBlock('Notes/B'))).fate, {
    code: 'command_not_alone',
  })
  t.match(proposed.when(lead.withdrawsSet(broker)).fate, { code: 'not_author', with: ['broker'] })
  const withdrawn = proposed.when(broker.withdrawsSet())
  t.match(withdrawn.events, [{ type: 'ChangeSetEnded', why: 'withdrawn' }])
  t.same([stands(withdrawn), withdrawn.state.changeSets], [['100', false], []])
  const { request } = proposed.changeSetOf(broker)
  t.match(withdrawn.when(lead.orders({ type: 'CastVote', request, vote: 'yes' })).fate, { code: 'no_such_change_set' })
})

t.test('a NO turns it down', async (t) => {
  const down = proposed.when(lead.votesOnSet(broker), follower.votesOnSet(broker, 'no'))
  t.match(down.events, [
    { type: 'ChangeSetVoteCast', vote: 'no' },
    { type: 'ChangeSetEnded', why: 'turned_down' },
  ])
  t.same([stands(down), down.state.changeSets], [['100', false], []])
})

t.test('a last YES on a stale basis: it falls whole', async (t) => {
  const overtaken = proposed.when(lead.votesOnSet(broker), asOne(lead.settles('Terms/Premium', '120')))
  const other = overtaken.when(broker.votesOnSet(lead), follower.votesOnSet(lead))
  t.equal(other.agreedAt('Terms/Premium'), '120')
  const late = other.when(follower.votesOnSet(broker))
  t.equal(late.fate, 'accepted', 'the vote itself is good')
  const reason = { code: 'field_conflict', command: 3, with: [other.proposalOf(lead, 'Terms/Premium')] }
  t.match(late.events, [{ type: 'ChangeSetVoteCast' }, { type: 'ChangeSetEnded', why: 'conflict', reason }])
  t.same([stands(late), late.state.changeSets], [['120', false], []])
})

t.test('a basis that names what does not stand yet counts for nothing', async (t) => {
  const future = Array.from({ length: 40 }, (_, seq) => `follower.${seq}.0.0` as ProposalId)
  const greedy = live.when(asOne(lead.proposes('Terms/Premium', '150', { basis: future })))
  t.match(greedy.fate, { code: 'field_conflict' }, 'the standing one is not in it')
  const seen = [live.proposalOf(broker, 'Terms/Premium'), ...future]
  const patient = live.when(asOne(lead.proposes('Terms/Premium', '150', { basis: seen })))
  t.match(patient.changeSetOf(lead).commands, [{ basis: [seen[0]] }])
  const overtaken = patient.when(
    asOne(follower.settles('Terms/Premium', '120')),
    lead.votesOnSet(follower),
    follower.votesOnSet(lead),
  )
  t.match(overtaken.events.at(-1), { type: 'ChangeSetEnded', why: 'conflict' })
})

t.test('of values agreed by its author since it has seen each', async (t) => {
  const own = live.when(endorsement, broker.settles('Terms/Limit', '2000'))
  t.equal(own.state.changeSets.length, 1, 'another field takes nothing from it')
})

t.test('a value in conflict makes it void when it is proposed', async (t) => {
  const raced = live.when(asOne(lead.proposes('Terms/Premium', '1')))
  t.match(raced.fate, { code: 'field_conflict', with: [live.proposalOf(broker, 'Terms/Premium')] })
})

t.test('another word of its author displaces it, and one that has seen it and is agreed', async (t) => {
  const plain = proposed.when(broker.settles('Terms/Premium', '160'))
  t.match(plain.events, [
    { type: 'ChangeSetEnded', why: 'replaced' },
    { type: 'ValueProposed' },
    { type: 'VotersNamed' },
  ])
  const again = proposed.when(asOne(broker.settles('Terms/Premium', '170')))
  t.same(typesOf(again.events), ['ChangeSetEnded', 'ChangeSetProposed'])
  const candidate = live.when(broker.settles('Terms/Premium', '160'), endorsement)
  t.match(candidate.events, [{ type: 'CandidateEnded', why: 'replaced' }, { type: 'ChangeSetProposed' }])
  t.same(candidate.candidatesAt('Terms/Premium'), [])

  const { request } = proposed.changeSetOf(broker)
  const waiting = `broker.${request.seq}.0.3` as ProposalId
  const basis = [proposed.proposalOf(broker, 'Terms/Premium'), waiting]
  const seen = proposed.when(asOne(lead.proposes('Terms/Premium', '120', { basis })))
  t.equal(seen.state.changeSets.length, 2, 'nothing is displaced before the last YES')
  const agreed = seen.when(broker.votesOnSet(lead), follower.votesOnSet(lead))
  t.match(agreed.events.at(-1), { type: 'ChangeSetEnded', request, why: 'replaced' })
  t.same([stands(agreed), agreed.state.changeSets], [['120', false], []])
})

t.test('two that displace each other: the first to have its votes takes effect, the other falls', async (t) => {
  const { request } = proposed.changeSetOf(broker)
  const basis = [proposed.proposalOf(broker, 'Terms/Premium'), `broker.${request.seq}.0.3` as ProposalId]
  const both = proposed.when(asOne(lead.proposes('Terms/Premium', '120', { basis })))
  const first = both.when(lead.votesOnSet(broker), follower.votesOnSet(broker))
  t.same(stands(first), ['150', true])
  const second = first.when(broker.votesOnSet(lead), follower.votesOnSet(lead))
  t.same(stands(second), ['120', true], 'it had seen the value that is agreed by now')
})

t.test('an element that it names is removed: it falls with that', async (t) => {
  const removed = proposed.when(broker.removes('Notes'))
  t.match(removed.events, [{ type: 'ElementRemoved' }, { type: 'ChangeSetEnded', why: 'removed' }])
  const elsewhere = proposed.when(broker.addsBlock('Other'), broker.removes('Other'))
  t.equal(elsewhere.state.changeSets.length, 1)
  const line = inForce(slip, ['Lines', { validation: { parties: ['lead'] } }]).when(
    asOne(broker.proposes('Lines/1/Share', '5')),
    broker.removes('Lines/1'),
  )
  t.match(line.events, [{ type: 'ElementRemoved' }, { type: 'ChangeSetEnded', why: 'removed' }])
})

t.test('what it would remove itself it may name', async (t) => {
  const set = asOne(broker.removes('Notes'), broker.settles('Terms/Premium', '150'))
  const agreed = live.when(set, lead.votesOnSet(broker), follower.votesOnSet(broker))
  t.same([agreed.at('Notes'), agreed.agreedAt('Terms/Premium')], [undefined, '150'])
})

t.test('a name that is taken meanwhile: it falls whole, and says by which command', async (t) => {
  const taken = proposed.when(lead.addsBlock('Notes/Extension'), lead.votesOnSet(broker), follower.votesOnSet(broker))
  const reason = { code: 'name_taken', command: 0 }
  t.match(taken.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason })
  t.same(taken.agreedAt('Terms/Premium'), '100')
})

t.test('rules judge it when it is proposed, and at its last YES', async (t) => {
  t.match(live.when(asOne(broker.settles('Terms/Premium', '1001'))).fate, { code: 'rule_broken', with: ['2', '0.0'] })
  const lowered = inForce(
    slip,
    ['Terms/Premium', { validation: { parties: ['lead'] } }],
    ['Terms', { constraint: 'Premium <= Limit' }],
  ).when(endorsement, follower.settles('Terms/Limit', '120'), lead.votesOnSet(broker))
  t.match(lowered.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'rule_broken' } })
  t.same(stands(lowered), ['100', false])
})

t.test('access is its author’s when it is proposed', async (t) => {
  const guarded = inForce(
    slip.when(broker.proposes('Leader', 'broker')),
    ['Terms/Premium', { validation: { parties: ['lead'] } }],
    ['Terms', { access: ['propose'], who: { fields: ['Leader'] } }],
    ['Terms', { access: ['vote'], who: { parties: ['lead'] } }],
  )
  t.match(guarded.when(asOne(lead.settles('Terms/Premium', '7'))).fate, { code: 'access_denied' })
  const moved = guarded.when(endorsement, broker.settles('Leader', 'lead'), lead.votesOnSet(broker))
  t.same(stands(moved), ['150', true], 'it was let in then')
})

t.test('who may not vote on one of its values has no vote on it', async (t) => {
  const guarded = inForce(slip, terms, ['Terms', { access: ['vote'], who: { parties: ['lead'] } }]).when(endorsement)
  t.match(guarded.when(follower.votesOnSet(broker)).fate, { code: 'access_denied' })
  t.equal(guarded.when(lead.votesOnSet(broker)).fate, 'accepted')
})

t.test('a block of its fields is switched off: it falls; what it switches on itself it may fill', async (t) => {
  const switched = inForce(
    slip.when(broker.addsField('Country')),
    ['Terms', { validation: { parties: ['lead'] } }],
    ['', { trigger: 'Country = "Mexico"', deactivates: { blocks: ['Terms'] } }],
  )
  const off = switched.when(endorsement, lead.proposes('Country', 'Mexico'))
  t.same(typesOf(off.events).slice(-2), ['BlockSwitched', 'ChangeSetEnded'])
  t.match(off.events.at(-1), { why: 'inactive' })
  t.match(off.when(asOne(broker.settles('Terms/Premium', '7'))).fate, { code: 'element_inactive' })
  const on = off.when(asOne(broker.settles('Country', 'Chile'), broker.settles('Terms/Premium', '7')))
  t.match(on.events, [{ type: 'ChangeSetProposed' }])
  t.equal(on.when(lead.votesOnSet(broker)).agreedAt('Terms/Premium'), '7')
})

t.test('a field that a rule assigns at its last YES: it falls whole', async (t) => {
  const assigned = inForce(slip.when(broker.addsField('Rate', decimal)), [
    'Terms',
    { validation: { parties: ['lead'] } },
  ])
  const open = assigned.when(endorsement, ...[broker, lead, follower].map((party) => party.reopens()))
  t.equal(open.state.phase, 'edit')
  t.equal(open.state.changeSets.length, 1, 'reopening takes nothing away')
  const ruled = inForceAgain(open)
  t.equal(ruled.state.changeSets.length, 1, 'nor does a publication')
  const late = ruled.when(lead.votesOnSet(broker))
  t.match(late.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'field_assigned' } })

  function inForceAgain(document: Document): Document {
    const drafted = document.when(broker.drafts('', { assign: '_.Rate', to: 'Terms/Premium' }, 1))
    const all = [broker, lead, follower].flatMap((party) => [1, 2].map((rule) => party.votesOnRule(rule)))
    return drafted.when(...all, broker.publishes(1))
  }
})

t.test('reopened, it takes effect with its last YES, and not before', async (t) => {
  const open = proposed.when(lead.votesOnSet(broker), ...[broker, lead, follower].map((party) => party.reopens()))
  t.same([open.state.phase, stands(open)], ['edit', ['100', false]])
  t.same(stands(open.when(follower.votesOnSet(broker))), ['150', true])
})

t.test('the record lock keeps votes out, and a vote of its holder lets it in', async (t) => {
  const locked = proposed.when(lead.votesOnSet(broker), follower.locks())
  t.same(stands(locked.when(follower.votesOnSet(broker))), ['150', true])
  t.match(proposed.when(follower.locks(), lead.votesOnSet(broker)).fate, { code: 'record_locked' })
})

t.test('below a list’s prototype it changes all entries, those that came meanwhile too', async (t) => {
  const set = asOne(broker.addsField('Lines/0/Signed', decimal), broker.settles('Terms/Premium', '150'))
  const agreed = live.when(set, broker.addsEntry('Lines'), lead.votesOnSet(broker), follower.votesOnSet(broker))
  t.ok(agreed.at('Lines/1/Signed') && agreed.at('Lines/2/Signed'))
  const id = `${live.idAt('Lines/1')}.1` as ElementId
  const sealed = broker.proposes('Lines/1/Share', '9').write(live)
  const named = live.when({
    author: broker.handle,
    write: (document) => {
      const { commands, values } = together(
        broker.addsField('Lines/0/Signed', decimal),
        broker.settles('Terms/Premium', '150'),
      ).write(document)
      const value = { ...sealed.commands[0], field: id } as (typeof commands)[number]
      return { commands: [...commands, value], values: new Map([...values, ...sealed.values]), isChangeSet: true }
    },
  })
  t.equal(named.fate, 'accepted', 'an entry’s new field is named by the ordinals that it will have')
  const kept = named.when(broker.addsBlock('Other'), broker.removes('Other'))
  t.equal(kept.state.changeSets.length, 1, 'what is not there yet is not removed')
  t.equal(kept.when(lead.votesOnSet(broker), follower.votesOnSet(broker)).agreedAt('Lines/1/Signed'), '9')
})

t.test('keys of a list are compared at both times', async (t) => {
  const keyed = inForce(
    slip.when(
      broker.addsList('Layers', { key: { name: 'No', field: { type: 'text' } } }),
      broker.addsEntry('Layers'),
      broker.addsEntry('Layers'),
    ),
    ['Layers', { validation: { parties: ['lead'] } }],
  )
  const twice = asOne(broker.proposes('Layers/1/No', 'a'), broker.proposes('Layers/2/No', 'a'))
  t.match(keyed.when(twice).fate, { code: 'key_taken' })
  const late = keyed.when(
    asOne(broker.proposes('Layers/1/No', 'a')),
    follower.proposes('Layers/2/No', 'a'),
    lead.votes('yes', 'Layers/2/No', follower),
    lead.votesOnSet(broker),
  )
  t.match(late.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'key_taken' } })
})

t.test('a confidential value waits, and takes effect, unopened; with another audience by then it falls', async (t) => {
  const owned = slip.when(
    broker.addsBlock('Fees', { owner: broker.handle }),
    broker.addsField('Fees/Own', decimal),
    broker.setsAudience('Fees', [broker, lead]),
  )
  const rules = inForce(owned, ['Fees', { validation: { parties: ['lead'] } }])
  const set = asOne(broker.confides('Fees/Own', '5'), broker.addsBlock('Notes/Fees'))
  const waits = rules.when(set)
  t.match(waits.events, [{ type: 'ChangeSetProposed', voters: ['lead'] }])
  t.match(waits.when(lead.votesOnSet(broker)).fieldAt('Fees/Own').agreed, { audience: ['broker', 'lead'] })
  const open = waits.when(...[broker, lead, follower].map((party) => party.reopens()))
  const moved = open.when(broker.setsAudience('Fees', [broker, lead, follower]), lead.votesOnSet(broker))
  t.match(moved.events.at(-1), { type: 'ChangeSetEnded', why: 'unfit', reason: { code: 'audience_changed' } })
  t.equal(moved.at('Notes/Fees'), undefined)
})

t.test('of one party only so much waits', async (t) => {
  let document = inForce(
    given(openedBy(broker, lead), ...Array.from({ length: 10 }, (_, place) => field(`F${place}`))),
    ['', { validation: { parties: ['lead'] } }],
  )
  for (let place = 0; place < 8; place++) document = document.when(asOne(broker.proposes(`F${place}`, 'x')))
  t.equal(document.fate, 'accepted')
  t.match(document.when(asOne(broker.proposes('F8', 'x'))).fate, { code: 'limit_exceeded', with: ['changeSets'] })
  t.equal(document.when(asOne(broker.proposes('F7', 'y'))).fate, 'accepted', 'what it displaces makes room')
  const adds = Array.from({ length: 512 }, (_, place) =>
    broker.addsField(`B${place}`, { type: 'choice', options: ['a'.repeat(200), 'b'] }),
  )
  const long = live.when(asOne(broker.settles('Terms/Premium', '150'), ...adds))
  t.match(long.fate, { code: 'limit_exceeded', with: ['changeSetBytes'] })
})

t.test('the outcome does not depend on who votes first, and a snapshot has what waits', async (t) => {
  const one = proposed.when(concurrently(lead.votesOnSet(broker), follower.votesOnSet(broker)))
  t.same(stands(one), ['150', true])
  const other = proposed.when(concurrently(follower.votesOnSet(broker), lead.votesOnSet(broker)))
  t.same(stands(other), ['150', true])
  const { state } = proposed
  const loaded = documentFrom(JSON.parse(JSON.stringify(snapshotOfDocument(state))))
  t.equal(recordHash(loaded), proposed.record)
  for (const each of [proposed, proposed.when(lead.votesOnSet(broker)), one])
    t.equal(each.record, naiveRecordHash(each.state))
  t.not(proposed.record, live.record)
  t.not(proposed.when(lead.votesOnSet(broker)).record, proposed.when(follower.votesOnSet(broker)).record)
})
