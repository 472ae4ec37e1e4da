import { depthOf, type ElementId } from '../../events/ids.ts'
import { type AstNode, operandsOf } from './ast.ts'
import { areItems, takesCount } from './call-type.ts'
import type { FunctionSpec } from './functions/function-spec.ts'
import { functions } from './functions/function-table.ts'
import { countedIn } from './references.ts'
import { isWithin, listsOn, parentOf, type Schema, sharedEntry } from './schema.ts'
import { isKeyFilter, type Typer } from './typer.ts'
import { parseDate, parseDateTime, parseDuration } from './values/calendar.ts'
import { Num } from './values/numbers.ts'
import { NOTHING, type Value } from './values/values.ts'

/** One instruction of the machine (evaluate.ts). `node`: the place of the node whose step it takes. */
export type Instruction =
  | { readonly kind: 'constant'; readonly node: number; readonly value: Value }
  | { readonly kind: 'field'; readonly node: number; readonly path: Path }
  /** `areBlocks`: its entries, and not what stands in them. */
  | { readonly kind: 'list'; readonly node: number; readonly path: Path; readonly areBlocks: boolean }
  | { readonly kind: 'block'; readonly node: number; readonly path: Path }
  | { readonly kind: 'item'; readonly node: number; readonly up: number }
  /** A child of a block, by its ordinal. */
  | {
      readonly kind: 'child'
      readonly node: number
      readonly ordinal: string
      readonly child: 'field' | 'block' | 'list' | 'blocks'
    }
  | { readonly kind: 'property'; readonly node: number; readonly name: string }
  | {
      readonly kind: 'call'
      readonly node: number
      readonly spec: FunctionSpec
      readonly count: number
      readonly areItems: boolean
    }
  | { readonly kind: 'operation'; readonly node: number; readonly ast: AstNode; readonly count: number }
  /** Goes on at `to` where what was computed last decides already. */
  | { readonly kind: 'shortcut'; readonly when: boolean; readonly to: number }
  | { readonly kind: 'branch'; readonly node: number; to: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'each'; readonly node: number; to: number; of: Gathering }
  | {
      readonly kind: 'end'
      readonly node: number
      readonly of: Gathering
      /** Of the key of an entry, below it. */
      readonly key?: string
      readonly body: number
    }

/** What becomes of the items: an entry is the only one that is kept. */
export type Gathering = 'filter' | 'entry' | 'some' | 'every'

/** An element: from the root, below the rule's own block, or below the entry around it that has that depth. */
export interface Path {
  readonly id: string
  readonly from: 'root' | 'block' | number
}

/** A tree as instructions in the order in which a machine without recursion takes them. Requires a tree without faults. */
export class Program {
  readonly instructions: readonly Instruction[]
  readonly block: ElementId

  constructor(typer: Typer) {
    this.block = typer.block
    this.instructions = instructionsOf(typer)
  }
}

function instructionsOf(typer: Typer): readonly Instruction[] {
  const { nodes } = typer
  const instructions: Instruction[] = []
  const uses = usesOf(nodes)
  const counted = countedIn(nodes)
  /** Instructions that jump to where the node ends, by its place. */
  const jumps = new Map<number, { to: number }[]>()
  const jump = (over: number, instruction: Instruction & { to: number }) => {
    instructions.push(instruction)
    jumps.set(over, [...(jumps.get(over) ?? []), instruction])
  }
  /** Places of the instructions of the `each` that are open. */
  const open: number[] = []
  for (const [place, node] of nodes.entries()) {
    const operator = node[0]
    if (operator === 'filter' || operator === 'some' || operator === 'every') {
      const each = open.pop() as number
      const gathering = gatheringOf(node, typer)
      instructions.push({ kind: 'end', node: place, ...gathering, body: each + 1 })
      Object.assign(instructions[each] as Instruction, { to: instructions.length, of: gathering.of })
    } else if (operator === 'each' || operator === 'each as') {
      open.push(instructions.push({ kind: 'each', node: place, to: 0, of: 'filter' }) - 1)
    } else if (operator !== 'if') instructions.push(instructionOf(node, place, typer, counted.has(place)))
    for (const instruction of jumps.get(place) ?? []) instruction.to = instructions.length
    const use = uses.get(place)
    if (use === undefined) continue
    const { user, operand } = use
    if (user === 'if') {
      if (operand === 0) jump(use.second, { kind: 'branch', node: use.place, to: 0 })
      // The branch that is not taken begins behind this jump.
      if (operand === 1) {
        jump(use.place, { kind: 'jump', to: 0 })
        for (const instruction of jumps.get(place) ?? []) instruction.to = instructions.length
      }
    } else if (operand === 0) jump(use.place, { kind: 'shortcut', when: user === 'or', to: 0 })
  }
  return instructions
}

interface Use {
  readonly user: 'if' | 'and' | 'or'
  readonly place: number
  readonly operand: number
  readonly second: number
}

/** Which operand of an operator that does not need them all a node is. */
function usesOf(nodes: readonly AstNode[]): ReadonlyMap<number, Use> {
  const uses = new Map<number, Use>()
  for (const [place, node] of nodes.entries()) {
    if (node[0] !== 'if' && node[0] !== 'and' && node[0] !== 'or') continue
    for (const [n, operand] of operandsOf(node).entries()) {
      uses.set(operand, { user: node[0], place, operand: n, second: node[2] })
    }
  }
  return uses
}

function gatheringOf(node: AstNode, { nodes, types }: Typer): { readonly of: Gathering; readonly key?: string } {
  if (node[0] !== 'filter') return { of: node[0] as 'some' | 'every' }
  const [binder, condition] = operandsOf(node) as [number, number]
  const list = types[operandsOf(nodes[binder] as AstNode)[0] as number]
  const key = list?.kind === 'list' ? list.key : undefined
  if (key === undefined || !isKeyFilter(nodes, binder, condition, key)) return { of: 'filter' }
  return { of: 'entry', key: key.slice(parentOf(key).length) }
}

function instructionOf(node: AstNode, place: number, { schema, block }: Typer, isCounted: boolean): Instruction {
  switch (node[0]) {
    case 'ref': {
      const path = pathTo(node[1], block, schema)
      const element = schema.element(node[1])
      if (element?.kind !== 'list') return { kind: element?.kind ?? 'block', node: place, path }
      const areBlocks = isCounted || schema.element(element.entry)?.kind === 'block'
      return { kind: 'list', node: place, path, areBlocks }
    }
    case 'item':
      return { kind: 'item', node: place, up: node[1] }
    case 'path': {
      const element = schema.element(node[1])
      const ordinal = node[1].slice(parentOf(node[1]).length)
      if (element?.kind !== 'list') return { kind: 'child', node: place, ordinal, child: element?.kind ?? 'block' }
      const areBlocks = isCounted || schema.element(element.entry)?.kind === 'block'
      return { kind: 'child', node: place, ordinal, child: areBlocks ? 'blocks' : 'list' }
    }
    case 'property':
      return { kind: 'property', node: place, name: node[1] }
    case 'call': {
      const count = node.length - 2
      const spec = functions.get(node[1])?.find((candidate) => takesCount(candidate, count)) as FunctionSpec
      return { kind: 'call', node: place, spec, count, areItems: areItems(spec, count) }
    }
    default: {
      const value = constantOf(node)
      if (value !== undefined) return { kind: 'constant', node: place, value }
      return { kind: 'operation', node: place, ast: node, count: operandsOf(node).length }
    }
  }
}

function pathTo(id: ElementId, block: ElementId, schema: Schema): Path {
  if (isWithin(id, block)) return { id: id.slice(block.length), from: 'block' }
  const entry = sharedEntry(id, listsOn(block, schema) ?? [])
  return entry === undefined ? { id, from: 'root' } : { id: id.slice(entry.length), from: depthOf(entry) }
}

/** Constants have been read before: they have their form. */
function constantOf(node: AstNode): Value | undefined {
  switch (node[0]) {
    case 'null':
      return NOTHING
    case 'true':
    case 'false':
      return node[0] === 'true'
    case 'number':
      return new Num(node[1])
    case 'text':
      return node[1]
    case 'date':
      return parseDate(node[1])
    case 'date-time':
      return parseDateTime(node[1])
    case 'duration':
      return parseDuration(node[1])
    default:
      return undefined
  }
}
