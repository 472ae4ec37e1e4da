import { childrenOf, type Element } from '../../aggregates/contract/document/element.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { fitElementName } from '../../aggregates/names/fit-text.ts'
import type { Audience } from '../../events/audience.ts'
import type { Command } from '../../events/commands.ts'
import type { Handle } from '../../events/ids.ts'
import { arrangement } from '../changes.ts'
import { type ElementSchema, elementSchema } from './element-schema.ts'

type Without<Of, Members extends string> = Of extends unknown ? Omit<Of, Members> : never

/** What an element is, without what is below it; of a block with the `order` of its children. */
export type ElementAttributes =
  | Without<Exclude<ElementSchema, { readonly kind: 'block' }>, 'entry' | 'rules'>
  | (Without<Extract<ElementSchema, { readonly kind: 'block' }>, 'children' | 'rules'> & {
      readonly order: readonly string[]
    })

/** What of that can be another; what is left out stays. */
export interface WantedAttributes {
  readonly name?: string
  /** Null: shared. */
  readonly owner?: Handle | null
  /** Names of children: those come first, in this order. */
  readonly order?: readonly string[]
  /** Null: as above it. */
  readonly audience?: { readonly parties: Audience; readonly until?: string } | null
}

export function attributesOf(element: Element, state: ContractState): ElementAttributes {
  const { rules: _rules, ...schema } = elementSchema(element, state)
  if (schema.kind === 'block') {
    const { children, ...block } = schema
    return { ...block, order: children.map(({ name }) => name) }
  }
  if (schema.kind === 'field') return schema
  const { entry: _entry, ...list } = schema
  return list
}

/** Of one request; what is so already is not asked for. Throws TextUnfit, WriteUnfit. */
export function attributeCommands(element: Element, wanted: WantedAttributes, state: ContractState): Command[] {
  const { audience, name, order, owner } = wanted
  const commands: Command[] = []
  const fit = name === undefined ? element.name : fitElementName(name)
  if (fit !== element.name) commands.push({ type: 'RenameElement', element: element.id, name: fit })
  if (order !== undefined && !isInOrder(order, element)) {
    commands.push(...arrangement(element, order).commands)
  }
  if (audience !== undefined && (audience !== null || state.audiences.some((set) => set.element === element.id))) {
    const { parties, until } = audience ?? { parties: null }
    const limit = until === undefined ? {} : { until }
    commands.push({ type: 'SetAudience', element: element.id, parties: parties && [...parties], ...limit })
  }
  // Last: whoever gives it away does nothing there any more.
  if (owner !== undefined && owner !== element.owner)
    commands.push({ type: 'GrantElement', element: element.id, to: owner })
  return commands
}

function isInOrder(wanted: readonly string[], element: Element): boolean {
  if (element.kind !== 'block') return false
  const now = [...childrenOf(element)]
  return wanted.every((name, place) => now[place]?.name === name)
}
