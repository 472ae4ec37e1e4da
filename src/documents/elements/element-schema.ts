import { childrenOf, type Element, keyOf } from '../../aggregates/contract/document/element.ts'
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

/** Of an element and all below it: what stands below a block is made when it is looked at, since there may be very much. */
export function elementSchema(element: Element, state: ContractState): ElementSchema {
  const rules = rulesByElement(state)
  return schemaOf(element)

  function schemaOf(one: Element): ElementSchema {
    const audience = audienceAt(state, one.id)
    const common = {
      element: one.id,
      at: pathOf(one.id, state),
      name: one.name,
      owner: one.owner,
      ...(audience && { audience }),
      isActive: !state.inactive.blocks.some((block) => isWithin(schemaIdOf(state, one.id), block)),
      rules: [...(rules.get(schemaIdOf(state, one.id)) ?? [])],
    }
    switch (one.kind) {
      case 'block': {
        let children: readonly ElementSchema[] | undefined
        return {
          ...common,
          kind: one.kind,
          get children() {
            children ??= [...childrenOf(one)].map(schemaOf)
            return children
          },
        }
      }
      case 'list': {
        const key = keyOf(one)
        const { entriesMax, prototype } = one
        return { ...common, kind: one.kind, entry: schemaOf(prototype), entriesMax, ...(key && { key: key.name }) }
      }
      case 'field': {
        const type = builtInOf(one.field, state.types)
        const custom = one.field.type === 'custom' ? definitionOf(state.types, one.field.definition) : undefined
        return {
          ...common,
          kind: one.kind,
          type,
          ...(custom && { custom: { ...custom, definition: definitionHash(custom) } }),
        }
      }
    }
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
