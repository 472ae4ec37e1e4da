import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import { CONTENT_PIECE_BYTES, type ContentName, type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import { CountSchema, type Handle, HandleSchema, HashSchema, type Seq, type Uid } from '../../events/ids.ts'
import { jsonOf } from '../../runtime/parse-json.ts'
import type { NewEvent, Store, Write } from '../../store/port.ts'
import { contentsStream } from '../../store/streams.ts'

/** A content that a statement of this contract names and that this party is to hold. */
export interface AwaitedContent {
  readonly name: ContentName
  /** The statement. */
  readonly party: Handle
  readonly seq: Seq
  readonly pieces: number
}

const closed = { additionalProperties: false }
const awaitedForm = Compile(
  Type.Object({ name: HashSchema, party: HandleSchema, pieces: CountSchema, seq: CountSchema }, closed),
)
const begunForm = Compile(Type.Object({ name: HashSchema, pieces: CountSchema }, closed))
const namedForm = Compile(Type.Object({ name: HashSchema }, closed))

/** A statement that names a content. */
export type NamingStatement = Pick<AwaitedContent, 'party' | 'seq'>

/** How many statements that name one content are remembered. */
const NAMED_BY_MAX = 64
const MORE = 'more'

/**
 * Which contents there are of a contract, and which of them are complete: a stream beside the feeds, so that a restart goes on where it
 * was cut off. It has no hash of a content, and of its length only the number of pieces, since nothing in it is ever erased.
 */
export class ContentLog {
  readonly #store: Store
  readonly #contract: Uid
  /** In the order in which statements first named them. */
  readonly #awaited = new Map<ContentName, AwaitedContent>()
  /** How many pieces those have that this party has brought itself. */
  readonly #begun = new Map<ContentName, number>()
  readonly #held = new Set<ContentName>()
  /** Which statements name those that are awaited, as far as anything may come of them; of those beyond the bound one stands for all. */
  readonly #namedBy = new Map<ContentName, Map<string, NamingStatement | undefined>>()
  /** Revision of the next event that was not read yet. */
  #next = 0
  #isRead = false

  constructor(store: Store, contract: Uid) {
    this.#store = store
    this.#contract = contract
  }

  /** False: what there is, is not known yet. */
  get isRead(): boolean {
    return this.#isRead
  }

  get awaited(): Iterable<AwaitedContent> {
    return this.#awaited.values()
  }

  isHeld(name: ContentName): boolean {
    return this.#held.has(name)
  }

  /** Whose pieces this party has brought, and which no statement names. */
  get unnamed(): ContentName[] {
    return [...this.#begun.keys()].filter((name) => !this.#awaited.has(name))
  }

  isAwaited(name: ContentName): boolean {
    return this.#awaited.has(name)
  }

  /** The statements that name it, oldest first, as far as they are remembered. */
  namingsOf(name: ContentName): NamingStatement[] {
    const remembered = [...(this.#namedBy.get(name)?.values() ?? []), this.#awaited.get(name)]
    return remembered.filter((naming) => naming !== undefined)
  }

  /** Those of which no statement that names them is held: the node has died before it came to be, or it is to come again. */
  unheld(isHeld: (naming: NamingStatement) => boolean): ContentName[] {
    return [...this.#awaited.keys()].filter((name) => {
      const namings = [...(this.#namedBy.get(name)?.values() ?? [])]
      return namings.every((naming) => naming !== undefined && !isHeld(naming))
    })
  }

  piecesOf(name: ContentName): number | undefined {
    return this.#awaited.get(name)?.pieces ?? this.#begun.get(name)
  }

  /** Nothing comes of that statement. Whether no other one names it, either. */
  unname(name: ContentName, party: Handle, seq: Seq): boolean {
    const statements = this.#namedBy.get(name)
    statements?.delete(`${party}.${seq}`)
    return statements?.size === 0
  }

  /** Of all that are known, in bytes, the last piece of each counted whole. */
  get bytes(): number {
    let pieces = 0
    for (const one of this.#awaited.values()) pieces += one.pieces
    for (const name of this.unnamed) pieces += this.#begun.get(name) ?? 0
    return pieces * CONTENT_PIECE_BYTES
  }

  /** Takes in what stands there and was not read yet. */
  async read(): Promise<void> {
    const range = { from: this.#next }
    for await (const { type, data, revision } of this.#store.events.read(contentsStream(this.#contract), range)) {
      this.#next = revision + 1
      this.#took(type, data)
    }
    this.#isRead = true
  }

  /** A write has made it durable. */
  awaits(content: AwaitedContent): void {
    const { name, party, seq } = content
    if (!this.#awaited.has(name)) this.#awaited.set(name, content)
    const statements = this.#namedBy.get(name) ?? new Map<string, NamingStatement | undefined>()
    this.#namedBy.set(name, statements)
    if (statements.size < NAMED_BY_MAX) statements.set(`${party}.${seq}`, { party, seq })
    // Of more than are remembered one may count: then it stays.
    else statements.set(MORE, undefined)
  }

  /** The same. */
  holds(name: ContentName): void {
    this.#held.add(name)
  }

  async begin(name: ContentName, pieces: number): Promise<void> {
    await this.#append({ type: 'ContentBegun', data: canonicalJson({ name, pieces }) })
    this.#begun.set(name, pieces)
  }

  /** It is not known any more; `dropped` makes that durable. */
  forget(name: ContentName): void {
    this.#awaited.delete(name)
    this.#namedBy.delete(name)
    this.#begun.delete(name)
    this.#held.delete(name)
  }

  /** Requires that nothing of it is left. */
  async dropped(name: ContentName): Promise<void> {
    await this.#append({ type: 'ContentDropped', data: canonicalJson({ name }) })
  }

  async #append(event: NewEvent): Promise<void> {
    await this.#store.events.append(contentsStream(this.#contract), 'any', [event])
  }

  /** What has another form is passed over. */
  #took(type: string, data: string): void {
    const awaited = type === 'ContentAwaited' ? jsonOf(awaitedForm, data) : undefined
    const begun = type === 'ContentBegun' ? jsonOf(begunForm, data) : undefined
    const named = type === 'ContentHeld' || type === 'ContentDropped' ? jsonOf(namedForm, data) : undefined
    if (awaited !== undefined) this.awaits(awaited)
    if (begun !== undefined) this.#begun.set(begun.name, begun.pieces)
    if (named === undefined) return
    if (type === 'ContentHeld') this.holds(named.name)
    else this.forget(named.name)
  }
}

/** Goes before the statement that names them: what a crash between the two leaves is forgotten when it is next read. */
export function awaitedWrite(contract: Uid, party: Handle, seq: Seq, contents: readonly NamedContent[]): Write {
  const events = contents.map((content) => {
    const awaited = { name: content.name, party, pieces: piecesIn(content), seq }
    return { type: 'ContentAwaited', data: canonicalJson(awaited) }
  })
  return { kind: 'append', stream: contentsStream(contract), expectedRevision: 'any', events }
}

/** To be written behind the last piece. */
export function heldWrite(contract: Uid, name: ContentName): Write {
  const events = [{ type: 'ContentHeld', data: canonicalJson({ name }) }]
  return { kind: 'append', stream: contentsStream(contract), expectedRevision: 'any', events }
}
