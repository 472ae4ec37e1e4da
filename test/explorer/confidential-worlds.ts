import { find } from '../../src/aggregates/contract/state.ts'
import { openIn } from '../../src/agreement/values/opened-values.ts'
import type { ElementId } from '../../src/events/ids.ts'
import { ask, type Command, type Configuration, confide, propose } from './configuration.ts'
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

/** To rules it reads null, for ever: nothing in the ledger of whoever has it follows from the value. */
function opensNothing({ state }: View): string | undefined {
  const open = openIn(state.ledger, state.feeds)
  for (const document of [state.settling.agreed, state.ledger.document]) {
    const field = find(document, FIELD)
    if (field?.kind !== 'field' || field.agreed?.audience === undefined) continue
    if (open(field.agreed) !== undefined) return 'a confidential value is open to rules'
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
    setUp: block,
    seats: [
      { name: 'ana', plan: [secret] },
      { name: 'ben', plan: [] },
      { name: 'cleo', plan: [propose('0.0', 'Mexico')] },
    ],
    delivery: 'everything',
    answersAtOnce: true,
    law: opensNothing,
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
    law: opensNothing,
    reaches: ({ entries }) =>
      entries.some(({ entry: { outcome } }) => outcome.kind === 'void' && outcome.reason.code === 'audience_changed'),
  },
]
