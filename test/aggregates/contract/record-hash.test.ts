import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { StoredBlock } from '../../../src/aggregates/contract/document/element.ts'
import { recordHash } from '../../../src/aggregates/contract/record-hash.ts'
import { type ContractState, find } from '../../../src/aggregates/contract/state.ts'
import type { Command } from '../../../src/events/commands.ts'
import { asked } from '../../support/asked.ts'
import { countHashes } from '../../support/count-hashes.ts'
import { block, concurrently, Document, field, given, openedBy, together } from '../../support/document.ts'
import { histories, play } from '../../support/document-histories.ts'
import { Party } from '../../support/document-party.ts'
import { naiveRecordHash } from '../../support/naive-record-hash.ts'

const broker = new Party('broker')
const lead = new Party('lead')
const follower = new Party('follower')

t.test('is what hashing the whole document anew gives, after every change', async (t) => {
  fc.assert(
    fc.property(histories, (moves) => {
      for (const { record, state } of play(moves)) equal(record, naiveRecordHash(state))
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('covers all that the document is', async (t) => {
  const document = given(openedBy(broker, lead), block('A'), field('A/Name')).when(
    broker.addsList('L'),
    broker.addsField('L/0/Name'),
    broker.addsEntry('L'),
  )
  const { state } = document
  const path = { path: 'A/Name' }
  const withDocument = (changes: Partial<StoredBlock>): ContractState => ({
    ...state,
    document: { ...state.document, ...changes },
  })
  const states: { [what: string]: ContractState } = {
    'as it is': state,
    contract: { ...state, contract: '0'.repeat(52) as typeof state.contract },
    title: { ...state, title: 'Fleet 2028' },
    engine: { ...state, engine: 2 },
    'since when': { ...state, engineSince: 1 },
    'a vote for another': document.when(lead.upgrades(2)).state,
    'for yet another': document.when(lead.upgrades(3)).state,
    'by somebody else': document.when(broker.upgrades(2)).state,
    charter: { ...state, charter: { continuationQuorumPercent: 51 } },
    limits: { ...state, limits: { ...state.limits, valueBytes: 7 } },
    'the root’s owner': withDocument({ owner: broker.handle }),
    'an invitation': document.when(broker.invites(follower)).state,
    'an admission': document.when(broker.invites(follower), broker.admits(follower)).state,
    'a resignation': document.when(lead.resigns()).state,
    'a block': document.when(broker.addsBlock('B')).state,
    'another author of it': document.when(lead.addsBlock('B')).state,
    'a type': document.when(broker.defines('T', 'text')).state,
    'another base': document.when(broker.defines('T', 'decimal')).state,
    'a constraint': document.when(broker.defines('T', 'text', { constraint: { lengthMax: 3 } })).state,
    'a hint': document.when(broker.defines('T', 'text', { hints: { display: 'bold' } })).state,
    'two types': document.when(broker.defines('T', 'text'), broker.defines('U', 'text')).state,
    'in another order': document.when(broker.defines('U', 'text'), broker.defines('T', 'text')).state,
    'an order': document.when(broker.arranges('', [1, 0])).state,
    'another order': document.when(broker.arranges('', [0, 1])).state,
    'an order of some': document.when(broker.arranges('', [1])).state,
    'a list': document.when(broker.addsList('B')).state,
    'of fields': document.when(broker.addsList('B', { entry: { type: 'text' } })).state,
    'with more entries': document.when(broker.addsList('B', { entriesMax: 11 })).state,
    'with a key': document.when(broker.addsList('B', { key: { name: 'Key', field: { type: 'text' } } })).state,
    'with that field, no key': document.when(broker.addsList('B'), broker.addsField('B/0/Key')).state,
    'an entry': document.when(broker.addsEntry('L')).state,
    'another author of the entry': document.when(lead.addsEntry('L')).state,
    'an entry removed': document.when(broker.removes('L/1')).state,
    'an entry added and removed': document.when(broker.addsEntry('L'), broker.removes('L/2')).state,
    'a value in an entry': document.when(lead.proposes('L/1/Name', 'Smith')).state,
    'in another entry': document.when(broker.addsEntry('L'), lead.proposes('L/2/Name', 'Smith')).state,
    'another name in the prototype': document.when(broker.renames('L/0/Name', 'Title')).state,
    'an owned block': document.when(broker.addsBlock('B', { owner: broker.handle })).state,
    'a field': document.when(broker.addsField('B')).state,
    'its type': document.when(broker.addsField('B', { type: 'decimal' })).state,
    'its hint': document.when(broker.addsField('B', { type: 'decimal', hint: 'percent' })).state,
    'a field further down': document.when(broker.addsField('A/B')).state,
    'another name': document.when(broker.renames('A/Name', 'Title')).state,
    'something removed': document.when(broker.removes('A/Name')).state,
    'something added and removed': document.when(broker.addsField('B'), broker.removes('B')).state,
    'a proposal': document.when(lead.proposes('A/Name', 'Smith')).state,
    'another value': document.when(lead.proposes('A/Name', 'Smythe')).state,
    'another author': document.when(broker.proposes('A/Name', 'Smith')).state,
    'a candidate': asked(document, lead, 'Smith', [broker], path).state,
    'another who is asked': asked(document, lead, 'Smith', [broker, lead], path).state,
    'an exclusive one': asked(document, lead, 'Smith', [broker], { ...path, exclusive: true }).state,
    'a YES': asked(document, lead, 'Smith', [broker, lead], path).when(broker.votes('yes', 'A/Name', lead)).state,
  }
  const seen = new Map<string, string>()
  for (const [what, changed] of Object.entries(states)) {
    const hash = recordHash(changed)
    t.equal(seen.get(hash), undefined, what)
    seen.set(hash, what)
  }
})

t.test('does not depend on the order of requests that do not touch each other', async (t) => {
  const fields = given(openedBy(broker, lead, follower), block('A'), field('A/X'), field('A/Y'), block('B'), field('Z'))
  const document = asked(fields, broker, 'zero', [follower, lead], { path: 'Z' })
  const acts = [
    together(broker.proposes('A/X', 'one'), broker.removes('B')),
    together(lead.proposes('A/Y', 'two'), lead.addsField('A/W'), lead.proposes('#1', 'three')),
    together(follower.renames('Z', 'Zone'), follower.votes('yes', 'Z', broker)),
  ]
  const { record } = document.when(concurrently(...acts))
  t.not(document.record, record)
  fc.assert(
    fc.property(fc.shuffledSubarray(acts, { minLength: acts.length }), (shuffled) => {
      const reached = document.when(concurrently(...shuffled))
      deepEqual(reached.fates, ['accepted', 'accepted', 'accepted'])
      equal(reached.record, record)
    }),
  )
})

t.test('a change among 10,000 siblings costs a hash for each level of the tree over them', async (t) => {
  const columns: Command[] = Array.from({ length: 10_000 }, (_, place) => ({
    type: 'AddField',
    parent: '0.0',
    name: `F${place}`,
    field: { type: 'text' },
  }))
  const wide = given(
    broker.opens(),
    broker.addsBlock('Wide'),
    ...Array.from({ length: 20 }, (_, part) => broker.orders(...columns.slice(part * 500, (part + 1) * 500))),
  )
  const whole = countHashes(() => wide.record)
  t.ok(whole.hashes >= 30_000, `at first ${whole.hashes}: an element, its leaf, a node each`)
  const treeHeight = 14
  const changes = {
    'the first': broker.proposes('Wide/F0', 'x'),
    'one in the middle': broker.proposes('Wide/F5000', 'x'),
    'the last': broker.proposes('Wide/F9999', 'x'),
    renamed: broker.renames('Wide/F77', 'G77'),
    removed: broker.removes('Wide/F78'),
    added: broker.addsField('Wide/F10000'),
  }
  for (const [what, act] of Object.entries(changes)) {
    const after = wide.when(act)
    t.equal(after.fate, 'accepted')
    const { hashes, bytes } = countHashes(() => recordHash(after.state))
    // The element and its leaf, a sibling leaf, the nodes above; the block and its leaf; the root; the record.
    t.ok(hashes <= treeHeight + 7, `${what}: ${hashes} hashes`)
    t.ok(bytes < 5000, `${what}: ${bytes} bytes`)
    t.equal(countHashes(() => recordHash(after.state)).hashes, 0, 'it is kept')
  }
})

t.test('a value deep down costs the levels of the blocks above it, and membership is not hashed again', async (t) => {
  const depth = 5
  const width = 256
  const commands: Command[] = []
  let parent = '0'
  for (let level = 0; level < depth; level++) {
    const place = commands.length
    for (let child = 0; child < width; child++) commands.push({ type: 'AddBlock', parent, name: `B${child}` })
    parent = `#${place + width / 2}`
  }
  commands.push({ type: 'AddField', parent, name: 'Deep', field: { type: 'text' } })
  const deep = given(broker.opens(), broker.orders(...commands))
  const path = [...Array<string>(depth).fill(`B${width / 2}`), 'Deep'].join('/')
  t.ok(find(deep.state, deep.idAt(path)))
  recordHash(deep.state)
  const after = deep.when(broker.proposes(path, 'x'))
  const { hashes } = countHashes(() => recordHash(after.state))
  // For each wide block eight nodes and two leaves; the blocks themselves; the field and its leaf; the record.
  t.equal(hashes, depth * (8 + 2) + (depth + 1) + 2 + 1)
  const invited = deep.when(broker.invites(lead))
  t.equal(countHashes(() => recordHash(invited.state)).hashes, 2, 'the members, and the record')
})

t.test('of a contract that is not open yet, there is one too', async (t) => {
  t.equal(Document.unopened().record, naiveRecordHash(Document.unopened().state))
})
