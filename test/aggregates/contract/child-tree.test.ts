import { deepEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ChildTree } from '../../../src/aggregates/contract/document/child-tree.ts'
import type { Field } from '../../../src/aggregates/contract/document/element.ts'
import { elementHash } from '../../../src/aggregates/contract/document/element-hash.ts'
import { hashFromBytes, hashToBytes } from '../../../src/crypto/hash.ts'
import type { ElementId } from '../../../src/events/ids.ts'
import { leafHash } from '../../../src/merkle/hashing.ts'
import { verifyInclusion } from '../../../src/merkle/inclusion.ts'
import { MerkleLog } from '../../../src/merkle/merkle-log.ts'
import { naiveRoot } from '../../support/naive-merkle.ts'

/** Appends a child, leaves some slots empty before it, or puts one, or none, into a slot that was given out. */
type Step =
  | { readonly kind: 'append' }
  | { readonly kind: 'skip'; readonly slots: number }
  | { readonly kind: 'put' | 'remove'; readonly at: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({ kind: 'append' } as const) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), slots: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('put' as const, 'remove' as const), at: fc.nat() }) },
  ),
  { maxLength: 80, size: 'max' },
)

function fieldNamed(name: string): Field {
  return {
    kind: 'field',
    id: '0.0' as ElementId,
    name,
    namedBy: null,
    owner: null,
    field: { type: 'text' },
    agreed: null,
    candidates: [],
  }
}

/** What an array would hold, and the tree, after each step. */
function* play(steps: readonly Step[]): Generator<{ slots: (Field | undefined)[]; tree: ChildTree<Field> }> {
  let slots: (Field | undefined)[] = []
  let tree: ChildTree<Field> = ChildTree.empty
  for (const [place, step] of steps.entries()) {
    const child = fieldNamed(`F${place}`)
    if (step.kind === 'append') {
      slots = [...slots, child]
      tree = tree.append(child)
    } else if (step.kind === 'skip') {
      tree = tree.put(slots.length + step.slots, child)
      slots = [...slots, ...Array.from({ length: step.slots }, () => undefined), child]
    } else if (slots.length > 0) {
      const at = step.at % slots.length
      const next = step.kind === 'put' ? child : undefined
      slots = slots.with(at, next)
      tree = tree.with(at, next)
    }
    yield { slots, tree }
  }
}

function leafOf(child: Field | undefined): Uint8Array {
  return leafHash(child === undefined ? new Uint8Array() : hashToBytes(elementHash(child)))
}

t.test('holds what an array would', async (t) => {
  fc.assert(
    fc.property(steps, (steps) => {
      for (const { slots, tree } of play(steps)) {
        equal(tree.slots, slots.length)
        deepEqual(
          slots.map((_, ordinal) => tree.get(ordinal)),
          slots,
        )
        deepEqual(
          [...tree],
          slots.filter((child) => child !== undefined),
        )
        equal(tree.get(slots.length), undefined)
      }
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('has the root of RFC 9162 over its slots, of every size and after every change', async (t) => {
  fc.assert(
    fc.property(steps, (steps) => {
      for (const { slots, tree } of play(steps)) {
        equal(hashFromBytes(tree.root(elementHash)), naiveRoot(slots.map((child) => hashFromBytes(leafOf(child)))))
      }
    }),
    { numRuns: 50 },
  )
  t.equal(hashFromBytes(ChildTree.empty.root(elementHash)), naiveRoot([]))
})

t.test('a change leaves the tree before it as it was', async (t) => {
  fc.assert(
    fc.property(steps, (steps) => {
      const all = [...play(steps)]
      const roots = all.map(({ tree }) => hashFromBytes(tree.root(elementHash)))
      const again = [...play(steps)]
      for (const { tree } of again) {
        tree.append(fieldNamed('X'))
        if (tree.slots > 0) tree.with(tree.slots - 1, undefined)
      }
      deepEqual(
        again.map(({ tree }) => hashFromBytes(tree.root(elementHash))),
        roots,
      )
    }),
    { numRuns: 50 },
  )
  t.pass()
})

t.test('an ordinary inclusion proof proves a child, or that its slot is empty', async (t) => {
  for (const size of [1, 2, 3, 5, 8, 13]) {
    const children = Array.from({ length: size }, (_, ordinal) =>
      ordinal === 2 ? undefined : fieldNamed(`F${ordinal}`),
    )
    let tree: ChildTree<Field> = ChildTree.empty
    for (const child of children) tree = tree.append(child ?? fieldNamed('to be removed'))
    if (size > 2) tree = tree.with(2, undefined)
    const log = MerkleLog.empty.appendAll(children.map(leafOf))
    for (const [index, child] of children.entries()) {
      const root = hashFromBytes(tree.root(elementHash))
      verifyInclusion({ leaf: leafOf(child), index, size, proof: log.inclusionProof(index, size), root })
    }
  }
  t.pass()
})

t.test('a slot that was never given out takes nothing', async (t) => {
  const broken = { name: 'AssertionFailed', message: 'the slot has been given out' }
  const emptyTree: ChildTree<Field> = ChildTree.empty
  t.throws(() => emptyTree.with(0, fieldNamed('F')), broken)
  t.throws(() => emptyTree.append(fieldNamed('F')).with(1, undefined), broken)
})
