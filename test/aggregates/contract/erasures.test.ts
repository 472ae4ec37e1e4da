import t from 'tap'
import { erasedIn, erasureId } from '../../../src/aggregates/contract/erased-values.ts'
import { type Hash, sha256 } from '../../../src/crypto/hash.ts'
import {
  asOne,
  concurrently,
  type Document,
  entry,
  field,
  given,
  list,
  openedBy,
  together,
} from '../../support/document.ts'
import {
  both,
  broker,
  claim,
  decimal,
  follower,
  inForce,
  lead,
  pounds,
  premium,
  shares,
  slip,
  tax,
  typesOf,
} from '../../support/ruled-document.ts'

const erased = ({ state }: Document) => [...erasedIn(state)]
const valued = given(both, field('Name'), field('Note')).when(
  broker.proposes('Name', 'Ada'),
  lead.proposes('Note', 'x'),
)

t.test('values are erased with the vote of the last member, and their seals stay', async (t) => {
  const seal = valued.sealAt('Name')
  const voted = valued.when(broker.erases('Name'))
  t.same([voted.fate, erased(voted)], ['accepted', []])
  t.same(voted.state.erasures.open, [{ id: erasureId([seal]), seals: [seal], votes: ['broker'] }])
  t.match(voted.when(broker.erases('Name')).fate, { code: 'already_voted' })
  const gone = voted.when(lead.erases('Name'))
  t.same(typesOf(gone.events), ['ErasureVoted', 'ValuesErased'])
  t.same([erased(gone), gone.state.erasures.open], [[seal], []])
  t.equal(gone.fieldAt('Name').agreed?.seal, seal, 'that something was agreed, and by whom, is still there')
  t.match(gone.when(lead.erases(seal)).fate, { code: 'already_erased' })
  t.equal(new Set([valued, voted, gone].map(({ record }) => record)).size, 3)
})

t.test('votes are for the same seals, in whatever order they are named', async (t) => {
  const seals = [valued.sealAt('Name'), valued.sealAt('Note')].sort()
  const backwards = lead.orders({ type: 'EraseValues', seals: seals.toReversed() })
  t.same(erased(valued.when(broker.erases(...seals), backwards)), seals)
  t.same(erased(valued.when(broker.erases(...seals), lead.erases(seals[0] as Hash))), [], 'another erasure')
  t.match(valued.when(lead.orders({ type: 'EraseValues', seals: [seals[0], seals[0]] as Hash[] })).fate, {
    code: 'command_malformed',
  })
  t.match(valued.when(lead.orders({ type: 'EraseValues', seals: [] })).fate, { code: 'command_malformed' })
  t.match(valued.when(together(lead.erases('Name'), lead.erases('Note'))).fate, { code: 'command_not_alone' })
})

t.test('one member that keeps them ends the erasure', async (t) => {
  const voted = valued.when(broker.erases('Name'))
  const id = erasureId([valued.sealAt('Name')])
  const kept = voted.when(lead.keeps(id))
  t.same(kept.state.erasures, { erased: [], newest: null, open: [] })
  t.match(kept.when(lead.keeps(id)).fate, { code: 'no_such_erasure' })
  t.same(erased(kept.when(lead.erases('Name'))), [], 'it begins anew')
})

t.test('with the values goes what rules have computed from them, also what stands no more', async (t) => {
  const live = inForce(slip, premium, tax).when(
    together(broker.proposes('Sum', pounds('1000.00')), broker.proposes('Rate', '0.05')),
  )
  const before = ['Premium', 'Tax'].map((path) => live.sealAt(path))
  const rated = live.when(broker.settles('Rate', '0.10'))
  const now = ['Premium', 'Tax'].map((path) => rated.sealAt(path))
  const sum = rated.sealAt('Sum')
  const gone = rated.when(broker.erases('Sum'), lead.erases('Sum'))
  t.same(erased(gone), [sum, ...before, ...now].sort())
  t.same(
    [gone.agreedAt('Premium'), gone.agreedAt('Tax')],
    [undefined, undefined],
    'they are emptied, as with an empty field',
  )
  const again = gone.when(broker.settles('Sum', pounds('500.00')))
  t.same([again.agreedAt('Premium'), again.agreedAt('Tax')], [pounds('50.00'), pounds('6.00')])
  const rate = rated.when(broker.erases('Rate'), lead.erases('Rate'))
  t.same(erased(rate), [rated.sealAt('Rate'), ...now].sort(), 'what came of the rate before stays')
})

t.test('what was computed while another rule was in force goes, too', async (t) => {
  const live = inForce(slip, premium).when(
    together(broker.proposes('Sum', pounds('1000.00')), broker.proposes('Rate', '0.05')),
  )
  const computed = live.sealAt('Premium')
  const edited = live.when(
    broker.reopens(),
    lead.reopens(),
    broker.edits(1, '', { assign: 'Rate * Sum * 2', to: 'Premium' }),
  )
  t.equal(edited.fate, 'accepted')
  const gone = edited.when(broker.erases('Rate'), lead.erases('Rate'))
  t.same(erased(gone), [edited.sealAt('Rate'), computed].sort())
  t.equal(gone.fieldAt('Premium').agreed?.seal, computed, 'no rule is in force: it stays, and has no value')
})

t.test('of a list the entries that go into a sum', async (t) => {
  const lines = given(both, list('Lines'), field('Lines/0/Signed', decimal), field('Total', decimal))
  const live = inForce(lines, ['', { assign: 'sum(Lines.Signed)', to: 'Total' }]).when(
    together(broker.addsEntry('Lines'), broker.proposes('#0.0', '40')),
    together(broker.addsEntry('Lines'), broker.proposes('#0.0', '60')),
  )
  t.equal(live.agreedAt('Total'), '100')
  const gone = live.when(broker.erases('Lines/1/Signed'), lead.erases('Lines/1/Signed'))
  t.equal(erased(gone).length, 3, 'with both sums')
  t.equal(gone.agreedAt('Total'), undefined, 'a list with an entry that has no value has no sum')
})

t.test(
  'rules read null; what then does not hold is flagged, since unanimous members always have a way on',
  async (t) => {
    const live = inForce(shares.when(broker.proposes('Share', '5')), ['', { constraint: 'Share != null' }])
    t.same(live.state.flags, [])
    const gone = live.when(broker.erases('Share'), lead.erases('Share'))
    t.same(gone.state.flags, [{ at: '0', rule: 1 }])
    t.equal(gone.when(broker.settles('Share', '6')).state.flags.length, 0)
    const required = inForce(shares.when(broker.proposes('Share', '5')), ['Share', { required: 'live' }])
    const reopened = required.when(broker.erases('Share'), lead.erases('Share'), broker.reopens(), lead.reopens())
    const voted = reopened.when(lead.votesOnRule(1), broker.publishes(1))
    t.match(voted.fate, { code: 'required_missing' }, 'what was erased is empty')
  },
)

t.test('a candidate whose value is erased falls; the seal cannot be proposed again', async (t) => {
  const live = inForce(claim, ['Claim', { validation: { parties: ['follower'] } }]).when(
    broker.proposes('Claim/Amount', '5'),
  )
  const [candidate] = live.fieldAt('Claim/Amount').candidates
  const seal = candidate?.seal as Hash
  const gone = live.when(broker.erases(seal), lead.erases(seal), follower.erases(seal))
  t.match(gone.events.at(-1), { type: 'CandidateEnded', why: 'erased', proposal: candidate?.id })
  t.same(gone.fieldAt('Claim/Amount').candidates, [])
  const field = gone.idAt('Claim/Amount')
  const again = lead.orders({ type: 'ProposeValue', field, seal, basis: [] })
  t.same(gone.when(again).fate, { code: 'value_taken', command: 0 })
})

t.test('a confidential value that is erased is revealed no more, by whoever still has it', async (t) => {
  const confided = given(
    openedBy(broker, lead, follower),
    broker.addsBlock('Terms', { owner: broker.handle }),
    broker.addsField('Terms/Fee', decimal),
    broker.setsAudience('Terms', [broker, lead]),
  ).when(broker.confides('Terms/Fee', '5'))
  t.equal(confided.when(broker.reveals('Terms/Fee', '5')).fate, 'accepted')
  const gone = confided.when(broker.erases('Terms/Fee'), lead.erases('Terms/Fee'), follower.erases('Terms/Fee'))
  t.same(gone.when(broker.reveals('Terms/Fee', '5')).fate, { code: 'value_taken', command: 0 })
})

t.test('a change set with such a value falls whole', async (t) => {
  const live = inForce(claim, ['Claim', { validation: { parties: ['follower'] } }])
  const proposed = live.when(asOne(broker.proposes('Claim/Amount', '5'), broker.addsField('Note')))
  const [set] = proposed.state.changeSets
  const seal = set?.commands.flatMap((command) => ('seal' in command ? [command.seal as Hash] : []))[0] as Hash
  const gone = proposed.when(broker.erases(seal), lead.erases(seal), follower.erases(seal))
  t.match(gone.events.at(-1), { type: 'ChangeSetEnded', why: 'erased' })
  t.same(gone.state.changeSets, [])
})

t.test('who resigns has no vote, and the last vote may have been its', async (t) => {
  const three = given(openedBy(broker, lead, follower), field('Name')).when(broker.proposes('Name', 'Ada'))
  const two = three.when(broker.erases('Name'), lead.erases('Name'))
  t.same(erased(two), [])
  t.same(erased(two.when(follower.resigns())), [three.sealAt('Name')])
  const own = three.when(broker.erases('Name'), broker.resigns())
  t.same([own.fate, own.state.erasures.open], ['accepted', []])
})

t.test('a newcomer is asked as well: the votes before it count no more', async (t) => {
  const voted = valued.when(broker.erases('Name'))
  const joined = voted.when(broker.invites(follower), broker.admits(follower), lead.erases('Name'))
  t.same(erased(joined), [])
  t.same(erased(joined.when(broker.erases('Name'), follower.erases('Name'))), [valued.sealAt('Name')])
})

t.test('so many at once, so many open: the state and every entry have bounds', async (t) => {
  const seals = (from: number, count: number) => Array.from({ length: count }, (_, at) => sha256(`${from + at}`))
  t.match(valued.when(lead.orders({ type: 'EraseValues', seals: seals(0, 1001) })).fate, { code: 'command_malformed' })
  const many = valued.when(...Array.from({ length: 64 }, (_, at) => lead.erases(sha256(`${at}`))))
  t.same(many.when(lead.erases(sha256('one more'))).fate, { code: 'limit_exceeded', command: 0, with: ['erasures'] })
  t.equal(many.when(broker.erases(sha256('1'))).state.erasures.open.length, 63)
})

t.test('two votes that cross are both counted', async (t) => {
  t.same(erased(valued.when(concurrently(broker.erases('Name'), lead.erases('Name')))), [valued.sealAt('Name')])
})

t.test('what is computed from the entries of a list of fields goes with one of them', async (t) => {
  const figures = given(both, list('Figures', { entry: decimal }), field('Total', decimal), entry('Figures'))
  const live = inForce(figures, ['', { assign: 'sum(Figures)', to: 'Total' }]).when(broker.proposes('Figures/1', '5'))
  const [figure, total] = [live.sealAt('Figures/1'), live.sealAt('Total')]
  const gone = live.when(broker.erases(figure), lead.erases(figure))
  t.same(erased(gone), [figure, total].sort())
  t.equal(gone.agreedAt('Total'), undefined)
})
