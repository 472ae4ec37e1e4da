import { Map as ImmutableMap } from 'immutable'
import type { Hash } from '../../../crypto/hash.ts'
import type { BuiltInType, FieldType } from '../../../events/field-type.ts'
import { definitionHash, type TypeDefinition } from '../../../events/type-definition.ts'
import { nameRules } from '../../names/engine-1.ts'
import { ChildTree } from './child-tree.ts'

/** The types that a contract defines: an immutable value. */
export interface Types {
  /** In the order in which they were defined: of those of one name the last is what the name stands for. */
  readonly defined: ChildTree<TypeDefinition>
  /** Their places, by their hashes, and by the skeletons of their names. Both follow, so no hash is taken over them. */
  readonly byHash: ImmutableMap<Hash, number>
  readonly bySkeleton: ImmutableMap<string, number>
}

export const noTypes: Types = { defined: ChildTree.empty, byHash: ImmutableMap(), bySkeleton: ImmutableMap() }

export function withType({ defined, byHash, bySkeleton }: Types, definition: TypeDefinition): Types {
  return {
    defined: defined.append(definition),
    byHash: byHash.set(definitionHash(definition), defined.slots),
    bySkeleton: bySkeleton.set(nameRules.skeleton(definition.name), defined.slots),
  }
}

/** Every definition that fields may have, old ones too. */
export function definitionOf({ defined, byHash }: Types, hash: Hash): TypeDefinition | undefined {
  const place = byHash.get(hash)
  return place === undefined ? undefined : defined.get(place)
}

/** What stands for this name, or for one that can be taken for it. */
export function typeLike({ defined, bySkeleton }: Types, name: string): TypeDefinition | undefined {
  const place = bySkeleton.get(nameRules.skeleton(name))
  return place === undefined ? undefined : defined.get(place)
}

/** What each name stands for, in the order in which the names came up. */
export function currentTypes(types: Types): TypeDefinition[] {
  const current = new Map<string, TypeDefinition>()
  for (const definition of types.defined) current.set(definition.name, definition)
  return [...current.values()]
}

/** The type that a field has in the end: of a custom one its base. Requires a definition that the contract has. */
export function builtInOf(type: FieldType, types: Types): BuiltInType {
  if (type.type !== 'custom') return type
  const definition = definitionOf(types, type.definition)
  return definition === undefined ? { type: 'text' } : baseOf(definition)
}

export function baseOf({ base, constraint }: TypeDefinition): BuiltInType {
  if (base === 'choice') return { type: base, options: constraint.options ?? [] }
  if (base === 'money')
    return constraint.currency === undefined ? { type: base } : { type: base, currency: constraint.currency }
  return { type: base }
}
