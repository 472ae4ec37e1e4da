import { type Hash, hashFromBytes } from '../crypto/hash.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { EMPTY_ROOT, HASH_BYTES, nodeHash } from './hashing.ts'

/** An index or a size that the tree does not have. */
export class MerkleIndexOutOfRange extends ConcordataError {}

/** Hashes of all complete subtrees of 2^level leaves, side by side; shared by versions of the log that extend each other. */
interface Level {
  bytes: Uint8Array
  /** How many hashes stand in it, by whichever version has come furthest. */
  filled: number
}

/**
 * An append-only Merkle tree as in RFC 9162 §2.1, as an immutable value: `append` gives a new version and leaves the old
 * one as it was. Versions share their hashes, 32 bytes a node and about two nodes a leaf; a version that is extended
 * twice copies them first.
 */
export class MerkleLog {
  static readonly empty = new MerkleLog(0, [])
  readonly size: number
  readonly #levels: readonly Level[]

  private constructor(size: number, levels: readonly Level[]) {
    this.size = size
    this.#levels = levels
  }

  append(leaf: Uint8Array): MerkleLog {
    return this.appendAll([leaf])
  }

  appendAll(leaves: readonly Uint8Array[]): MerkleLog {
    const levels = this.#extendable()
    let size = this.size
    for (const leaf of leaves) {
      let hash = leaf
      for (let level = 0, index = size; ; level++, index = Math.floor(index / 2)) {
        put(levels, level, index, hash)
        if (index % 2 === 0) break
        hash = nodeHash(at(levels, level, index - 1), hash)
      }
      size++
    }
    return new MerkleLog(size, levels)
  }

  /** Requires 0 <= index < size. */
  leafHash(index: number): Uint8Array {
    this.#assertWithin(index, this.size - 1)
    return at(this.#levels, 0, index)
  }

  root(): Hash {
    return this.rootAt(this.size)
  }

  /** The root that the log had at an earlier size. Requires 0 <= size <= this.size. */
  rootAt(size: number): Hash {
    this.#assertWithin(size, this.size)
    return hashFromBytes(size === 0 ? EMPTY_ROOT : this.#hashOf(0, size))
  }

  /** RFC 9162 §2.1.3.1: the way from leaf `index` to the root at `size`, from the leaf up. Requires 0 <= index < size <= this.size. */
  inclusionProof(index: number, size: number = this.size): Hash[] {
    this.#assertWithin(size, this.size)
    this.#assertWithin(index, size - 1)
    return this.#path(index, 0, size).map(hashFromBytes)
  }

  /** RFC 9162 §2.1.4.1: that the tree at `to` extends the one at `from`. Requires 0 < from <= to <= this.size. */
  consistencyProof(from: number, to: number = this.size): Hash[] {
    this.#assertWithin(to, this.size)
    this.#assertWithin(from - 1, to - 1)
    return this.#subproof(from, 0, to, true).map(hashFromBytes)
  }

  #path(index: number, start: number, end: number): Uint8Array[] {
    if (end - start === 1) return []
    const middle = start + splitOf(end - start)
    if (index < middle) return [...this.#path(index, start, middle), this.#hashOf(middle, end)]
    return [...this.#path(index, middle, end), this.#hashOf(start, middle)]
  }

  #subproof(from: number, start: number, end: number, isWhole: boolean): Uint8Array[] {
    if (from === end) return isWhole ? [] : [this.#hashOf(start, end)]
    const middle = start + splitOf(end - start)
    if (from <= middle) return [...this.#subproof(from, start, middle, isWhole), this.#hashOf(middle, end)]
    return [...this.#subproof(from, middle, end, false), this.#hashOf(start, middle)]
  }

  /** Hash of the subtree over leaves start … end − 1; requires `start` to be a multiple of the least power of two >= end − start. */
  #hashOf(start: number, end: number): Uint8Array {
    const count = end - start
    const level = Math.floor(Math.log2(count))
    if (count === 2 ** level) return at(this.#levels, level, start / count)
    const middle = start + splitOf(count)
    return nodeHash(this.#hashOf(start, middle), this.#hashOf(middle, end))
  }

  /** The same hashes, or copies of them if another version has filled in behind this one already. */
  #extendable(): Level[] {
    const isNewest = (this.#levels[0]?.filled ?? 0) === this.size
    if (isNewest) return [...this.#levels]
    return this.#levels.map((level, height) => {
      const filled = Math.floor(this.size / 2 ** height)
      return { bytes: level.bytes.slice(0, filled * HASH_BYTES), filled }
    })
  }

  #assertWithin(value: number, max: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && value <= max) return
    throw new MerkleIndexOutOfRange('merkle_index_out_of_range', `${value} is not within 0 … ${max}`, { value, max })
  }
}

/** The greatest power of two below `count`. Requires count > 1. */
function splitOf(count: number): number {
  return 2 ** Math.floor(Math.log2(count - 1))
}

function at(levels: readonly Level[], level: number, index: number): Uint8Array {
  return (levels[level] as Level).bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
}

function put(levels: Level[], height: number, index: number, hash: Uint8Array): void {
  levels[height] ??= { bytes: new Uint8Array(16 * HASH_BYTES), filled: 0 }
  const level = levels[height]
  if (level.bytes.length < (index + 1) * HASH_BYTES) {
    const grown = new Uint8Array(Math.max(16 * HASH_BYTES, level.bytes.length * 2))
    grown.set(level.bytes)
    level.bytes = grown
  }
  level.bytes.set(hash, index * HASH_BYTES)
  level.filled = index + 1
}
