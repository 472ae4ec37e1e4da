import type { ElementId } from '../../events/ids.ts'
import type { Ast } from './ast.ts'
import { REQUEST_TIME } from './functions/days.ts'

/**
 * The elements that an expression names, each once, in the order of its nodes: its inputs, whatever evaluation touches. Those
 * below a list are the prototype's. Requires a tree that has its form.
 */
export function referencesOf(ast: Ast): readonly ElementId[] {
  const references = new Set<ElementId>()
  for (const node of ast.nodes) if (node[0] === 'ref' || node[0] === 'path') references.add(node[1])
  return [...references]
}

/** Also of a tree that has not been looked at. */
export function readsRequestTime({ nodes }: { readonly nodes: readonly (readonly unknown[])[] }): boolean {
  return nodes.some(([kind, name]) => kind === 'call' && name === REQUEST_TIME)
}
