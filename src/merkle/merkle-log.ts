import type { Hash } from '../crypto/hash.ts'
import { completeSubtrees } from './compact-range.ts'
import { consistencyPath } from './consistency.ts'
import { requireWithin } from './errors.ts'
import { inclusionPath } from './inclusion.ts'
import { SubtreeHashes } from './subtree-hashes.ts'

/**
 * An append-only list of leaf hashes with the Merkle tree of RFC 9162 over it. A value: appending answers another log and
 * leaves this one as it was, so that drafts and forks cost nothing to keep.
 *
 * The versions of a log share their memory. The newest one grows it in place: appending costs one inner node hash on
 * average. Appending to an older one, once, costs a copy of the lists of chunks (see SubtreeHashes), not of the log.
 */
export class MerkleLog {
  static readonly empty = new MerkleLog(new SubtreeHashes())

  /** In leaves. */
  readonly size: number
  readonly #hashes: SubtreeHashes
  /** Roots at sizes before that at which it was resumed. */
  readonly #earlier: ReadonlyMap<number, Hash>

  private constructor(hashes: SubtreeHashes, earlier: ReadonlyMap<number, Hash> = new Map()) {
    this.#hashes = hashes
    this.#earlier = earlier
    this.size = hashes.size
  }

  /**
   * A log of `size` leaves of which only the compact range is known. It goes on as any other; of sizes before this one, and
   * for proofs that need what is older, every method throws HistoryPruned. `roots`: as `compactRange` gives them. `earlier`: the
   * roots at some sizes before, which it knows all the same.
   */
  static resume(size: number, roots: readonly Uint8Array[], earlier?: ReadonlyMap<number, Hash>): MerkleLog {
    return size === 0 ? MerkleLog.empty : new MerkleLog(SubtreeHashes.resume(size, roots), earlier)
  }

  /** The size at which it was resumed; 0: it has all its leaves. */
  get base(): number {
    return this.#hashes.base
  }

  /** The roots of the complete subtrees that the tree of the first `size` leaves consists of, left to right; 32 bytes each. */
  compactRange(size: number): Uint8Array[] {
    requireWithin('size', size, this.size)
    return completeSubtrees({ begin: 0, end: size }).map((subtree) => this.#hashes.at(subtree).slice())
  }

  /** With one leaf more. Requires 32 bytes, as `leafHash` gives them; they are copied. */
  append(leafHash: Uint8Array): MerkleLog {
    return this.appendAll([leafHash])
  }

  appendAll(leafHashes: readonly Uint8Array[]): MerkleLog {
    if (leafHashes.length === 0) return this
    // All logs begin with the one that is empty: it must not keep the first of them in memory, so it never grows.
    const isNewest = this.#hashes.size === this.size && this.size > 0
    const hashes = isNewest ? this.#hashes : this.#hashes.copy(this.size)
    for (const leafHash of leafHashes) hashes.append(leafHash)
    return new MerkleLog(hashes, this.#earlier)
  }

  root(): Hash {
    return this.rootAt(this.size)
  }

  /** The root when the log had this size. O(log size). Throws MerkleIndexOutOfRange unless 0 <= size <= this.size. */
  rootAt(size: number): Hash {
    requireWithin('size', size, this.size)
    return this.#earlier.get(size) ?? this.#hashes.root(size)
  }

  /** 32 bytes. Throws MerkleIndexOutOfRange unless 0 <= index < this.size. */
  leafHash(index: number): Uint8Array {
    requireWithin('index', index, this.size - 1)
    return this.#hashes.at({ level: 0, index }).slice()
  }

  /**
   * RFC 9162 §2.1.3.1, the proof that leaf `index` is in the tree of the first `size` leaves; for `verifyInclusion`.
   * Throws MerkleIndexOutOfRange unless 0 <= index < size <= this.size.
   */
  inclusionProof(index: number, size: number): Hash[] {
    requireWithin('size', size, this.size)
    requireWithin('index', index, size - 1)
    return inclusionPath(index, size).map((range) => this.#hashes.rootOf(range))
  }

  /**
   * RFC 9162 §2.1.4.1, the proof that the tree of the first `to` leaves continues that of the first `from`; for
   * `verifyConsistency`. Empty where there is nothing to prove: from nothing, or from a size to itself.
   * Throws MerkleIndexOutOfRange unless 0 <= from <= to <= this.size.
   */
  consistencyProof(from: number, to: number): Hash[] {
    requireWithin('size', to, this.size)
    requireWithin('size', from, to)
    return consistencyPath(from, to).map((range) => this.#hashes.rootOf(range))
  }
}
