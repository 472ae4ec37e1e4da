import t, { type Test } from 'tap'
import { bytesOf } from '../../../src/aggregates/contract/entry-room.ts'
import { isInConflict } from '../../../src/aggregates/contract/values/standing.ts'
import { canonicalJson } from '../../../src/crypto/canonical-json.ts'
import type { Hash } from '../../../src/crypto/hash.ts'
import type { ContractEvent } from '../../../src/events/contract-events.ts'
import type { ElementId, ProposalId, Seq } from '../../../src/events/ids.ts'
import { ENTRY_EVENTS_BYTES_MAX } from '../../../src/events/limits.ts'
import { seal } from '../../../src/events/seal.ts'
import type { Payload } from '../../../src/events/statement.ts'
import { block, type Document, field, given, list, openedBy } from '../../support/document.ts'
import { broker, decimal, follower, inForce, lead, typesOf } from '../../support/ruled-document.ts'

/** What every store takes in one append, and what an entry has beside its events. */
const APPEND_BYTES_MAX = 1024 * 1024
const ENTRY_BYTES = 4096
const ROWS = 6_000
const rows = Array.from({ length: ROWS }, (_, at) => at + 1)

function fits(t: Test, document: Document): void {
  const bytes = Buffer.byteLength(canonicalJson(document.events)) + ENTRY_BYTES
  t.equal(document.fate, 'accepted', 'nobody is kept from it')
  t.ok(bytes <= APPEND_BYTES_MAX && document.events.length < 11_000, `${document.events.length} events, ${bytes} bytes`)
  t.ok(document.events.length > 3_000, 'what there is room for is in it')
}

function count(document: Document, type: ContractEvent['type']): number {
  return typesOf(document.events).filter((one) => one === type).length
}

/** With all of its lines. */
function filled(document: Document, path = 'Lines', many = ROWS): Document {
  const entries = rows
    .slice(0, many)
    .map((at) => ({ element: `${document.idAt(path)}.${at}` as ElementId, type: 'EntryAdded' }) as const)
  return document.after(entries, new Map())
}

const [one, another] = ['1', '2'].map((value) => seal(value, new Uint8Array(16))) as [Sealed, Sealed]
type Sealed = { seal: Hash; payload: Payload }

/** One value of the broker everywhere, for which a vote is missing. */
function waitingAt(
  document: Document,
  fields: readonly ElementId[],
  { seal, payload }: Sealed = one,
  voter = follower.handle,
): Document {
  const events = fields.flatMap((id, at): ContractEvent[] => {
    const proposal = `broker.90.${Math.floor(at / 500)}.${at % 500}` as ProposalId
    const candidate = { exclusive: false, seen: [] }
    return [
      { by: broker.handle, candidate, field: id, proposal, seal, type: 'ValueProposed' },
      { field: id, proposal, type: 'VotersNamed', voters: [voter] },
    ]
  })
  return document.after(events, new Map([[seal, payload]]))
}

function cells(document: Document, path: string, ...columns: string[]): ElementId[] {
  const list = document.idAt(path)
  const ends = columns.map((column) => document.idAt(`${path}/0/${column}`).slice(`${list}.0`.length))
  return rows.flatMap((at) => ends.map((end) => `${list}.${at}${end}` as ElementId))
}

const opened = given(
  openedBy(broker, lead, follower),
  field('Rate', decimal),
  field('Mode'),
  block('Form'),
  list('Form/Lines', { entriesMax: ROWS }),
  list('Lines', { entriesMax: ROWS }),
  ...['Net', 'Gross'].flatMap((name) => [field(`Lines/0/${name}`, decimal), field(`Form/Lines/0/${name}`, decimal)]),
)

const computing = filled(
  inForce(
    opened,
    ['', { assign: '_.Rate + 1', to: 'Lines/0/Net' }],
    ['', { assign: '_.Rate + 2', to: 'Lines/0/Gross' }],
    ['', { constraint: 'Mode = "none"', severity: 'warn' }],
  ),
)

t.test(
  'what rules would compute after a resignation beyond the room of its entry is not, and the rules are flagged',
  async (t) => {
    const gone = waitingAt(computing, [computing.idAt('Rate')]).when(follower.resigns())
    fits(t, gone)
    t.equal(gone.agreedAt('Rate'), '1')
    t.same([gone.agreedAt('Lines/1/Net'), gone.agreedAt(`Lines/${ROWS}/Net`)], ['2', undefined])
    const prototype = gone.idAt('Lines/0')
    const marked = gone.state.flags.filter(({ at }) => at === prototype).map(({ rule }) => rule)
    t.same(marked, [1, 2])
  },
)

t.test('rules that a resignation has judged everywhere again take of the room of its entry', async (t) => {
  const names = Array.from({ length: 8 }, (_, at) => `Empty ${at}`)
  const lists = names.flatMap((name) => [list(name, { entriesMax: 2 }), field(`${name}/0/Net`, decimal)])
  const wide = given(
    openedBy(broker, lead, follower),
    field('Rate', decimal),
    ...lists,
    list('Lines', { entriesMax: ROWS }),
    field('Lines/0/Net', decimal),
  )
  const assigned = [...names, 'Lines'].map((name) => ['', { assign: '_.Rate + 1', to: `${name}/0/Net` }] as const)
  const live = filled(inForce(wide, ...assigned))
  const marks = names.map((name, at) => ({ at: live.idAt(`${name}/0`), rule: at + 1, type: 'RuleFlagged' }) as const)
  const marked = live.after(marks, new Map())
  const gone = waitingAt(marked, [live.idAt('Rate')]).when(follower.resigns())
  fits(t, gone)
  t.same([count(gone, 'RuleCleared'), count(gone, 'RuleFlagged')], [names.length, 1])
  const counted = gone.events.filter(({ type }) => type !== 'RuleFlagged')
  t.ok(bytesOf(counted) <= ENTRY_EVENTS_BYTES_MAX, `${bytesOf(counted)} bytes`)
})

t.test(
  'candidates for whose end there is no room after a resignation stay, in conflict, and can be gone on from',
  async (t) => {
    const waiting = filled(opened)
    const gone = waitingAt(waiting, cells(waiting, 'Lines', 'Net', 'Gross')).when(follower.resigns())
    fits(t, gone)
    const [last] = gone.fieldAt(`Lines/${ROWS}/Gross`).candidates
    t.same([last && isInConflict(last), gone.agreedAt('Lines/1/Net')], [true, '1'])
    const on = gone.when(lead.settles(`Lines/${ROWS}/Gross`, '7'))
    t.same([on.agreedAt(`Lines/${ROWS}/Gross`), on.candidatesAt(`Lines/${ROWS}/Gross`)], ['7', []])
  },
)

t.test('candidates with an erased value for whose end there is no room stay, and have no value', async (t) => {
  const waiting = filled(opened)
  const many = waitingAt(waiting, cells(waiting, 'Lines', 'Net', 'Gross'))
  const gone = many.when(broker.erases(one.seal), lead.erases(one.seal), follower.erases(one.seal))
  fits(t, gone)
  t.same([gone.events[1]?.type, count(gone, 'ValuesErased')], ['ValuesErased', 1])
  t.equal(gone.fieldAt(`Lines/${ROWS}/Gross`).candidates.length, 1)
  t.equal(gone.fieldAt('Lines/1/Net').candidates.length, 0)
})

t.test('candidates in a block that a resignation switches off stay where there is no room for their end', async (t) => {
  const live = filled(inForce(opened, ['', { trigger: 'Mode = "1"', deactivates: { blocks: ['Form'] } }]), 'Form/Lines')
  const form = waitingAt(live, cells(live, 'Form/Lines', 'Net', 'Gross'), another, lead.handle)
  const gone = waitingAt(form, [live.idAt('Mode')]).when(follower.resigns())
  fits(t, gone)
  t.same(
    [gone.at('Form')?.kind === 'block' && gone.state.inactive.blocks, count(gone, 'BlockSwitched')],
    [[live.idAt('Form')], 1],
  )
  t.same(gone.fieldAt('Form/Lines/1/Net').candidates, [])
  t.equal(gone.fieldAt(`Form/Lines/${ROWS}/Gross`).candidates.length, 1)
  t.match(gone.when(lead.votes('yes', `Form/Lines/${ROWS}/Gross`, broker)).fate, { code: 'element_inactive' })
  const down = gone.when(lead.votes('no', `Form/Lines/${ROWS}/Gross`, broker))
  t.same(down.candidatesAt(`Form/Lines/${ROWS}/Gross`), [], 'it can be ended as ever')
})

/** Of the broker, each with a value for a field that is not there: it falls with its last vote. */
function setsWaiting(document: Document, many: number): Document {
  const commands = [{ basis: [], field: '0.9999' as ElementId, seal: one.seal, type: 'ProposeValue' as const }]
  const sets = Array.from({ length: many }, (_, index): ContractEvent => {
    const request = { handle: broker.handle, index, seq: 80 as Seq }
    return { commands, request, type: 'ChangeSetProposed', voters: [follower.handle] }
  })
  return document.after(sets, new Map([[one.seal, one.payload]]))
}

t.test('change sets for whose end there is no room fall with the next request that is accepted', async (t) => {
  const gone = setsWaiting(opened, 1_000).when(follower.resigns())
  t.equal(gone.fate, 'accepted')
  const fallen = count(gone, 'ChangeSetEnded')
  t.ok(fallen > 500 && fallen < 1_000, `${fallen} have fallen`)
  t.equal(gone.state.changeSets.length, 1_000 - fallen)
  const next = gone.when(lead.settles('Mode', 'on'))
  t.same([next.fate, next.agreedAt('Mode'), next.state.changeSets], ['accepted', 'on', []])
})

t.test('what rules compute after a resignation is not larger than one group of payloads', async (t) => {
  const wide = given(
    openedBy(broker, lead, follower),
    field('Note'),
    list('Lines', { entriesMax: ROWS }),
    field('Lines/0/Copy'),
  )
  const live = filled(inForce(wide, ['', { assign: '_.Note', to: 'Lines/0/Copy' }]), 'Lines', 100)
  const long = seal('x'.repeat(60_000), new Uint8Array(16))
  const gone = waitingAt(live, [live.idAt('Note')], long).when(follower.resigns())
  t.equal(gone.fate, 'accepted')
  t.equal(count(gone, 'ValueComputed'), Math.floor((4 * 1024 * 1024) / canonicalJson(long.payload).length))
  t.same(gone.state.flags, [{ at: gone.idAt('Lines/0'), rule: 1 }])
})

const stepped = given(
  broker.opens({ requestSteps: 92 }),
  ...[lead, follower].flatMap((party) => [broker.invites(party), broker.admits(party)]),
  ...['Rate', 'Other', 'Sum'].map((name) => field(name, decimal)),
  field('Mode'),
  block('Form'),
  list('Lines', { entriesMax: ROWS }),
  ...['Net', 'Gross'].map((name) => field(`Lines/0/${name}`, decimal)),
)

t.test(
  'where there are no steps left after a resignation rules are flagged until they are judged everywhere',
  async (t) => {
    const rules = inForce(
      stepped,
      ['', { assign: '_.Rate + 1', to: 'Lines/0/Net' }],
      ['', { assign: '_.Other + 1', to: 'Lines/0/Gross' }],
      ['', { trigger: 'sum(Lines.Gross) > 10', deactivates: { blocks: ['Form'] } }],
      ['', { constraint: 'Other < 9', severity: 'warn' }],
    )
    const live = filled(rules, 'Lines', 12)
    const waiting = waitingAt(
      live,
      ['Rate', 'Other'].map((name) => live.idAt(name)),
    )
    const gone = waiting.when(follower.resigns())
    t.same([gone.fate, gone.agreedAt('Lines/12/Net'), gone.agreedAt('Lines/12/Gross')], ['accepted', '2', undefined])
    const root = gone.idAt('')
    const marks = [
      { at: gone.idAt('Lines/0'), rule: 2 },
      { at: root, rule: 3 },
      { at: root, rule: 4 },
    ]
    t.same([gone.state.flags, gone.state.inactive.blocks], [marks, []], 'what is on stays on')
    const mended = gone.when(lead.settles('Other', '3'))
    t.same([mended.fate, mended.agreedAt('Lines/12/Gross'), mended.state.flags], ['accepted', '4', []])
    t.same(mended.state.inactive.blocks, [mended.idAt('Form')])
  },
)
