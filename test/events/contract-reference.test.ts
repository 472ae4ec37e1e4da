import fc from 'fast-check'
import t from 'tap'
import {
  contractReferenceFrom,
  contractReferenceText,
  isContractReference,
} from '../../src/events/values/contract-reference.ts'
import { readVectors } from '../support/vectors.ts'

const uid = '0bfp6e7bfq270g4sq0y7sxt0xs0bfp6e7bfq270g4sq0y7sxt0xs'
const vectors = readVectors<{ type: { type: string }; fit: readonly unknown[] }[]>('values/field-values.json')

t.test('the text of a reference to another contract is that of no other reference', async (t) => {
  for (const reference of vectors.find(({ type }) => type.type === 'contract')?.fit ?? []) {
    if (!isContractReference(reference)) throw new Error(`given: ${JSON.stringify(reference)} is one`)
    t.same(contractReferenceFrom(contractReferenceText(reference)), reference)
  }
  const path = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('a?at=', 'a?at=01', '?at=x', 'a/b', '\n', 'at=3'))
  fc.assert(
    fc.property(path, fc.option(fc.maxSafeNat()), (path, index) => {
      const reference = { contract: uid, path, ...(index !== null && { index }) }
      fc.pre(isContractReference(reference))
      t.same(contractReferenceFrom(contractReferenceText(reference)), reference)
    }),
  )
  for (const text of [
    '',
    'Terms',
    `${uid}/`,
    `${uid}?at=`,
    `${uid}?at=-1`,
    `${uid}Terms`,
    `${uid}?at=99999999999999999`,
  ]) {
    t.equal(contractReferenceFrom(text), undefined, text)
  }
})
