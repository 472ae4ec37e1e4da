import { type ElementId, ROOT } from '../../events/ids.ts'
import type { Ast } from './ast.ts'
import type { Fault } from './fault.ts'
import { LANGUAGE_VERSION } from './limits.ts'
import { moneyHint } from './operation-types.ts'
import { Program } from './program.ts'
import { referencesOf } from './references.ts'
import type { Schema } from './schema.ts'
import { Drafting } from './text/drafting.ts'
import { nameInText } from './text/name-resolver.ts'
import { scanFault } from './text/scan.ts'
import { type SyntaxTree, syntaxTreeOf } from './text/syntax-tree.ts'
import { quoted } from './text/words.ts'
import { BLOCK_IS_NO_VALUE, type TypeFault, type Typer, typed } from './typer.ts'
import { fits, type RuleType, typeName } from './types.ts'
import { worstCost } from './worst-cost.ts'

/** Where an expression stands, and what it has to give. */
export interface Place {
  /** The block that the rule stands in; under a list, of its prototype. */
  readonly block: ElementId
  /** Left out: any value. */
  readonly expected?: RuleType
}

/** A checked expression, ready to be evaluated. */
export interface Compiled {
  readonly ast: Ast
  readonly type: RuleType
  readonly references: readonly ElementId[]
  readonly program: Program
  /** Steps at most, in a document whose lists are full (worst-cost.ts). */
  worstCost(): number
}

export const AT_ROOT: Place = { block: ROOT as ElementId }

/** Drafts: text to tree, with the names that the elements have now. Attacker-controlled: `text`. */
export function compile(text: string, schema: Schema, place: Place): Compiled | readonly Fault[] {
  const early = scanFault(text)
  if (early !== undefined) return [early]
  const tree = syntaxTreeOf(text)
  if (tree.error !== undefined) return [syntaxFault(text, tree.error, schema, place.block)]
  const { typer, sources, faults: drafted } = new Drafting(text, tree, schema, place.block).run()
  const faults = [...drafted, ...typer.faults]
  if (faults.length === 0) faults.push(...resultFaults(typer, place))
  if (faults.length > 0) return faults.map((fault) => located(fault, sources, tree))
  return compiledOf({ language: LANGUAGE_VERSION, nodes: typer.nodes }, typer)
}

/** Checks a tree that has its form against a document. */
export function check(ast: Ast, schema: Schema, place: Place): Compiled | readonly TypeFault[] {
  const typer = typed(ast, schema, place.block)
  const faults = typer.faults.length > 0 ? typer.faults : resultFaults(typer, place)
  return faults.length > 0 ? faults : compiledOf(ast, typer)
}

export function isCompiled<T>(result: Compiled | readonly T[]): result is Compiled {
  return !Array.isArray(result)
}

function compiledOf(ast: Ast, typer: Typer): Compiled {
  const type = typer.types.at(-1) as RuleType
  let program: Program | undefined
  return {
    ast,
    type,
    references: referencesOf(ast, typer.schema),
    // Made once it is asked for: who drafts a rule only wants its tree.
    get program() {
      program ??= new Program(typer)
      return program
    },
    worstCost: () => worstCost(typer),
  }
}

function resultFaults({ types }: Typer, { expected }: Place): TypeFault[] {
  const place = types.length - 1
  const type = types[place] as RuleType
  const of = type.kind === 'list' ? type.of : type
  const fault = (message: string): TypeFault => ({ place, code: 'expression_type_unfit', message })
  if (of.kind === 'block') return [fault(BLOCK_IS_NO_VALUE)]
  if (expected === undefined || fits(type, expected)) return []
  const suggestion = moneyHint(type, expected)
  return [
    {
      ...fault(`a ${typeName(expected)} is asked for; this is a ${typeName(type)}`),
      ...(suggestion && { suggestion }),
    },
  ]
}

function located({ place, ...fault }: TypeFault, sources: readonly number[], tree: SyntaxTree): Fault {
  const source = sources[place] ?? 0
  return { ...fault, from: tree.from[source] ?? 0, to: tree.to[source] ?? 0 }
}

function syntaxFault(text: string, error: { from: number; to: number }, schema: Schema, block: ElementId): Fault {
  const names = [...schema.children(block)].map((id) => schema.element(id)?.name ?? '')
  const found =
    error.from >= text.trimEnd().length
      ? 'the expression ends too early'
      : `"${text.slice(error.from, Math.max(error.to, error.from + 1))}" is not expected here`
  const meant = nameBefore(text, names, error.from)
  return {
    code: 'expression_syntax',
    message: found,
    ...error,
    ...(meant === undefined ? {} : { suggestion: quoted(meant) }),
  }
}

/** A name that would have to be in back-quotes, and that the parser took apart. */
function nameBefore(text: string, names: readonly string[], to: number): string | undefined {
  for (let from = 0; from <= Math.min(to, text.length); from++) {
    if (from > 0 && /[\w`]/.test(text[from - 1] as string)) continue
    const found = nameInText(text, names, from)
    if (found !== undefined && from + found.length >= to) return found
  }
  return undefined
}
