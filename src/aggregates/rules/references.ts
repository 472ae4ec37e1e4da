import type { ElementId } from '../../events/ids.ts'
import { type Ast, type AstNode, binderOf } from './ast.ts'
import { REQUEST_TIME } from './functions/days.ts'
import { entryFieldOf, type Schema } from './schema.ts'

/** An element that an expression names. */
export interface Read {
  readonly id: ElementId
  /** As a child, or an entry, of what a list has; else by itself. */
  readonly isOfList: boolean
  /** The `ref` that the way to it begins with: itself, or a list in which it is gone through. Undefined: of a list that is made. */
  readonly from: ElementId | undefined
}

/**
 * What an expression reads, each once, in the order of its nodes, whatever evaluation touches. Elements below a list are the
 * prototype's; whoever names a list of fields reads these, unless it only counts them. Requires a tree that has its form.
 */
export function readsOf({ nodes }: Ast, schema: Schema): readonly Read[] {
  const reads = new Map<string, Read>()
  const counted = countedIn(nodes)
  const starts = startsOf(nodes)
  for (const [place, node] of nodes.entries()) {
    if (node[0] !== 'ref' && node[0] !== 'path') continue
    const from = starts[place]
    const add = (id: ElementId, isOfList: boolean) => reads.set(`${isOfList} ${id} ${from}`, { id, isOfList, from })
    add(node[1], node[0] === 'path')
    const entry = counted.has(place) ? undefined : entryFieldOf(node[1], schema)
    if (entry !== undefined) add(entry, true)
  }
  return [...reads.values()]
}

/** Of each node the `ref` with which the way to its elements begins: through children, items and filters. */
function startsOf(nodes: readonly AstNode[]): readonly (ElementId | undefined)[] {
  const starts: (ElementId | undefined)[] = []
  const open: number[] = []
  for (const [place, node] of nodes.entries()) {
    if (node[0] === 'filter' || node[0] === 'some' || node[0] === 'every') open.pop()
    starts.push(startOf(node, starts, open))
    if (node[0] === 'each' || node[0] === 'each as') open.push(place)
  }
  return starts
}

function startOf(
  node: AstNode,
  starts: readonly (ElementId | undefined)[],
  open: readonly number[],
): ElementId | undefined {
  switch (node[0]) {
    case 'ref':
      return node[1]
    case 'item':
      return starts[binderOf(node[1], open) ?? -1]
    case 'path':
    case 'each as':
      return starts[node[2]]
    case 'each':
    case 'filter':
      return starts[node[1]]
    default:
      return undefined
  }
}

/** The elements of that, each once: its inputs. */
export function referencesOf(ast: Ast, schema: Schema): readonly ElementId[] {
  return [...new Set(readsOf(ast, schema).map(({ id }) => id))]
}

/** The places of what `count` alone looks at: how many entries there are, whatever they hold. */
export function countedIn(nodes: readonly AstNode[]): ReadonlySet<number> {
  return new Set(
    nodes.flatMap((node) => (node[0] === 'call' && node[1] === 'count' && node.length === 3 ? (node[2] ?? []) : [])),
  )
}

/** Also of a tree that has not been looked at. */
export function readsRequestTime({ nodes }: { readonly nodes: readonly (readonly unknown[])[] }): boolean {
  return nodes.some(([kind, name]) => kind === 'call' && name === REQUEST_TIME)
}
