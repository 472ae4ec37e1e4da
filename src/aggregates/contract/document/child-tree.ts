import { type Hash, hashToBytes } from '../../../crypto/hash.ts'
import { EMPTY_ROOT, leafHash, nodeHash } from '../../../merkle/hashing.ts'
import { assert } from '../../../runtime/assert.ts'

type Tree<Element> = Leaf<Element> | Inner<Element> | Gap

/** One slot; `element` is undefined once it was removed: its number is never given again (decision 0002). */
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

/** 2^height slots with nothing in them. */
interface Gap {
  readonly kind: 'gap'
  readonly height: number
}

// No child can be passed off as it: the leaf of a child is over 32 bytes.
const REMOVED_HASH = leafHash(new Uint8Array())
/** An ordinal has nine digits at most (ids.ts). */
const HEIGHT_MAX = 30
const gaps: readonly Gap[] = Array.from({ length: HEIGHT_MAX }, (_, height) => ({ kind: 'gap', height }))
const gapHashes: Uint8Array[] = [REMOVED_HASH]

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
    return tree?.kind === 'leaf' ? tree.element : undefined
  }

  /** With one child more, in a slot of its own: its ordinal is `slots`. Undefined: the slot of one that was removed. */
  append(element: Element | undefined): ChildTree<Element> {
    return this.put(this.slots, element)
  }

  /** With another element, or none, in a slot. Requires 0 <= ordinal < slots. */
  with(ordinal: number, element: Element | undefined): ChildTree<Element> {
    assert(ordinal < this.slots, 'the slot has been given out')
    return this.put(ordinal, element)
  }

  /** The same in any slot: those up to it, if they have not been given out, are as empty as those of removed children. */
  put(ordinal: number, element: Element | undefined): ChildTree<Element> {
    const leaf: Leaf<Element> = { kind: 'leaf', element }
    const slots = Math.max(this.slots, ordinal + 1)
    let tree: Tree<Element> = this.#tree ?? { kind: 'leaf', element: undefined }
    while (ordinal >= 2 ** heightOf(tree)) tree = inner(heightOf(tree) + 1, tree, undefined)
    return new ChildTree(slots, put(tree, ordinal, leaf))
  }

  /** The children that are there, in the order of their ordinals. */
  *[Symbol.iterator](): Generator<Element> {
    if (this.#tree !== undefined) yield* elementsOf(this.#tree)
  }

  /** Makes in steps what `root` then keeps. `hashingOf`: the same for an element. */
  *hashing(
    elementHash: (element: Element) => Hash,
    hashingOf: (element: Element) => Generator<void, void>,
  ): Generator<void, void> {
    if (this.#tree !== undefined) yield* hashingIn(this.#tree, elementHash, hashingOf)
  }

  /** 32 bytes. `elementHash`: always the same one, since what it gave is kept. */
  root(elementHash: (element: Element) => Hash): Uint8Array {
    return this.#tree === undefined ? hashToBytes(EMPTY_ROOT) : hashOf(this.#tree, elementHash)
  }
}

/** A step of `hashing` makes the hashes of a subtree of this height. */
const STEP_HEIGHT = 4

function* hashingIn<Element>(
  tree: Tree<Element>,
  elementHash: (element: Element) => Hash,
  hashingOf: (element: Element) => Generator<void, void>,
): Generator<void, void> {
  if (tree.kind === 'gap' || (tree.kind === 'inner' && tree.hash !== undefined)) return
  if (tree.kind === 'leaf') {
    if (tree.element !== undefined) yield* hashingOf(tree.element)
    return
  }
  yield* hashingIn(tree.left, elementHash, hashingOf)
  if (tree.right !== undefined) yield* hashingIn(tree.right, elementHash, hashingOf)
  hashOf(tree, elementHash)
  if (tree.height === STEP_HEIGHT) yield
}

function inner<Element>(height: number, left: Tree<Element>, right: Tree<Element> | undefined): Inner<Element> {
  return { kind: 'inner', height, left, right, hash: undefined }
}

function gap(height: number): Gap {
  return gaps[height] as Gap
}

function heightOf(tree: Tree<unknown>): number {
  return tree.kind === 'leaf' ? 0 : tree.height
}

/** Which half of it the slot is in. An ordinal has nine digits at most (ids.ts): bit operators see all of it. */
function isRight({ height }: Inner<unknown> | Gap, ordinal: number): boolean {
  return ((ordinal >> (height - 1)) & 1) === 1
}

function put<Element>(tree: Tree<Element>, ordinal: number, leaf: Leaf<Element>): Tree<Element> {
  if (tree.kind === 'leaf' || tree.height === 0) return leaf
  const { height } = tree
  const { left, right } = tree.kind === 'gap' ? { left: gap(height - 1), right: gap(height - 1) } : tree
  if (!isRight(tree, ordinal)) return inner(height, put(left, ordinal, leaf), right)
  if (right !== undefined) return inner(height, left, put(right, ordinal, leaf))
  return inner(height, filled(left), firstOf(height - 1, ordinal, leaf))
}

/** A half that begins, with nothing before the slot. */
function firstOf<Element>(height: number, ordinal: number, leaf: Leaf<Element>): Tree<Element> {
  if (height === 0) return leaf
  const half = gap(height - 1)
  return isRight({ kind: 'gap', height }, ordinal)
    ? inner(height, half, firstOf(height - 1, ordinal, leaf))
    : inner(height, firstOf(height - 1, ordinal, leaf), undefined)
}

/** The same slots, and behind them as many empty ones as make it whole. */
function filled<Element>(tree: Tree<Element>): Tree<Element> {
  if (tree.kind !== 'inner') return tree
  const { height, left, right } = tree
  if (right === undefined) return inner(height, filled(left), gap(height - 1))
  const whole = filled(right)
  return whole === right ? tree : inner(height, left, whole)
}

function* elementsOf<Element>(tree: Tree<Element>): Generator<Element> {
  if (tree.kind === 'gap') return
  if (tree.kind === 'leaf') {
    if (tree.element !== undefined) yield tree.element
    return
  }
  yield* elementsOf(tree.left)
  if (tree.right !== undefined) yield* elementsOf(tree.right)
}

function hashOf<Element>(tree: Tree<Element>, elementHash: (element: Element) => Hash): Uint8Array {
  if (tree.kind === 'gap') return gapHash(tree.height)
  if (tree.kind === 'leaf') {
    return tree.element === undefined ? REMOVED_HASH : leafHash(hashToBytes(elementHash(tree.element)))
  }
  const left = () => hashOf(tree.left, elementHash)
  tree.hash ??= tree.right === undefined ? left() : nodeHash(left(), hashOf(tree.right, elementHash))
  return tree.hash
}

function gapHash(height: number): Uint8Array {
  const half = () => gapHash(height - 1)
  gapHashes[height] ??= nodeHash(half(), half())
  return gapHashes[height]
}
