import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { childrenOf, type Element, type Field } from '../../../src/aggregates/contract/document/element.ts'
import { Rejection } from '../../../src/aggregates/contract/rejection.ts'
import { judging } from '../../../src/aggregates/contract/rules/judging.ts'
import { StepBudget } from '../../../src/aggregates/contract/rules/step-budget.ts'
import type { ContractState } from '../../../src/aggregates/contract/state.ts'
import { standingAt } from '../../../src/aggregates/contract/values/standing.ts'
import type { Handle } from '../../../src/events/ids.ts'
import { completed } from '../../../src/runtime/turns.ts'
import { type Act, block, type Document, entry, field, given, list, UID } from '../../support/document.ts'
import { both, broker, decimal, inForce, lead } from '../../support/ruled-document.ts'
import type { WrittenRule } from '../../support/written-rule.ts'

const start = given(
  both,
  field('A', decimal),
  field('B', decimal),
  field('Sum', decimal),
  block('Part'),
  field('Part/X', decimal),
  field('Part/Y', decimal),
  list('Figures', { entry: decimal }),
  list('Lines', { key: { name: 'Who', field: { type: 'text' } } }),
  field('Lines/0/Written', decimal),
  field('Lines/0/Share', decimal),
  list('Lines/0/Parts', { entry: decimal }),
  list('Lines/0/Taxes'),
  field('Lines/0/Taxes/0/Rate', decimal),
  field('Lines/0/Taxes/0/Due', decimal),
  entry('Figures'),
  entry('Lines'),
)

const rules: readonly (readonly [path: string, rule: WrittenRule])[] = [
  ['', { assign: 'sum(Figures[item != null])', to: 'Sum' }],
  ['', { assign: 'count(flatten(Lines.Parts)[item = 3]) + A', to: 'Sum' }],
  ['', { assign: 'if Lines[Who = "2"].Written > 2 then 1 else 2', to: 'Sum' }],
  ['Lines/0', { assign: 'sum(_.Lines[Written != null].Written)', to: 'Lines/0/Share' }],
  ['Lines/0', { assign: 'sum(Parts[item != null]) + Written', to: 'Lines/0/Share' }],
  ['Part', { assign: '_.A + X', to: 'Part/Y' }],
  ['', { constraint: 'A < 3', severity: 'warn' }],
  ['', { constraint: 'every figure in Figures satisfies figure < 3', severity: 'warn' }],
  ['', { constraint: 'every line in Lines satisfies sum(line.Parts) < 5', severity: 'warn' }],
  ['Lines/0', { constraint: 'Written < _.A', severity: 'warn' }],
  ['Lines/0', { assign: 'Written + count(Parts)', to: 'Lines/0/Parts/0' }],
  ['Lines/0', { assign: 'Rate * outer.Written + outer.outer.A', to: 'Lines/0/Taxes/0/Due' }],
  ['Figures/0', { constraint: 'item < A and count(Figures[item = here]) = 1', severity: 'warn' }],
  ['Lines/0/Parts/0', { constraint: 'item < outer.Written', severity: 'warn' }],
  ['Lines/0/Taxes/0', { constraint: 'Rate < 2 or outer.Share > 1', severity: 'warn' }],
  ['Part', { constraint: 'Y < 4', severity: 'warn' }],
  ['', { trigger: 'B > 2', activates: { blocks: ['Part'] } }],
  ['', { trigger: 'sum(Figures) > 3', deactivates: { ruleSets: [1] } }],
]

function* elementsIn(element: Element): Generator<Element> {
  yield element
  if (element.kind !== 'field') for (const child of childrenOf(element)) yield* elementsIn(child)
}

const fieldsOf = ({ state }: Document) =>
  [...elementsIn(state.document)].filter((one): one is Field => one.kind === 'field')

type Step = readonly [what: number, where: number, value: number]

function actOf([what, where, value]: Step): Act {
  const write = (document: Document) => {
    const all = [...elementsIn(document.state.document)]
    const lists = all.filter(({ kind }) => kind === 'list')
    const entries = lists.flatMap((one) => (one.kind === 'list' ? [...childrenOf(one)] : []))
    const fields = fieldsOf(document)
    const chosen = <Item>(items: readonly Item[]) => items[where % items.length] as Item
    const at = chosen(fields)
    const basis = standingAt(at).map(({ id }) => id)
    const put = broker.proposes('A', String(value), { basis, salt: where }).write(document)
    if (what === 0) return { commands: [{ type: 'AddEntry', list: chosen(lists).id }], values: new Map() }
    if (what === 1 && entries.length > 0)
      return { commands: [{ type: 'RemoveElement', element: chosen(entries).id }], values: new Map() }
    if (what === 2) return { commands: [{ type: 'EmptyField', field: at.id, basis }], values: new Map() }
    return { ...put, commands: put.commands.map((command) => ({ ...command, field: at.id })) }
  }
  return { author: (value % 2 === 0 ? broker : lead).handle, write }
}

/** What rules have made of a document: what is computed, on or off, and flagged. */
function madeOf(state: ContractState, valueAt: (field: Field) => unknown) {
  const fields = [...elementsIn(state.document)].flatMap((one) =>
    one.kind === 'field' ? [[one.id, valueAt(one)]] : [],
  )
  const flags = state.flags.map(({ at, rule }) => `${rule} ${at}`).sort()
  return { fields, flags, inactive: state.inactive }
}

t.test('a request is judged by what it has changed as it would be by all that there is', async () => {
  const chosen = fc.subarray([...rules], { minLength: 1 })
  const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(9), fc.nat(200), fc.nat(6))
  fc.assert(
    fc.property(chosen, fc.array(step, { minLength: 1, maxLength: 25 }), (some, steps) => {
      const targets = some.flatMap(([, rule]) => (typeof rule === 'object' && 'to' in rule ? rule.to : []))
      fc.pre(new Set(targets).size === targets.length)
      let document = inForce(start, ...some)
      for (const one of steps) {
        const before = document
        document = before.when(actOf(one))
        if (document.fate !== 'accepted') continue
        const { open, state } = document
        const nothing = new Set<never>()
        const context = {
          author: 'broker' as Handle,
          computedFrom: () => nothing,
          contract: UID,
          index: 9_999,
          open,
          request: { handle: 'broker' as Handle, index: 0, seq: 9_999 },
          reveal: () => undefined,
          rootAt: () => undefined,
        }
        const everything = {
          addedEntries: nothing,
          agreed: nothing,
          all: true,
          extended: nothing,
          fields: nothing,
          lists: nothing,
        }
        const judged = { budget: new StepBudget(1_000_000), context, isExempt: false, lacking: new Set<never>(), open }
        const whole = completed(judging(state, everything, judged))
        if (whole instanceof Rejection) throw new Error(whole.code)
        const valueAt = ({ agreed }: Field) => agreed && (whole.computed.get(agreed.seal) ?? open(agreed))?.value
        deepStrictEqual(madeOf(state, valueAt), madeOf(whole.state, valueAt))
      }
    }),
    { numRuns: 30 },
  )
})
