import { hashToBytes } from '../../crypto/hash.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from '../../merkle/hashing.ts'
import { elementHash } from './element-hash.ts'
import type { Element } from './state.ts'

type Tree = Leaf | Inner

/** One slot; `element` is undefined once it was removed: its number is never given again. */
interface Leaf {
  readonly kind: 'leaf'
  readonly element: Element | undefined
}

/** 2^height slots at most; the right half may not have begun. */
interface Inner {
  readonly kind: 'inner'
  readonly height: number
  readonly left: Tree
  readonly right: Tree | undefined
  hash: Uint8Array | undefined
}

const REMOVED: Leaf = { kind: 'leaf', element: undefined }
const REMOVED_HASH = leafHash(new Uint8Array())

/**
 * The children of a block by their ordinals: a persistent binary tree, whose hash has the shape of RFC 9162 §2.1.1 over
 * all slots ever given out, so a child is proven by an ordinary inclusion proof. One change copies and rehashes
 * O(log n) nodes; hashes are computed when asked for and kept.
 */
export class ChildTree {
  static readonly empty = new ChildTree(0, undefined)
  /** How many slots were given out; the next child gets this ordinal. */
  readonly slots: number
  readonly #tree: Tree | undefined

  private constructor(slots: number, tree: Tree | undefined) {
    this.slots = slots
    this.#tree = tree
  }

  get(ordinal: number): Element | undefined {
    if (ordinal >= this.slots) return undefined
    let tree = this.#tree
    while (tree?.kind === 'inner') tree = isRight(tree, ordinal) ? tree.right : tree.left
    return tree?.element
  }

  append(element: Element): ChildTree {
    const ordinal = this.slots
    const tree = this.#tree
    const isFull = tree !== undefined && ordinal === capacityOf(tree)
    const roomy: Tree | undefined = isFull
      ? { kind: 'inner', height: heightOf(tree) + 1, left: tree, right: undefined, hash: undefined }
      : tree
    return new ChildTree(ordinal + 1, roomy === undefined ? leafOf(element) : put(roomy, ordinal, leafOf(element)))
  }

  /** Requires a slot that was given out. */
  with(ordinal: number, element: Element | undefined): ChildTree {
    return new ChildTree(this.slots, put(this.#tree as Tree, ordinal, element === undefined ? REMOVED : leafOf(element)))
  }

  /** The children that are there, by ordinal. */
  *[Symbol.iterator](): Generator<Element> {
    if (this.#tree !== undefined) yield* elementsOf(this.#tree)
  }

  root(): Uint8Array {
    return this.#tree === undefined ? hashToBytes(EMPTY_ROOT) : hashOf(this.#tree)
  }
}

function leafOf(element: Element): Leaf {
  return { kind: 'leaf', element }
}

function heightOf(tree: Tree): number {
  return tree.kind === 'leaf' ? 0 : tree.height
}

function capacityOf(tree: Tree): number {
  return 2 ** heightOf(tree)
}

/** Which half of it the slot is in. Ordinals below stay well within 2^31, so shifting is safe. */
function isRight(tree: Inner, ordinal: number): boolean {
  return Math.floor(ordinal / 2 ** (tree.height - 1)) % 2 === 1
}

function put(tree: Tree, ordinal: number, leaf: Leaf): Tree {
  if (tree.kind === 'leaf') return leaf
  const { height, left, right } = tree
  if (!isRight(tree, ordinal)) return { kind: 'inner', height, left: put(left, ordinal, leaf), right, hash: undefined }
  const begun = right ?? leftmost(height - 1, leaf)
  return { kind: 'inner', height, left, right: put(begun, ordinal, leaf), hash: undefined }
}

/** A half of 2^height slots of which only the first is given out. */
function leftmost(height: number, leaf: Leaf): Tree {
  if (height === 0) return leaf
  return { kind: 'inner', height, left: leftmost(height - 1, leaf), right: undefined, hash: undefined }
}

function* elementsOf(tree: Tree): Generator<Element> {
  if (tree.kind === 'leaf') {
    if (tree.element !== undefined) yield tree.element
    return
  }
  yield* elementsOf(tree.left)
  if (tree.right !== undefined) yield* elementsOf(tree.right)
}

function hashOf(tree: Tree): Uint8Array {
  if (tree.kind === 'leaf') {
    return tree.element === undefined ? REMOVED_HASH : leafHash(hashToBytes(elementHash(tree.element)))
  }
  // A tree whose right half has not begun is as high as its left half: RFC 9162 has no node there.
  tree.hash ??= tree.right === undefined ? hashOf(tree.left) : nodeHash(hashOf(tree.left), hashOf(tree.right))
  return tree.hash
}
