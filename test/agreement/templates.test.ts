import fc from 'fast-check'
import t from 'tap'
import { type Exported, exportingTemplate } from '../../src/aggregates/contract/templates/export-template.ts'
import { feedOf } from '../../src/agreement/feeds.ts'
import { type AgreementSnapshot, statementsNeeded } from '../../src/agreement/history/snapshot.ts'
import { headOf } from '../../src/agreement/ledger.ts'
import { receive } from '../../src/agreement/receive.ts'
import { emptyAgreement } from '../../src/agreement/state.ts'
import type { ElementId } from '../../src/events/ids.ts'
import type { SignedStatement } from '../../src/events/statement-codec.ts'
import { completed } from '../../src/runtime/turns.ts'
import { allOf, CONTRACT, market, ordersAmong, overTheWire, owes, talk } from '../support/market.ts'
import { snapshotOf, viewFrom } from '../support/snapshots-at-once.ts'

const field = (parent: string, name: string) => ({ type: 'AddField', parent, name, field: { type: 'text' } })

/** A template that is brought in pieces, imported by two at once, and upgraded by both while a value changes. */
function played() {
  const players = market('ana', 'ben')
  const [ana, ben] = players
  const orders = ordersAmong(players)
  const slip = [...ana.state.ledger.document.document.children].length
  orders(ana, { type: 'AddBlock', parent: '0', name: 'Slip' }, field('#0', 'Sum'), field('#0', 'Rate'))
  const taken = () => {
    const { document, log } = ana.state.ledger
    return completed(
      exportingTemplate(document, { element: `0.${slip}` as ElementId, root: log.root(), size: log.size }),
    ) as Exported
  }
  const first = taken()
  orders(ana, field(`0.${slip}`, 'Inception'), { type: 'RemoveElement', element: `0.${slip}.1` })
  const second = taken()
  const pieces = ({ hash, text }: Exported, cuts: readonly number[]) =>
    [...cuts, text.length].map((end, place) => {
      const from = cuts[place - 1] ?? 0
      return { type: 'BringTemplate', bytes: text.length, from, hash, text: text.slice(from, end) }
    })
  for (const piece of pieces(first, [100, 200])) orders(ana, piece)
  const imports = { type: 'ImportTemplate', at: '0', name: 'Ours', hash: first.hash, roles: {} }
  ana.requests(imports)
  ben.requests(imports)
  talk(players, owes)
  const use = ana.state.ledger.document.templates.uses[0]
  const element = use?.element as ElementId
  for (const piece of pieces(second, [])) orders(ben, piece)
  const upgrade = { type: 'UpgradeTemplate', element, from: first.hash, to: second.hash, roles: {} }
  orders(ana, upgrade)
  ben.requests(upgrade)
  ana.proposes(`${element}.0` as ElementId, 'a value')
  talk(players, owes)
  return { ana, element, first, players, second }
}

const { ana, element, first, second } = played()
const statements = allOf(ana)
const { document } = ana.state.ledger

t.test('a template that two import at once is imported once, and upgraded by the votes of both', async (t) => {
  t.match(document.templates.uses, [{ element, template: second.hash, upgrades: [{ from: first.hash }] }])
  t.equal(document.templates.uses.length, 1)
  t.equal(document.templates.held.length, 2)
})

t.test('whoever comes later, and in whatever order it hears of everything, ends with the same document', async (t) => {
  const { record, root } = headOf(ana.state.ledger)
  fc.assert(
    fc.property(fc.shuffledSubarray([...statements], { minLength: statements.length }), fc.nat(9), (order, piece) => {
      let state = emptyAgreement(CONTRACT)
      let waiting: readonly SignedStatement[] = []
      for (let at = 0; at < order.length; at += piece + 1) {
        const reception = receive(state, [...waiting, ...order.slice(at, at + piece + 1).map(overTheWire)])
        state = reception.state
        waiting = reception.waiting
      }
      const head = headOf(state.ledger)
      return head.record === record && head.root === root
    }),
    { numRuns: 15 },
  )
  t.ok(statements.length > 20)
})

t.test(
  'a node that wakes from a snapshot goes on with the template, whether its import has settled or not',
  async (t) => {
    const { players } = played()
    const [self, other] = players
    const taken = self.state.ledger.document.templates.held[0]?.hash
    self.requests({ type: 'ImportTemplate', at: '0', name: 'Once more', hash: taken, roles: {} })
    other.hears(self.says())
    self.hears(other.says())
    const whole = self.state
    const snapshot = JSON.parse(JSON.stringify(snapshotOf(whole))) as AgreementSnapshot
    const stored = new Map(
      statementsNeeded(snapshot).map(({ handle, base }) => {
        const kept = [...feedOf(whole.feeds, handle).between(base)].map(overTheWire)
        return [handle, { kept, noted: undefined }]
      }),
    )
    self.state = viewFrom(snapshot, stored, whole.ledger.engines).state
    t.same(headOf(self.state.ledger), headOf(whole.ledger))
    self.requests({ type: 'ImportTemplate', at: '0', name: 'And again', hash: taken, roles: {} })
    talk(players, owes)
    t.equal(self.state.ledger.document.templates.uses.length, 3)
    t.same(headOf(self.state.ledger), headOf(other.state.ledger))
  },
)

t.test('a template of which the rest never comes holds up nobody', async (t) => {
  const players = market('ana', 'ben')
  const [author, other] = players
  const { hash, text } = first
  author.requests({ type: 'BringTemplate', bytes: text.length, from: 0, hash, text: text.slice(0, 50) })
  talk(players, owes)
  other.requests({ type: 'ImportTemplate', at: '0', name: 'Ours', hash, roles: {} })
  author.proposes('0.0' as ElementId, 'a value')
  talk(players, owes)
  t.equal(other.settled, other.acknowledged)
  t.same(other.state.ledger.document.templates.uses, [])
  other.requests(
    { type: 'BringTemplate', bytes: text.length, from: 0, hash, text },
    { type: 'ImportTemplate', at: '0', name: 'Ours', hash, roles: {} },
  )
  talk(players, owes)
  t.equal(author.state.ledger.document.templates.uses.length, 1, 'whoever has the bytes brings them')
  t.same(author.state.ledger.document.templates.arriving, [])
})
