import { childrenOf, type Element, type Field, keyOf, type List } from '../../aggregates/contract/document/element.ts'
import { builtInOf, definitionOf } from '../../aggregates/contract/document/types.ts'
import { compiledRule } from '../../aggregates/contract/rules/compiled-rule.ts'
import { schemaIdOf } from '../../aggregates/contract/rules/rule-schema.ts'
import type { ContractState } from '../../aggregates/contract/state.ts'
import { audienceAt, type EffectiveAudience } from '../../aggregates/contract/values/effective-audience.ts'
import { isWithin } from '../../aggregates/rules/schema.ts'
import type { Hash } from '../../crypto/hash.ts'
import type { BuiltInType } from '../../events/field-type.ts'
import type { ElementId, Handle } from '../../events/ids.ts'
import type { TypeDefinition } from '../../events/type-definition.ts'
import { definitionHash } from '../../events/type-definition.ts'
import { pathOf } from '../written-rule.ts'

const ELEMENTS_A_STEP = 64

interface Common {
  /** Its id, which never changes. */
  readonly element: ElementId
  readonly at: string
  readonly name: string
  /** Null: shared. */
  readonly owner: Handle | null
  /** Who gets values there; left out: everybody. */
  readonly audience?: EffectiveAudience
  /** Whether no trigger has switched off a block that it stands in. */
  readonly isActive: boolean
  /** Numbers of the rules that stand at it, read it, or assign it. */
  readonly rules: readonly number[]
}

/** What an element is, without its values. */
export type ElementSchema = Common &
  (
    | {
        readonly kind: 'block'
        /** In the order in which they are shown. */
        readonly children: readonly ElementSchema[]
      }
    | {
        readonly kind: 'list'
        /** What each entry is made of. */
        readonly entry: ElementSchema
        readonly entriesMax: number
        /** Name of the field that tells its entries apart. */
        readonly key?: string
      }
    | {
        readonly kind: 'field'
        /** Its built-in type, with `options` or `currency` where it has them. */
        readonly type: BuiltInType
        /** Of a type that the contract defines. */
        readonly custom?: TypeDefinition & { readonly definition: Hash }
      }
  )

/**
 * The schema of an element and of all below it. What is below a block is made only when it is looked at, since there
 * may be very much of it.
 */
export function elementSchema(element: Element, state: ContractState): ElementSchema {
  const itself = schemasIn(state)
  return schemaOf(element)

  function schemaOf(one: Element): ElementSchema {
    if (one.kind === 'field') return itself.field(one)
    if (one.kind === 'list') return itself.list(one, schemaOf(one.prototype))
    let children: readonly ElementSchema[] | undefined
    return {
      ...itself.common(one),
      kind: one.kind,
      get children() {
        children ??= [...childrenOf(one)].map(schemaOf)
        return children
      },
    }
  }
}

/** The same with all that is below it made, in steps. */
export function* wholeSchema(element: Element, state: ContractState): Generator<void, ElementSchema> {
  const itself = schemasIn(state)
  let made = 0
  return yield* schemaOf(element)

  function* schemaOf(one: Element): Generator<void, ElementSchema> {
    if (++made % ELEMENTS_A_STEP === 0) yield
    if (one.kind === 'field') return itself.field(one)
    if (one.kind === 'list') return itself.list(one, yield* schemaOf(one.prototype))
    const children: ElementSchema[] = []
    for (const child of childrenOf(one)) children.push(yield* schemaOf(child))
    return { ...itself.common(one), kind: one.kind, children }
  }
}

function schemasIn(state: ContractState) {
  const rules = rulesByElement(state)
  const common = (one: Element): Common => {
    const audience = audienceAt(state, one.id)
    return {
      element: one.id,
      at: pathOf(one.id, state),
      name: one.name,
      owner: one.owner,
      ...(audience && { audience }),
      isActive: !state.inactive.blocks.some((block) => isWithin(schemaIdOf(state, one.id), block)),
      rules: [...(rules.get(schemaIdOf(state, one.id)) ?? [])],
    }
  }
  return {
    common,
    list(one: List, entry: ElementSchema): ElementSchema {
      const key = keyOf(one)
      return { ...common(one), kind: one.kind, entry, entriesMax: one.entriesMax, ...(key && { key: key.name }) }
    },
    field(one: Field): ElementSchema {
      const type = builtInOf(one.field, state.types)
      const custom = one.field.type === 'custom' ? definitionOf(state.types, one.field.definition) : undefined
      const defined = custom && { custom: { ...custom, definition: definitionHash(custom) } }
      return { ...common(one), kind: one.kind, type, ...defined }
    },
  }
}

function rulesByElement(state: ContractState): ReadonlyMap<ElementId, ReadonlySet<number>> {
  const found = new Map<ElementId, Set<number>>()
  for (const { terms } of state.rules.rules) {
    const compiled = compiledRule(terms, state)
    const { at, body, id: number } = terms
    const reads = compiled.kind === 'fit' ? compiled.reads.map(({ id }) => id) : []
    for (const id of [at, ...reads, ...(body.kind === 'assignment' ? [body.target] : [])]) {
      const numbers = found.get(id) ?? new Set()
      found.set(id, numbers.add(number))
    }
  }
  return found
}
