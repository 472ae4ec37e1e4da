import { type Hash, hashFromBytes } from '../crypto/hash.ts'
import { assert } from '../runtime/assert.ts'
import { HistoryPruned } from '../runtime/history-pruned.ts'
import { half, isOdd } from './bits.ts'
import { completeSubtrees, type LeafRange, type Subtree } from './compact-range.ts'
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hashing.ts'

/** 2 KiB: little for a short log, few enough for a long one that a copy of the list of chunks is cheap. */
const CHUNK_HASHES = 64
/** Whoever compares heads asks for the root of the last few sizes again and again: of each member, and of each statement. */
const ROOTS_MAX = 4

/**
 * The hashes of all complete subtrees of a growing log, 32 bytes each: about 64 bytes a leaf. Each level is a list of
 * chunks, so that growing never moves what is there, and a copy shares every chunk that is full.
 */
export class SubtreeHashes {
  readonly #levels: Uint8Array[][] = []
  /** Of each level the first index that is kept; left out: all are. */
  readonly #first: number[] = []
  /** By size, those asked for last. A log only grows, so they stay true. */
  readonly #roots = new Map<number, Hash>()
  #base = 0
  #size = 0

  /**
   * A log of which only the compact range is known: what was before can be continued, but not be asked for any more.
   * `roots`: those of `completeSubtrees({ begin: 0, end: size })`, 32 bytes each.
   */
  static resume(size: number, roots: readonly Uint8Array[]): SubtreeHashes {
    const resumed = new SubtreeHashes()
    resumed.#base = size
    resumed.#size = size
    for (let hashes = size; hashes > 0; hashes = half(hashes)) {
      const chunks: Uint8Array[] = new Array(Math.floor(hashes / CHUNK_HASHES))
      if (hashes % CHUNK_HASHES !== 0) chunks.push(new Uint8Array(CHUNK_HASHES * HASH_BYTES))
      resumed.#first.push(hashes)
      resumed.#levels.push(chunks)
    }
    const subtrees = completeSubtrees({ begin: 0, end: size })
    assert(subtrees.length === roots.length, 'there is a root for each subtree')
    subtrees.forEach(({ level, index }, place) => {
      const root = roots[place] as Uint8Array
      assert(root.length === HASH_BYTES, 'a hash has 32 bytes')
      const chunks = resumed.#levels[level] as Uint8Array[]
      const chunk = Math.floor(index / CHUNK_HASHES)
      chunks[chunk] ??= new Uint8Array(CHUNK_HASHES * HASH_BYTES)
      chunks[chunk].set(root, (index % CHUNK_HASHES) * HASH_BYTES)
      resumed.#first[level] = index
    })
    return resumed
  }

  /** The size at which it was resumed; 0: nothing is left out. */
  get base(): number {
    return this.#base
  }

  /** In leaves. */
  get size(): number {
    return this.#size
  }

  /** One leaf more, and the subtrees that it completes: one inner node on average. Requires 32 bytes. */
  append(leaf: Uint8Array): void {
    assert(leaf.length === HASH_BYTES, 'a leaf hash has 32 bytes')
    let hash = leaf
    let index = this.#size++
    this.#set(0, index, hash)
    for (let level = 1; isOdd(index); level++) {
      hash = nodeHash(this.at({ level: level - 1, index: index - 1 }), hash)
      index = half(index)
      this.#set(level, index, hash)
    }
  }

  /**
   * The bytes themselves, to be read at once and never to be given away. Requires a subtree that is complete. Throws
   * HistoryPruned for one before those that the log was resumed with.
   */
  at({ level, index }: Subtree): Uint8Array {
    if (index < (this.#first[level] ?? 0)) throw new HistoryPruned(`a subtree of the log at level ${level}`)
    const chunk = this.#levels[level]?.[Math.floor(index / CHUNK_HASHES)]
    assert(chunk !== undefined, 'the subtree is complete')
    const offset = (index % CHUNK_HASHES) * HASH_BYTES
    return chunk.subarray(offset, offset + HASH_BYTES)
  }

  /** Of the tree over the first `size` leaves. Requires size <= this.size. Throws HistoryPruned as `at` does. */
  root(size: number): Hash {
    if (size === 0) return EMPTY_ROOT
    const known = this.#roots.get(size)
    if (known !== undefined) return known
    const root = this.rootOf({ begin: 0, end: size })
    const [oldest] = this.#roots.keys()
    if (oldest !== undefined && this.#roots.size === ROOTS_MAX) this.#roots.delete(oldest)
    this.#roots.set(size, root)
    return root
  }

  /** Of the tree over these leaves, as RFC 9162 splits it. Requires one leaf or more. */
  rootOf(range: LeafRange): Hash {
    const roots = completeSubtrees(range).map((subtree) => this.at(subtree))
    return hashFromBytes(roots.reduceRight((right, left) => nodeHash(left, right)))
  }

  /** What belongs to the first `size` leaves, to be continued apart from this. Requires size <= this.size. */
  copy(size: number): SubtreeHashes {
    const copied = new SubtreeHashes()
    copied.#base = this.#base
    copied.#size = size
    copied.#first.push(...this.#first)
    for (let hashes = size; hashes > 0; hashes = half(hashes)) {
      const level = this.#levels[copied.#levels.length] as Uint8Array[]
      const chunks = level.slice(0, Math.ceil(hashes / CHUNK_HASHES))
      if (hashes % CHUNK_HASHES !== 0) chunks.push((chunks.pop() as Uint8Array).slice())
      copied.#levels.push(chunks)
    }
    return copied
  }

  #set(level: number, index: number, hash: Uint8Array): void {
    if (index === 0) this.#levels[level] = []
    const chunks = this.#levels[level] as Uint8Array[]
    const place = index % CHUNK_HASHES
    const chunk = place === 0 ? new Uint8Array(CHUNK_HASHES * HASH_BYTES) : (chunks.at(-1) as Uint8Array)
    if (place === 0) chunks.push(chunk)
    chunk.set(hash, place * HASH_BYTES)
  }
}
