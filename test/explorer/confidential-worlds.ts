import { find } from '../../src/aggregates/contract/state.ts'
import type { ElementId } from '../../src/events/ids.ts'
import type { RuleBody } from '../../src/events/rule.ts'
import { ask, type Command, type Configuration, confide } from './configuration.ts'
import { inForceBy } from './ruled-worlds.ts'
import type { View } from './views.ts'

/** Of ana, with one field. */
const BLOCK = '0.2'
const FIELD = '0.2.0' as ElementId
const block: readonly (readonly Command[])[] = [
  [
    { type: 'AddBlock', parent: '0', name: 'Fee', owner: 'ana' },
    { type: 'SetAudience', element: '#0', parties: ['ana', 'ben'] },
  ],
  [{ type: 'AddField', parent: BLOCK, name: 'Rate', field: { type: 'text' } }],
]
const forTwo = ['ana', 'ben']
const secret = confide(FIELD, 'secret', forTwo)

const copy = {
  kind: 'assignment',
  target: '0.1',
  expression: {
    language: 1,
    nodes: [
      ['ref', FIELD],
      ['text', 'x'],
      ['+', 0, 1],
    ],
  },
} as RuleBody

/** To rules it reads null, for ever: nothing in the ledger of whoever has it follows from the value. */
function computesNothing({ state }: View): string | undefined {
  for (const document of [state.settling.agreed, state.ledger.document]) {
    const field = find(document, '0.1' as ElementId)
    if (field?.kind === 'field' && field.agreed !== null) return 'a rule has read a confidential value'
  }
  return undefined
}

const isHeldSomewhere = ({ state }: View) =>
  [...state.feeds.values()].some((feed) =>
    feed.kept.some(({ payloads }) => Object.hasOwn(payloads, Object.keys(secret.payloads)[0] ?? '')),
  )

/** Worlds in which what a party holds of the values is its own (design §5): ana confides to ben, and cleo passes on what it has, which is the seal. */
export const confidentialWorlds: readonly Configuration[] = [
  {
    name: 'a value is confided past somebody',
    members: ['ana', 'ben', 'cleo'],
    setUp: [...block, ...inForceBy(['ben', 'cleo'], ['0', copy])],
    seats: [
      { name: 'ana', plan: [secret] },
      { name: 'ben', plan: [] },
      { name: 'cleo', plan: [] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
    law: computesNothing,
    reaches: isHeldSomewhere,
  },
  {
    name: 'a value is confided while the audience changes',
    members: ['ana', 'ben'],
    setUp: block,
    seats: [
      { name: 'ana', plan: [ask({ type: 'SetAudience', element: BLOCK, parties: ['ana'] })], crashes: 1 },
      { name: 'ben', plan: [confide(FIELD, 'of ben', forTwo)] },
    ],
    delivery: 'statement',
    reaches: ({ entries }) =>
      entries.some(({ entry: { outcome } }) => outcome.kind === 'void' && outcome.reason.code === 'outside_audience'),
  },
]
