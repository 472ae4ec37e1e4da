import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { childrenOf, type Element, type Field, weightOf } from '../../../src/aggregates/contract/document/element.ts'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { find } from '../../../src/aggregates/contract/state.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { countHashes } from '../../support/count-hashes.ts'
import {
  type Act,
  concurrently,
  type Document,
  entry,
  field,
  given,
  list,
  openedBy,
  together,
} from '../../support/document.ts'
import { histories, play, slotsUnder } from '../../support/document-histories.ts'
import { Party } from '../../support/document-party.ts'
import { documentFrom, snapshotOfDocument } from '../../support/snapshots-at-once.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const both = openedBy(broker, lead)
const insurer = { name: 'Insurer', field: { type: 'party' } } as const

t.test('an entry has what the prototype has, with the ordinals of that below its own', async (t) => {
  const document = given(both, list('Lines', { key: insurer }), field('Lines/0/Written', { type: 'decimal' })).when(
    lead.addsEntry('Lines'),
    lead.proposes('Lines/1/Written', '12.5'),
  )
  t.same(document.fates, ['accepted', 'accepted'])
  t.same(document.namesIn('Lines'), ['1'])
  t.same(document.namesIn('Lines/1'), ['Insurer', 'Written'])
  t.match(document.at('Lines/1'), { kind: 'block', id: '0.0.1', name: '1', namedBy: 'lead.0.0', owner: null })
  t.match(document.at('Lines/1/Written'), { kind: 'field', id: '0.0.1.1', name: 'Written', field: { type: 'decimal' } })
  t.equal(document.agreedAt('Lines/1/Written'), '12.5')
  t.equal(document.agreedAt('Lines/1/Insurer'), undefined)
})

t.test(
  'what is added, renamed and removed at the prototype is so in every entry, those that are there already too',
  async (t) => {
    const document = given(both, list('Lines'), field('Lines/0/Written'), entry('Lines'), entry('Lines'))
    const changed = document.when(
      lead.proposes('Lines/2/Written', '5'),
      lead.addsBlock('Lines/0/Terms'),
      lead.addsField('Lines/0/Terms/Note'),
      lead.proposes('Lines/1/Terms/Note', 'as expiring'),
      lead.renames('Lines/0/Written', 'Share'),
    )
    t.same(new Set(changed.fates), new Set(['accepted']))
    for (const line of ['Lines/1', 'Lines/2']) t.same(changed.namesIn(line), ['Share', 'Terms'])
    t.equal(changed.agreedAt('Lines/2/Share'), '5', 'its values stay')
    t.equal(changed.agreedAt('Lines/1/Terms/Note'), 'as expiring')
    const removed = changed.when(lead.removes('Lines/0/Share'))
    for (const line of ['Lines/1', 'Lines/2']) t.same(removed.namesIn(line), ['Terms'])
    const again = removed.when(lead.addsField('Lines/0/Share'))
    t.equal(again.agreedAt('Lines/2/Share'), undefined, 'what stood there is not of a field that is added later')
    t.equal(again.idAt('Lines/2/Share'), '0.0.2.2')
  },
)

t.test('an entry can be a field', async (t) => {
  const document = given(both, list('Exclusions', { entry: { type: 'text' } }), entry('Exclusions')).when(
    lead.proposes('Exclusions/1', 'war'),
    lead.addsField('Exclusions/0/Sort'),
  )
  t.same(document.fates, ['accepted', { code: 'not_a_block', command: 0, with: ['0.0.0'] }])
  t.equal(document.agreedAt('Exclusions/1'), 'war')
})

t.test('entries are numbered from 1, and no number is given twice', async (t) => {
  const document = given(both, list('Losses')).when(
    concurrently(lead.addsEntry('Losses'), broker.addsEntry('Losses')),
    lead.removes('Losses/2'),
    lead.addsEntry('Losses'),
  )
  t.same(new Set(document.fates), new Set(['accepted']))
  t.same(document.namesIn('Losses'), ['1', '3'])
  t.equal(document.idAt('Losses/3'), '0.0.3')
})

t.test('structure below an entry is changed at the prototype, whose element it is told', async (t) => {
  const document = given(
    both,
    broker.addsList('Lines', { owner: broker.handle }),
    broker.addsBlock('Lines/0/Terms'),
    broker.addsField('Lines/0/Terms/Note'),
    broker.addsEntry('Lines'),
  )
  const fixed = (...prototype: string[]) => ({ code: 'entry_fixed', command: 0, with: prototype })
  t.same(document.when(broker.addsField('Lines/1/Late')).fate, fixed('0.0.0'))
  t.same(document.when(broker.addsBlock('Lines/1/Terms/Late')).fate, fixed('0.0.0.0'))
  t.same(document.when(broker.addsList('Lines/1/Terms/Late')).fate, fixed('0.0.0.0'))
  t.same(document.when(broker.renames('Lines/1/Terms/Note', 'Remark')).fate, fixed('0.0.0.0.0'))
  t.same(document.when(broker.removes('Lines/1/Terms')).fate, fixed('0.0.0.0'))
  t.same(document.when(broker.grants('Lines/1/Terms', lead)).fate, fixed('0.0.0.0'))
  t.same(document.when(broker.grants('Lines/1', lead)).fate, fixed('0.0.0'))
  t.same(document.when(broker.renames('Lines/1', 'First')).fate, fixed('0.0.0'))
})

t.test('a prototype stays, without a name of its own, and so does the key of its list', async (t) => {
  const document = given(both, list('Lines', { key: insurer }), field('Lines/0/Written'))
  const fixed = { code: 'prototype_fixed', command: 0 }
  t.same(document.when(lead.removes('Lines/0')).fate, fixed)
  t.same(document.when(lead.renames('Lines/0', 'Line')).fate, fixed)
  t.same(document.when(lead.removes('Lines/0/Insurer')).fate, fixed)
  t.equal(document.when(lead.renames('Lines/0/Insurer', 'Carrier')).fate, 'accepted')
  t.equal(document.when(lead.removes('Lines/0/Written')).fate, 'accepted')
  t.equal(document.when(lead.removes('Lines')).fate, 'accepted', 'with its list it goes')
})

t.test('a prototype has no values, and lists in it no entries', async (t) => {
  const document = given(
    both,
    list('Layers'),
    list('Layers/0/Lines'),
    field('Layers/0/Lines/0/Share'),
    field('Layers/0/Limit'),
  )
  const empty = (element: string) => ({ code: 'prototype_empty', command: 0, with: [element] })
  t.same(document.when(lead.proposes('Layers/0/Limit', '')).fate, empty('0.0.0.1'))
  t.same(document.when(lead.proposes('Layers/0/Lines/0/Share', '')).fate, empty('0.0.0.0.0.0'))
  t.same(document.when(lead.addsEntry('Layers/0/Lines')).fate, empty('0.0.0.0'))
  t.same(
    given(both, list('Notes', { entry: { type: 'text' } })).when(lead.proposes('Notes/0', '')).fate,
    empty('0.0.0'),
  )
})

t.test('lists nest: each entry has entries of its own, made of the one prototype', async (t) => {
  const document = given(both, list('Layers'), list('Layers/0/Lines', { key: insurer })).when(
    together(lead.addsEntry('Layers'), lead.addsEntry('#0.0'), lead.addsEntry('#0.0'), lead.proposes('#2.0', 'lead')),
    lead.addsEntry('Layers'),
    lead.addsEntry('Layers/2/Lines'),
    lead.addsField('Layers/0/Lines/0/Share'),
    lead.proposes('Layers/2/Lines/1/Share', '7'),
  )
  t.same(new Set(document.fates), new Set(['accepted']))
  t.same(
    ['Layers/1/Lines', 'Layers/2/Lines'].map((path) => document.namesIn(path)),
    [['1', '2'], ['1']],
  )
  t.same(document.namesIn('Layers/1/Lines/2'), ['Insurer', 'Share'])
  t.equal(document.agreedAt('Layers/1/Lines/2/Insurer'), 'lead')
  t.equal(document.agreedAt('Layers/2/Lines/1/Share'), '7')
  t.equal(document.at('Layers/1/Lines/0'), undefined, 'a list in an entry has no prototype of its own')
})

t.test('who may change a list adds and removes its entries, whoever added them', async (t) => {
  const owned = given(both, broker.addsList('Lines', { owner: broker.handle }), broker.addsEntry('Lines'))
  const notOwner = { code: 'not_owner', command: 0, with: ['broker'] }
  t.same(owned.when(lead.addsEntry('Lines')).fate, notOwner)
  t.same(owned.when(lead.removes('Lines/1')).fate, notOwner)
  t.equal(owned.when(broker.removes('Lines/1')).fate, 'accepted')
  const shared = given(both, list('Lines'), broker.addsEntry('Lines'))
  t.equal(shared.when(lead.removes('Lines/1')).fate, 'accepted')
})

t.test('a list has as many entries at a time as it may have', async (t) => {
  const document = given(both, list('Lines', { entriesMax: 2 }), entry('Lines'), entry('Lines'))
  const full = { code: 'limit_exceeded', command: 0, with: ['entriesMax'] }
  t.same(document.when(lead.addsEntry('Lines')).fate, full)
  t.equal(document.when(lead.removes('Lines/1'), lead.addsEntry('Lines')).fate, 'accepted')
  const limited = given(broker.opens({ entriesPerList: 5 }))
  const fate = (entriesMax: number) => limited.when(broker.addsList('Lines', { entriesMax })).fate
  t.equal(fate(5), 'accepted')
  t.same(fate(6), { code: 'limit_exceeded', command: 0, with: ['entriesPerList'] })
})

t.test('no two entries of a list have the same key; what has none collides with nothing', async (t) => {
  const coded = list('Lines', { key: { name: 'Code', field: { type: 'text' } } })
  const document = given(
    both,
    coded,
    entry('Lines'),
    entry('Lines'),
    entry('Lines'),
    lead.proposes('Lines/1/Code', 'a'),
  )
  const taken = (holder: string) => ({ code: 'key_taken', command: 0, with: [holder] })
  t.same(document.when(broker.proposes('Lines/2/Code', 'a')).fate, taken('0.0.1'))
  t.equal(document.when(broker.proposes('Lines/2/Code', 'b')).fate, 'accepted')
  t.equal(document.when(broker.settles('Lines/1/Code', 'a')).fate, 'accepted', 'its own is not another')
  const raced = document.when(concurrently(broker.proposes('Lines/2/Code', 'b'), lead.proposes('Lines/3/Code', 'b')))
  t.same(raced.fates, ['accepted', taken('0.0.2')])
  const both2 = raced.when(together(lead.settles('Lines/1/Code', 'b'), lead.settles('Lines/2/Code', 'a')))
  t.equal(both2.fate, 'accepted', 'judged after the whole request')
  t.equal(
    raced.when(lead.removes('Lines/1'), lead.proposes('Lines/3/Code', 'a')).fate,
    'accepted',
    'what is gone has no key',
  )
  const candidate = document.when(broker.proposes('Lines/1/Code', 'z'), broker.proposes('Lines/3/Code', 'z'))
  t.equal(candidate.fate, 'accepted', 'a candidate has none yet')
})

t.test('entries of different lists may have one key, in entries of one list too', async (t) => {
  const document = given(
    both,
    list('Layers'),
    list('Layers/0/Lines', { key: insurer }),
    entry('Layers'),
    entry('Layers'),
  ).when(
    lead.addsEntry('Layers/1/Lines'),
    lead.addsEntry('Layers/2/Lines'),
    lead.proposes('Layers/1/Lines/1/Insurer', 'lead'),
    lead.proposes('Layers/2/Lines/1/Insurer', 'lead'),
    lead.addsEntry('Layers/2/Lines'),
    lead.proposes('Layers/2/Lines/2/Insurer', 'lead'),
  )
  t.same(document.fates.slice(0, 5), Array(5).fill('accepted'))
  t.same(document.fate, { code: 'key_taken', command: 0, with: ['0.0.2.0.1'] })
})

t.test('a list with a key has only as many entries as can be looked at whenever one changes', async (t) => {
  const fate = (entriesMax: number) => given(both).when(lead.addsList('L', { key: insurer, entriesMax })).fate
  t.equal(fate(2000), 'accepted')
  t.same(fate(2001), { code: 'limit_exceeded', command: 0, with: ['entriesPerList'] })
})

t.test('a key is a field of blocks, of a type whose values have one spelling', async (t) => {
  const fate = (type: string, entry: 'block' | { type: 'text' } = 'block') =>
    given(both).when(lead.addsList('Lines', { entry, key: { name: 'Key', field: { type } as never } })).fate
  for (const type of ['text', 'integer', 'party', 'date']) t.equal(fate(type), 'accepted', type)
  for (const type of ['decimal', 'money', 'boolean', 'duration']) t.match(fate(type), { code: 'key_unfit' }, type)
  t.match(fate('text', { type: 'text' }), { code: 'key_unfit' })
  const named = (name: string) => given(both).when(lead.addsList('Lines', { key: { ...insurer, name } })).fate
  t.match(named('a/b'), { code: 'name_unfit' })
})

t.test('the depth of a tree counts prototypes, and what stands in them', async (t) => {
  const document = given(broker.opens({ treeDepth: 3 }))
  t.equal(document.when(broker.addsList('L', { key: insurer })).fate, 'accepted')
  const tooDeep = { code: 'limit_exceeded', command: 0, with: ['treeDepth'] }
  const block = document.when(broker.addsBlock('A'))
  t.equal(block.when(broker.addsList('A/L')).fate, 'accepted')
  t.same(block.when(broker.addsList('A/L', { key: insurer })).fate, tooDeep)
})

t.test('a document comes to no more elements than the contract allows, lists filled to their limit', async (t) => {
  // The root, the list, and 1 + 3 times a block of one field.
  const document = given(broker.opens({ elements: 10 }), list('L', { entriesMax: 3 }), field('L/0/A'))
  t.equal(weightOf(document.state.document), 10)
  const tooMany = { code: 'limit_exceeded', command: 0, with: ['elements'] }
  t.same(document.when(broker.addsField('L/0/B')).fate, tooMany)
  t.same(document.when(broker.addsField('B')).fate, tooMany)
  t.equal(
    document.when(broker.addsEntry('L'), broker.addsEntry('L'), broker.addsEntry('L')).fate,
    'accepted',
    'entries are counted already',
  )
  t.equal(document.when(broker.removes('L/0/A'), broker.addsField('L/0/B')).fate, 'accepted')
  t.equal(document.when(broker.removes('L/0/A'), broker.addsField('B')).fate, 'accepted')
})

t.test('nested lists are counted with all that they can come to, and without an overflow', async (t) => {
  const nested = (levels: number, entriesMax: number) => {
    let document = given(broker.opens())
    for (let path = 'L', level = 0; level < levels; level++, path += '/0/L') {
      document = document.when(broker.addsList(path, { entriesMax }))
      if (document.fate !== 'accepted') return document.fate
    }
    return weightOf(document.state.document)
  }
  t.equal(nested(2, 99), 1 + 1 + 100 * (1 + 1 + 100 * 1))
  t.match(nested(10, 10_000), { code: 'limit_exceeded', with: ['elements'] })
})

t.test('#n with ordinals behind it is what comes with that which command n adds', async (t) => {
  const document = given(both).when(
    together(
      lead.addsList('Lines', { key: insurer }),
      lead.orders({ type: 'AddField', parent: '#0.0', name: 'Written', field: { type: 'decimal' } }),
      lead.addsEntry('#0'),
      lead.proposes('#2.0', 'lead'),
      lead.proposes('#2.1', '12.5'),
    ),
  )
  t.equal(document.fate, 'accepted')
  t.same(
    ['Insurer', 'Written'].map((name) => document.agreedAt(`Lines/1/${name}`)),
    ['lead', '12.5'],
  )
  t.match(given(both).when(together(lead.addsBlock('A'), lead.proposes('#0.5', ''))).fate, {
    code: 'no_such_element',
    command: 1,
    with: ['0.0.5'],
  })
})

/** Everything that is not in a prototype, and holds values. */
function fieldsIn(element: Element): Field[] {
  return element.kind === 'field' ? [element] : [...childrenOf(element)].flatMap(fieldsIn)
}

t.test(
  'the weight of a block is that of all below it, a snapshot restores it, and no document exceeds the limit',
  async (t) => {
    const weigh = (element: Element): number => {
      if (element.kind === 'field') return 1
      if (element.kind === 'list') return 1 + (1 + element.entriesMax) * weigh(element.prototype)
      return [...element.children].reduce((sum, child) => sum + weigh(child), 1)
    }
    fc.assert(
      fc.property(histories, (moves) => {
        for (const { state } of play(moves)) {
          equal(state.document.weight, weigh(state.document))
          ok(state.document.weight <= state.limits.elements)
          const restored = documentFrom(JSON.parse(JSON.stringify(snapshotOfDocument(state))))
          equal(restored.document.weight, state.document.weight)
          equal(recordHash(restored), recordHash(state))
          deepEqual(
            [...slotsUnder(restored.document)].map(({ id }) => id),
            [...slotsUnder(state.document)].map(({ id }) => id),
          )
        }
      }),
    )
    t.pass()
  },
)

t.test('each entry has exactly what its prototype has, whatever came in which order', async (t) => {
  const shape = (element: Element, prefix: ElementId): unknown => {
    const { id, kind, name, owner } = element
    const own = { place: id.slice(prefix.length), kind, name, owner }
    if (element.kind === 'field') return { ...own, field: element.field }
    if (element.kind === 'list') return { ...own, entriesMax: element.entriesMax, keyed: element.keyed }
    return { ...own, children: [...element.children].map((child) => shape(child, prefix)) }
  }
  let entries = 0
  fc.assert(
    fc.property(histories, (moves) => {
      const lists = (element: Element): Element[] =>
        element.kind === 'field'
          ? []
          : [...(element.kind === 'list' ? [element] : []), ...[...childrenOf(element)].flatMap(lists)]
      for (const { state } of play(moves)) {
        for (const each of lists(state.document)) {
          if (each.kind !== 'list') continue
          for (const made of childrenOf(each)) {
            entries++
            const prototype: Element = each.prototype
            const wanted = shape(prototype, prototype.id)
            deepEqual(shape({ ...made, name: prototype.name }, made.id), wanted)
            equal(find(state, made.id)?.kind, made.kind)
          }
        }
        for (const { id } of fieldsIn(state.document)) ok(find(state, id)?.kind === 'field')
      }
    }),
  )
  t.ok(entries > 1000, `there were some: ${entries}`)
})

t.test('a change at the prototype, or in one entry, hashes no other entry', async (t) => {
  const filled = (count: number): Document => {
    const added = Array.from({ length: count }, () => broker.addsEntry('L'))
    const [first, ...others] = added as [Act, ...Act[]]
    return given(broker.opens(), list('L', { entriesMax: 5000 }), field('L/0/A'), together(first, ...others))
  }
  const hashesOf = (document: Document, act: Act) => {
    recordHash(document.state)
    const after = document.when(act)
    t.equal(after.fate, 'accepted')
    return countHashes(() => recordHash(after.state)).hashes
  }
  const [few, many] = [filled(1), filled(500)]
  t.equal(hashesOf(many, broker.addsField('L/0/B')), hashesOf(few, broker.addsField('L/0/B')))
  t.equal(hashesOf(many, broker.renames('L/0/A', 'B')), hashesOf(few, broker.renames('L/0/A', 'B')))
  const [one, of500] = [few, many].map((document) => hashesOf(document, broker.proposes('L/1/A', 'x'))) as [
    number,
    number,
  ]
  t.ok(of500 - one <= 8, `a node for each level of the tree: ${one}, ${of500}`)
})
