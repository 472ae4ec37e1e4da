import { half, isOdd } from './bits.ts'

/** The leaves from `begin` up to, without, `end`. */
export interface LeafRange {
  readonly begin: number
  readonly end: number
}

/** A complete subtree: the leaves from `index * 2^level` up to, without, `(index + 1) * 2^level`. */
export interface Subtree {
  readonly level: number
  readonly index: number
}

/**
 * The complete subtrees that a tree over these leaves consists of, from left to right: its *compact range*. Their hashes
 * never change as the log grows, and the last one's joined to the left, one by one, give the root of the range.
 *
 *     0..7                     [0,4) level 2, index 0
 *         ______               [4,6) level 1, index 2
 *      __/    __\              [6,7) level 0, index 6
 *     /  \   /  \\             root = H( [0,4), H( [4,6), [6,7) ) )
 *     0123   45  6
 *
 * Requires a range that stands under one node of an RFC 9162 tree: `begin` is a multiple of the least power of two that is
 * not less than its length. Such a range begins with its largest subtree.
 */
export function completeSubtrees({ begin, end }: LeafRange): Subtree[] {
  let level = 0
  while (2 ** (level + 1) <= end - begin) level++
  const subtrees: Subtree[] = []
  for (let at = begin; at < end; level--) {
    const width = 2 ** level
    if (width > end - at) continue
    subtrees.push({ level, index: at / width })
    at += width
  }
  return subtrees
}

/**
 * Beside which ranges a node stands on its way to the root of a tree of `size` leaves, from the bottom up. Their roots,
 * joined to the node's own one by one, give the root of the tree. A node at the right edge has no neighbour on some
 * levels, and moves up unchanged there.
 * The node: leaves from `position * width` on, `width` of them. Requires it to be a complete subtree of the tree.
 */
export function siblings(node: { readonly width: number; readonly position: number }, size: number): LeafRange[] {
  const found: LeafRange[] = []
  for (let { width, position } = node; width < size; width *= 2, position = half(position)) {
    const begin = (isOdd(position) ? position - 1 : position + 1) * width
    if (begin < size) found.push({ begin, end: Math.min(begin + width, size) })
  }
  return found
}
