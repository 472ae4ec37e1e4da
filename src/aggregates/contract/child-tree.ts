import { type Hash, hashToBytes } from '../../crypto/hash.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from '../../merkle/hashing.ts'
import { assert } from '../../runtime/assert.ts'

type Tree<Element> = Leaf<Element> | Inner<Element>

/** One slot; `element` is undefined once it was removed: its number is never given again. */
interface Leaf<Element> {
  readonly kind: 'leaf'
  readonly element: Element | undefined
}

/** 2^height slots at most; `right` is undefined while its half has not begun. */
interface Inner<Element> {
  readonly kind: 'inner'
  readonly height: number
  readonly left: Tree<Element>
  readonly right: Tree<Element> | undefined
  /** Kept once it has been asked for. */
  hash: Uint8Array | undefined
}

// No child can be passed off as it: the leaf of a child is over 32 bytes.
const REMOVED_HASH = leafHash(new Uint8Array())

/**
 * The children of a block by their ordinals: an immutable value. Its root is that of an RFC 9162 tree with a leaf for each
 * slot ever given out, over the hash of the element in it or over nothing, so an ordinary inclusion proof proves a child.
 * One change copies and hashes again O(log slots) nodes, and shares all others. Here five slots:
 *
 *         height 3           while the right half of a node has not
 *         /      \           begun, the node hashes as its left half:
 *     height 2   height 2    so 4 alone stands for both nodes above it,
 *      /   \      /           as in the tree that RFC 9162 draws
 *     01   23  height 1
 *                /
 *               4
 */
export class ChildTree<Element> {
  static readonly empty: ChildTree<never> = new ChildTree<never>(0, undefined)
  /** How many slots were given out; the next child gets this ordinal. */
  readonly slots: number
  readonly #tree: Tree<Element> | undefined

  private constructor(slots: number, tree: Tree<Element> | undefined) {
    this.slots = slots
    this.#tree = tree
  }

  /** Undefined where a child was removed, or never was. */
  get(ordinal: number): Element | undefined {
    if (ordinal >= this.slots) return undefined
    let tree = this.#tree
    while (tree?.kind === 'inner') tree = isRight(tree, ordinal) ? tree.right : tree.left
    return tree?.element
  }

  /** With one child more, in a slot of its own: its ordinal is `slots`. Undefined: the slot of one that was removed. */
  append(element: Element | undefined): ChildTree<Element> {
    const leaf: Leaf<Element> = { kind: 'leaf', element }
    const tree = this.#tree
    if (tree === undefined) return new ChildTree(1, leaf)
    const height = heightOf(tree)
    const isFull = this.slots === 2 ** height
    const roomy = isFull ? inner(height + 1, tree, undefined) : tree
    return new ChildTree(this.slots + 1, put(roomy, this.slots, leaf))
  }

  /** With another element, or none, in a slot. Requires 0 <= ordinal < slots. */
  with(ordinal: number, element: Element | undefined): ChildTree<Element> {
    assert(this.#tree !== undefined && ordinal < this.slots, 'the slot has been given out')
    return new ChildTree(this.slots, put(this.#tree, ordinal, { kind: 'leaf', element }))
  }

  /** The children that are there, in the order of their ordinals. */
  *[Symbol.iterator](): Generator<Element> {
    if (this.#tree !== undefined) yield* elementsOf(this.#tree)
  }

  /** 32 bytes. `elementHash`: always the same one, since what it gave is kept. */
  root(elementHash: (element: Element) => Hash): Uint8Array {
    return this.#tree === undefined ? hashToBytes(EMPTY_ROOT) : hashOf(this.#tree, elementHash)
  }
}

function inner<Element>(height: number, left: Tree<Element>, right: Tree<Element> | undefined): Inner<Element> {
  return { kind: 'inner', height, left, right, hash: undefined }
}

function heightOf(tree: Tree<unknown>): number {
  return tree.kind === 'leaf' ? 0 : tree.height
}

/** Which half of it the slot is in. An ordinal has nine digits at most (ids.ts): bit operators see all of it. */
function isRight({ height }: Inner<unknown>, ordinal: number): boolean {
  return ((ordinal >> (height - 1)) & 1) === 1
}

function put<Element>(tree: Tree<Element>, ordinal: number, leaf: Leaf<Element>): Tree<Element> {
  if (tree.kind === 'leaf') return leaf
  const { height, left, right } = tree
  if (!isRight(tree, ordinal)) return inner(height, put(left, ordinal, leaf), right)
  return inner(height, left, right === undefined ? firstOf(height - 1, leaf) : put(right, ordinal, leaf))
}

/** A half that begins. */
function firstOf<Element>(height: number, leaf: Leaf<Element>): Tree<Element> {
  return height === 0 ? leaf : inner(height, firstOf(height - 1, leaf), undefined)
}

function* elementsOf<Element>(tree: Tree<Element>): Generator<Element> {
  if (tree.kind === 'leaf') {
    if (tree.element !== undefined) yield tree.element
    return
  }
  yield* elementsOf(tree.left)
  if (tree.right !== undefined) yield* elementsOf(tree.right)
}

function hashOf<Element>(tree: Tree<Element>, elementHash: (element: Element) => Hash): Uint8Array {
  if (tree.kind === 'leaf') {
    return tree.element === undefined ? REMOVED_HASH : leafHash(hashToBytes(elementHash(tree.element)))
  }
  const left = () => hashOf(tree.left, elementHash)
  tree.hash ??= tree.right === undefined ? left() : nodeHash(left(), hashOf(tree.right, elementHash))
  return tree.hash
}
