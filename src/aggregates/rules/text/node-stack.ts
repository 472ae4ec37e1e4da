import type { AstNode } from '../ast.ts'
import type { FaultCode } from '../fault.ts'
import type { TypeFault, Typer } from '../typer.ts'

/** A tree of nodes under construction, and what is still to do to it. */
export class NodeStack {
  readonly typer: Typer
  /** For each node, the syntax that it was made from. */
  readonly sources: number[] = []
  readonly faults: TypeFault[] = []
  /** What is still to do, last first. */
  readonly #work: (() => void)[] = []
  /** Places of the nodes that nothing has taken as an operand yet. */
  readonly #operands: number[] = []

  constructor(typer: Typer) {
    this.typer = typer
  }

  /** Does all that is to do, and what that brings. */
  run(): void {
    for (let next = this.#work.pop(); next !== undefined; next = this.#work.pop()) next()
  }

  /** In this order. */
  schedule(...steps: readonly (() => void)[]): void {
    for (let n = steps.length - 1; n >= 0; n--) this.#work.push(steps[n] as () => void)
  }

  emit(node: AstNode, source: number): void {
    this.#operands.push(this.typer.push(node))
    this.sources.push(source)
  }

  take(): number {
    return this.#operands.pop() as number
  }

  takeMany(count: number): number[] {
    return count === 0 ? [] : this.#operands.splice(-count)
  }

  /** A null stands for what is wrong: it has every type, so that one fault does not become many. */
  refuse(source: number, code: FaultCode, message: string, suggestion?: string): void {
    const place = this.typer.nodes.length
    this.faults.push({ place, code, message, ...(suggestion === undefined ? {} : { suggestion }) })
    this.emit(['null'], source)
  }

  /** What was taken stays below the node that stands for the fault. */
  refuseTaken(place: number, base: number, { code, message, suggestion }: Omit<TypeFault, 'place'>): void {
    this.faults.push({ place: base, code, message, ...(suggestion === undefined ? {} : { suggestion }) })
    this.#operands.push(base)
    this.sources[base] = place
    this.typer.types[base] = { kind: 'any' }
  }

  /** It stands in the place of the node that it was made from. */
  replaceTaken(node: AstNode, base: number, source: number): void {
    this.typer.replaceLast(node)
    this.sources[base] = source
    this.#operands.push(base)
  }
}
