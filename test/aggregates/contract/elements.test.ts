import t from 'tap'
import type { ElementId } from '../../../src/events/ids.ts'
import { block, concurrently, entry, field, given, list, openedBy, together } from '../../support/document.ts'
import { Party } from '../../support/document-party.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const both = openedBy(broker, lead)

t.test('blocks and fields stand under the block that they were added to, in that order', async (t) => {
  const document = given(both, block('Claimant'), block('Claimant/Address'), field('Claimant/Name')).when(
    lead.addsField('Claimant/Address/Country', { type: 'choice', options: ['Mexico', 'Chile'] }),
  )
  t.equal(document.fate, 'accepted')
  t.same(document.namesIn(''), ['Claimant'])
  t.same(document.namesIn('Claimant'), ['Address', 'Name'])
  t.same(document.fieldAt('Claimant/Address/Country'), {
    kind: 'field',
    id: '0.0.0.0',
    name: 'Country',
    namedBy: 'lead.0.0',
    owner: null,
    field: { type: 'choice', options: ['Mexico', 'Chile'] },
    agreed: null,
    candidates: [],
  })
})

t.test('of two that add one name at once, the second is told whose request took it', async (t) => {
  const document = given(both).when(concurrently(lead.addsField('Country'), broker.addsField('Country')))
  t.same(document.fates, ['accepted', { code: 'name_taken', command: 0, with: ['0.0', 'lead.0.0'] }])
  t.same(document.namesIn(''), ['Country'])
})

t.test('of two that rename to one name at once, the second is told whose request took it', async (t) => {
  const document = given(both, field('Country'), field('State')).when(
    concurrently(lead.renames('Country', 'Region'), broker.renames('State', 'Region')),
  )
  t.same(document.fates, ['accepted', { code: 'name_taken', command: 0, with: ['0.0', 'lead.0.0'] }])
  t.same(document.namesIn(''), ['Region', 'State'])
})

t.test('a name is unique in its block only, and spelt exactly', async (t) => {
  const document = given(both, block('A'), block('B'), field('A/Name')).when(
    lead.addsField('B/Name'),
    lead.addsField('A/name'),
    lead.addsField('A/toString'),
    lead.addsField('A/__proto__'),
    lead.addsField('A/Nom é'),
  )
  t.same(new Set(document.fates), new Set(['accepted']))
  t.same(document.namesIn('A'), ['Name', 'name', 'toString', '__proto__', 'Nom é'])
})

t.test('of two whose names can be taken for each other, the second is told whose request took it', async (t) => {
  const document = given(both).when(concurrently(lead.addsField('Country'), broker.addsBlock('C\u043euntry')))
  t.same(document.fates, ['accepted', { code: 'name_confusable', command: 0, with: ['0.0', 'lead.0.0'] }])
  t.same(document.namesIn(''), ['Country'])
  const renamed = given(both, field('Country'), field('State')).when(lead.renames('State', 'C\u043euntry'))
  t.same(renamed.fate, { code: 'name_confusable', command: 0, with: ['0.0', 'broker.3.0'] })
})

t.test('a name that can be taken for one can be given where that one does not stand, or not any more', async (t) => {
  const document = given(both, block('A'), field('A/Country'), field('City'), field('State')).when(
    lead.addsField('C\u043euntry'),
    lead.renames('City', 'Town'),
    lead.addsField('\u0421ity'),
    lead.removes('State'),
    lead.addsField('St\u0430te'),
  )
  t.same(new Set(document.fates), new Set(['accepted']))
})

t.test('a name is mended though it can be taken for itself, and not given anew', async (t) => {
  const document = given(both, field('0ffer'))
  t.equal(document.when(lead.renames('0ffer', 'Offer')).fate, 'accepted')
  t.same(document.when(lead.renames('0ffer', 'Offer'), lead.addsField('0ffer')).fates.at(-1), {
    code: 'name_confusable',
    command: 0,
    with: ['0.0', 'lead.0.0'],
  })
  t.match(document.when(lead.renames('0ffer', '0ffer')).fate, { code: 'name_taken' })
})

t.test('the options of a choice are texts that can be told from each other', async (t) => {
  const fate = (...options: string[]) => given(both).when(lead.addsField('Port', { type: 'choice', options })).fate
  t.equal(fate('Oslo', 'Århus', 'São Paulo'), 'accepted')
  t.same(fate('Oslo', 'A\u030arhus'), { code: 'option_unfit', command: 0, with: ['1'] })
  t.same(fate('Oslo', 'Bergen', 'Oslo'), { code: 'option_confusable', command: 0, with: ['0', '2'] })
  t.same(fate('Oslo', 'Bergen', 'B\u0435rgen'), { code: 'option_confusable', command: 0, with: ['1', '2'] })
})

t.test('a name that was given up can be given again; an ordinal never', async (t) => {
  const document = given(both, field('Country'), field('City')).when(
    lead.removes('Country'),
    lead.addsField('Country'),
    lead.renames('City', 'Town'),
    lead.addsBlock('City'),
  )
  t.same(new Set(document.fates), new Set(['accepted']))
  t.same(
    ['Town', 'Country', 'City'].map((name) => document.idAt(name)),
    ['0.1', '0.2', '0.3'],
  )
  t.same(document.namesIn(''), ['Town', 'Country', 'City'])
})

t.test('what was removed is not there any more, nor what stood under it', async (t) => {
  const before = given(both, block('Claimant'), block('Claimant/Address'), field('Claimant/Address/Country'))
  const document = before.when(
    concurrently(
      lead.removes('Claimant'),
      lead.removes('Claimant'),
      lead.renames('Claimant/Address', 'Place'),
      lead.addsField('Claimant/Address/City'),
      lead.proposes('Claimant/Address/Country', 'Mexico'),
      lead.grants('Claimant', null),
    ),
  )
  t.same(document.fates, [
    'accepted',
    { code: 'no_such_element', command: 0, with: ['0.0'] },
    { code: 'no_such_element', command: 0, with: ['0.0.0'] },
    { code: 'no_such_element', command: 0, with: ['0.0.0'] },
    { code: 'no_such_element', command: 0, with: ['0.0.0.0'] },
    { code: 'no_such_element', command: 0, with: ['0.0'] },
  ])
  t.same(document.namesIn(''), [])
})

t.test('a field has no children, and a child that never was is not there', async (t) => {
  const document = given(both, field('Country'))
  t.same(document.when(lead.addsField('Country/Name')).fate, { code: 'not_a_block', command: 0, with: ['0.0'] })
  const ids = ['0.1', '0.0.0', '0.7.7', '0.999999999'] as ElementId[]
  for (const element of ids) {
    t.same(document.when(lead.orders({ type: 'RemoveElement', element })).fate, {
      code: 'no_such_element',
      command: 0,
      with: [element],
    })
  }
})

t.test('the children of a block are shown in the order that they were arranged in', async (t) => {
  const document = given(both, block('A'), field('A/X'), field('A/Y'), field('A/Z')).when(lead.arranges('A', [2, 0, 1]))
  t.same(document.namesIn('A'), ['Z', 'X', 'Y'])
  t.same(document.when(lead.arranges('A', [1])).namesIn('A'), ['Y', 'X', 'Z'], 'what is not named comes behind')
  t.same(document.when(lead.arranges('A', [])).namesIn('A'), ['X', 'Y', 'Z'], 'as at first')
})

t.test(
  'what is added at the same time comes behind, and what is removed is left out, whichever is first',
  async (t) => {
    const document = given(both, block('A'), field('A/X'), field('A/Y'), field('A/Z'))
    const added = lead.addsField('A/W')
    const arranged = broker.arranges('A', [2, 1, 0])
    for (const acts of [
      [added, arranged],
      [arranged, added],
    ]) {
      const after = document.when(concurrently(...acts))
      t.same(after.fates, ['accepted', 'accepted'])
      t.same(after.namesIn('A'), ['Z', 'Y', 'X', 'W'])
    }
    const removed = lead.removes('A/Y')
    const records = [
      [removed, arranged],
      [arranged, removed],
    ].map((acts) => {
      const after = document.when(concurrently(...acts))
      t.same(after.fates, ['accepted', 'accepted'])
      t.same(after.namesIn('A'), ['Z', 'X'])
      return after.record
    })
    t.equal(records[0], records[1])
  },
)

t.test('of two that arrange at once the later counts', async (t) => {
  const document = given(both, field('X'), field('Y')).when(
    concurrently(lead.arranges('', [1, 0]), broker.arranges('', [0, 1])),
  )
  t.same(document.fates, ['accepted', 'accepted'])
  t.same(document.namesIn(''), ['X', 'Y'])
})

t.test(
  'an order names children that are or were there, each once, and is changed by who changes the structure',
  async (t) => {
    const document = given(both, broker.addsBlock('A', { owner: broker.handle }), broker.addsField('A/X'))
    t.same(document.when(broker.arranges('A', [0, 0])).fate, { code: 'order_unfit', command: 0, with: ['0'] })
    t.same(document.when(broker.arranges('A', [1])).fate, { code: 'order_unfit', command: 0, with: ['1'] })
    t.same(document.when(lead.arranges('A', [0])).fate, { code: 'not_owner', command: 0, with: ['broker'] })
    t.same(document.when(lead.arranges('A/X', [0])).fate, { code: 'not_a_block', command: 0, with: ['0.0.0'] })
  },
)

t.test('the order of a prototype is that of its entries', async (t) => {
  const document = given(both, list('L'), field('L/0/X'), field('L/0/Y'), entry('L')).when(lead.arranges('L/0', [1, 0]))
  t.same(document.namesIn('L/1'), ['Y', 'X'])
  t.same(document.when(lead.arranges('L/1', [0, 1])).fate, { code: 'entry_fixed', command: 0, with: ['0.0.0'] })
  t.same(document.when(lead.arranges('L', [0])).fate, { code: 'not_a_block', command: 0, with: ['0.0'] })
})

t.test('only its owner changes the structure under a block', async (t) => {
  const document = given(both, broker.addsBlock('Terms', { owner: broker.handle }), broker.addsField('Terms/Rate'))
  const notOwner = { code: 'not_owner', command: 0, with: ['broker'] }
  t.equal(document.fieldAt('Terms/Rate').owner, 'broker', 'what is added to it is its owner’s')
  t.same(document.when(lead.addsField('Terms/Limit')).fate, notOwner)
  t.same(document.when(lead.addsBlock('Terms/Limits')).fate, notOwner)
  t.same(document.when(lead.renames('Terms/Rate', 'Price')).fate, notOwner)
  t.same(document.when(lead.removes('Terms/Rate')).fate, notOwner)
  t.equal(document.when(lead.proposes('Terms/Rate', '5')).fate, 'accepted', 'values are another matter')
  const changed = document.when(broker.renames('Terms/Rate', 'Price'), broker.removes('Terms/Price'))
  t.same(changed.fates, ['accepted', 'accepted'])
})

t.test('who may change the block that an element stands in, or owns it, renames and removes it', async (t) => {
  const document = given(
    both,
    broker.addsBlock('Terms', { owner: broker.handle }),
    broker.addsBlock('Terms/Clauses'),
    broker.grants('Terms/Clauses', lead),
  )
  t.equal(document.when(lead.removes('Terms')).fate, 'accepted', 'the root, in which it stands, is shared')
  t.equal(document.when(lead.renames('Terms/Clauses', 'Articles')).fate, 'accepted', 'it owns it')
  t.equal(document.when(lead.removes('Terms/Clauses')).fate, 'accepted')
  t.equal(document.when(lead.addsField('Terms/Clauses/First')).fate, 'accepted')
  t.same(document.when(broker.addsField('Terms/Clauses/First')).fate, { code: 'not_owner', command: 0, with: ['lead'] })
  t.equal(document.when(broker.removes('Terms/Clauses')).fate, 'accepted', 'it owns the block around it')
})

t.test('in a shared block an element is shared, or its author’s, and no one else’s', async (t) => {
  const document = given(both, block('Shared'))
  const owned = document.when(lead.addsField('Shared/Rate', { type: 'decimal' }, { owner: lead.handle }))
  t.equal(owned.fieldAt('Shared/Rate').owner, 'lead')
  t.same(document.when(lead.addsField('Shared/Rate', { type: 'decimal' }, { owner: broker.handle })).fate, {
    code: 'owner_unfit',
    command: 0,
    with: ['broker'],
  })
})

t.test('in its own block an owner can share an element', async (t) => {
  const document = given(both, broker.addsBlock('Terms', { owner: broker.handle })).when(
    broker.addsBlock('Terms/Open', { owner: null }),
    lead.addsField('Terms/Open/Remark'),
  )
  t.same(document.fates, ['accepted', 'accepted'])
  t.equal(document.fieldAt('Terms/Open/Remark').owner, null)
})

t.test('an owner grants an element, to a member or to all, and what stands under it keeps its owners', async (t) => {
  const document = given(
    both,
    broker.addsBlock('Terms', { owner: broker.handle }),
    broker.addsField('Terms/Rate'),
  ).when(broker.grants('Terms', lead))
  t.equal(document.at('Terms')?.owner, 'lead')
  t.equal(document.fieldAt('Terms/Rate').owner, 'broker')
  t.same(document.when(broker.grants('Terms', broker)).fate, { code: 'not_owner', command: 0, with: ['lead'] })
  const shared = document.when(lead.grants('Terms', null))
  t.equal(shared.at('Terms')?.owner, null)
  t.same(shared.when(lead.grants('Terms', lead)).fate, { code: 'not_owner', command: 0 }, 'what is shared stays so')
})

t.test('nothing is granted to who is no member: a stranger, an invitee, one that has resigned', async (t) => {
  const stranger = new Party('stranger')
  const invitee = new Party('invitee')
  const document = given(
    both,
    broker.addsBlock('Terms', { owner: broker.handle }),
    broker.invites(invitee),
    lead.resigns(),
  )
  for (const other of [stranger, invitee, lead]) {
    t.same(document.when(broker.grants('Terms', other)).fate, {
      code: 'owner_unfit',
      command: 0,
      with: [other.handle],
    })
  }
})

t.test('the root is neither renamed, nor removed, nor granted', async (t) => {
  const document = given(both)
  t.same(document.when(broker.renames('', 'Root')).fate, { code: 'root_fixed', command: 0 })
  t.same(document.when(broker.removes('')).fate, { code: 'root_fixed', command: 0 })
  t.same(document.when(broker.grants('', broker)).fate, { code: 'not_owner', command: 0 })
})

t.test('the tree is as deep as the contract allows, the root not counted', async (t) => {
  const document = given(broker.opens({ treeDepth: 2 }), block('A'), block('A/B'), field('A/Name'))
  const tooDeep = { code: 'limit_exceeded', command: 0, with: ['treeDepth'] }
  t.same(document.when(broker.addsBlock('A/B/C')).fate, tooDeep)
  t.same(document.when(broker.addsField('A/B/Name')).fate, tooDeep)
})

t.test('a name is as long as the contract allows, counted in code points', async (t) => {
  const document = given(broker.opens({ nameCharacters: 3 }), field('old'))
  const tooLong = { code: 'limit_exceeded', command: 0, with: ['nameCharacters'] }
  t.equal(document.when(broker.addsField('\u{1f4dc}\u{1f4dc}\u{1f4dc}')).fate, 'accepted')
  t.same(document.when(broker.addsField('four')).fate, tooLong)
  t.same(document.when(broker.addsField('x\u0301x\u0301')).fate, tooLong, 'a combining mark is a code point')
  t.same(document.when(broker.renames('old', 'four')).fate, tooLong)
})

t.test('one request builds a tree: #n is what command n of it added', async (t) => {
  const document = given(both).when(
    together(
      lead.addsBlock('Claimant'),
      lead.addsBlock('#0/Address'),
      lead.addsField('#1/Country'),
      lead.proposes('#2', 'Mexico'),
    ),
  )
  t.equal(document.fate, 'accepted')
  t.equal(document.agreedAt('Claimant/Address/Country'), 'Mexico')
})

t.test('#n of a command that adds nothing, of a later one, or of none, is no element', async (t) => {
  const document = given(both, field('Country'))
  const nothing = (command: number, ref: string) => ({ code: 'no_such_element', command, with: [ref] })
  t.same(
    document.when(together(lead.renames('Country', 'Land'), lead.addsField('#0/A'))).fate,
    nothing(1, '#0'),
    'it renamed',
  )
  t.same(document.when(together(lead.addsField('#1/A'), lead.addsBlock('B'))).fate, nothing(0, '#1'), 'it comes later')
  t.same(document.when(lead.addsField('#0/A')).fate, nothing(0, '#0'), 'it is the command itself')
  t.same(document.when(lead.proposes('#9999', '')).fate, nothing(0, '#9999'))
})
