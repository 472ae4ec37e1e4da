import type { ElementId } from '../../events/ids.ts'
import type { Ast } from './ast.ts'
import { REQUEST_TIME } from './functions/days.ts'
import { entryFieldOf, type Schema } from './schema.ts'

/**
 * The elements that an expression names, each once, in the order of its nodes: its inputs, whatever evaluation touches. Those
 * below a list are the prototype's; whoever names a list of fields reads these. Requires a tree that has its form.
 */
export function referencesOf(ast: Ast, schema: Schema): readonly ElementId[] {
  const references = new Set<ElementId>()
  for (const node of ast.nodes) {
    if (node[0] !== 'ref' && node[0] !== 'path') continue
    references.add(node[1])
    const entry = entryFieldOf(node[1], schema)
    if (entry !== undefined) references.add(entry)
  }
  return [...references]
}

/** Also of a tree that has not been looked at. */
export function readsRequestTime({ nodes }: { readonly nodes: readonly (readonly unknown[])[] }): boolean {
  return nodes.some(([kind, name]) => kind === 'call' && name === REQUEST_TIME)
}
