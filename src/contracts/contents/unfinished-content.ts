import { type Hash, hashFromBytes, hashToBytes } from '../../crypto/hash.ts'
import { type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import type { Handle, Seq } from '../../events/ids.ts'
import { contentTree, type Piece, verifyPiece } from '../../merkle/content-tree.ts'

/** A content of which pieces are missing. */
export class UnfinishedContent {
  readonly content: NamedContent
  /** The statement that names it. */
  readonly party: Handle
  readonly seq: Seq
  /** By the places of the pieces, the hashes of those that are durable. */
  readonly #leaves: Map<number, Hash>
  /** Whom each that is missing was asked of, and has not answered yet. */
  readonly #asked = new Map<number, Handle>()

  constructor(content: NamedContent, party: Handle, seq: Seq, held: ReadonlyMap<number, Hash>) {
    this.content = content
    this.party = party
    this.seq = seq
    this.#leaves = new Map(held)
  }

  get pieces(): number {
    return piecesIn(this.content)
  }

  get isComplete(): boolean {
    return this.#leaves.size === this.pieces
  }

  /** Of all pieces. Requires that it is complete. */
  get leaves(): Hash[] {
    return Array.from({ length: this.pieces }, (_, index) => this.#leaves.get(index) as Hash)
  }

  /** Whether all pieces are those of the content: of what stood in the store nobody knew. Requires that it is complete. */
  get isTrue(): boolean {
    return contentTree(this.leaves.map(hashToBytes)).root() === this.content.hash
  }

  has(index: number): boolean {
    return this.#leaves.has(index)
  }

  get isWanting(): boolean {
    return this.#leaves.size + this.#asked.size < this.pieces
  }

  isAskedOf(peer: Handle, index: number): boolean {
    return this.#asked.get(index) === peer
  }

  /** The next that are missing and not asked of anybody, in a row, and now asked of that peer. Requires that it is wanting. */
  ask(peer: Handle, countMax: number): { readonly from: number; readonly count: number } {
    let from = 0
    while (this.#isTaken(from)) from++
    let count = 0
    while (count < countMax && from + count < this.pieces && !this.#isTaken(from + count)) {
      this.#asked.set(from + count, peer)
      count++
    }
    return { from, count }
  }

  /** What it was asked for and has not brought is free for others. Whether there is any. */
  release(peer: Handle): boolean {
    let isMissing = false
    for (const [index, of] of this.#asked) {
      if (of !== peer) continue
      this.#asked.delete(index)
      isMissing = true
    }
    return isMissing
  }

  /** Attacker-controlled: `piece`. Throws as `verifyPiece`. */
  verify(piece: Piece): Hash {
    return hashFromBytes(verifyPiece(piece, this.content))
  }

  /** It is durable. */
  took(index: number, leaf: Hash): void {
    this.#asked.delete(index)
    this.#leaves.set(index, leaf)
  }

  #isTaken(index: number): boolean {
    return this.#leaves.has(index) || this.#asked.has(index)
  }
}
