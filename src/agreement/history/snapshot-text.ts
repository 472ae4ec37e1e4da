import { type Hash, sha256 } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { type AgreementSnapshot, SNAPSHOT_VERSION } from './snapshot.ts'

/** Elements in one line of the text: to read or write it takes about a millisecond. */
const ELEMENTS_MAX = 256

/** A part of the document as a snapshot has it, with children, own values or a prototype that it may have. */
interface Part {
  readonly children?: readonly Part[] | Lifted
  readonly own?: Part | null
  readonly prototype?: Part
  readonly entries?: Part
}

/** In place of children: the number of the line that has the first of them, and how many lines they are. */
type Lifted = readonly [first: number, lines: number]

/**
 * A snapshot as text, in steps: a hash, then lines of JSON that it covers, each after those that it names. Children that are many
 * have lines of their own, so that none takes long. A damaged snapshot cannot pass for another one.
 *
 *     hash
 *     [{"id":"0.0",…},…]                                              line 0: the first children of the document
 *     [{"id":"0.256",…}]                                              line 1: the others
 *     {"agreed":{"document":{…,"children":[0,2]},…},"contract":…}     line 2: the snapshot
 */
export function* encodeSnapshot(snapshot: AgreementSnapshot): Generator<void, string> {
  const lines = new Lines()
  const { part } = yield* lines.lift(snapshot.agreed.document as Part)
  lines.add({ ...snapshot, agreed: { ...snapshot.agreed, document: part } })
  return lines.text
}

class Lines {
  readonly #lines: string[] = []
  #hash: Hash | '' = ''

  get text(): string {
    return `${this.#hash}\n${this.#lines.join('\n')}`
  }

  add(content: object): void {
    const line = JSON.stringify(content)
    this.#lines.push(line)
    this.#hash = sha256(this.#hash + line)
  }

  /** The same with children that are many in lines of their own, and how many elements are left in it. */
  *lift(part: Part): Generator<void, { readonly part: Part; readonly elements: number }> {
    const { children, own, prototype, entries } = part
    if (prototype !== undefined && entries !== undefined) {
      const [first, others] = [yield* this.lift(prototype), yield* this.lift(entries)]
      const lifted = { ...part, prototype: first.part, entries: others.part }
      return { part: lifted, elements: 1 + first.elements + others.elements }
    }
    if (own !== undefined && own !== null) {
      const inner = yield* this.lift(own)
      return { part: { ...part, own: inner.part }, elements: 1 + inner.elements }
    }
    return children === undefined ? { part, elements: 1 } : yield* this.#liftChildren(part, children as readonly Part[])
  }

  *#liftChildren(part: Part, children: readonly Part[]): Generator<void, { part: Part; elements: number }> {
    const groups: Part[][] = []
    let room = 0
    let elements = 1
    for (const child of children) {
      const lifted = isPlain(child) ? { part: child, elements: 1 } : yield* this.lift(child)
      room -= lifted.elements
      if (room < 0) {
        groups.push([])
        room = ELEMENTS_MAX - lifted.elements
        yield
      }
      groups.at(-1)?.push(lifted.part)
      elements += lifted.elements
    }
    if (groups.length <= 1) return { part: { ...part, children: groups.flat() }, elements }
    const first = this.#lines.length
    for (const group of groups) {
      this.add(group)
      yield
    }
    return { part: { ...part, children: [first, groups.length] }, elements: 1 }
  }
}

/** The inverse, in steps. Undefined: it is not to the character what `encodeSnapshot` made, in this version, of this contract. */
export function* decodeSnapshot(text: string, contract: Uid): Generator<void, AgreementSnapshot | undefined> {
  const [hash, ...lines] = text.split('\n')
  let covered: Hash | '' = ''
  for (const line of lines) {
    covered = sha256(covered + line)
    yield
  }
  const last = lines.at(-1)
  if (last === undefined || covered !== hash) return undefined
  const snapshot = JSON.parse(last) as AgreementSnapshot
  if (snapshot.v !== SNAPSHOT_VERSION || snapshot.contract !== contract) return undefined
  const document = yield* whole(snapshot.agreed.document as Part, lines)
  return { ...snapshot, agreed: { ...snapshot.agreed, document: document as typeof snapshot.agreed.document } }
}

function* whole(part: Part, lines: readonly string[]): Generator<void, Part> {
  const { children, own, prototype, entries } = part
  if (prototype !== undefined && entries !== undefined)
    return { ...part, prototype: yield* whole(prototype, lines), entries: yield* whole(entries, lines) }
  if (own !== undefined && own !== null) return { ...part, own: yield* whole(own, lines) }
  if (children === undefined) return part
  const all: Part[] = []
  for (const group of isLifted(children) ? linesFrom(children, lines) : [children]) {
    for (const child of group) all.push(isPlain(child) ? child : yield* whole(child, lines))
    yield
  }
  return { ...part, children: all }
}

function* linesFrom([first, count]: Lifted, lines: readonly string[]): Generator<readonly Part[]> {
  for (const line of lines.slice(first, first + count)) yield JSON.parse(line) as readonly Part[]
}

function isLifted(children: readonly Part[] | Lifted): children is Lifted {
  return typeof children[0] === 'number'
}

/** Nothing stands below it. */
function isPlain({ children, own, prototype }: Part): boolean {
  return children === undefined && prototype === undefined && (own === undefined || own === null)
}
