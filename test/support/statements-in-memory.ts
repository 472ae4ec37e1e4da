import { heapBytesOf } from '../../src/contracts/replica/inbound/reorder-buffer.ts'
import { canonicalJson } from '../../src/crypto/canonical-json.ts'
import { decodeSigned, encodeSigned, type SignedStatement } from '../../src/events/statement-codec.ts'
import { market } from './market.ts'

/** Prints what statements of one shape, as they come over the network, take in the heap, and what is counted for them. */
const COUNT = 15
const MEMBERS = 20_000
const shapes: { readonly [shape: string]: (nth: number) => unknown } = {
  text: () => ({ type: 'x', x: 'x'.repeat(500_000) }),
  'other scripts': () => ({ type: 'x', x: '契'.repeat(150_000) }),
  names: (nth) => ({
    ...Object.fromEntries(Array.from({ length: MEMBERS }, (_, at) => [`a${nth}x${at}`, 0])),
    type: 'x',
  }),
  objects: (nth) => ({ type: 'x', x: Array.from({ length: MEMBERS }, (_, at) => ({ [`a${nth}x${at}`]: 0 })) }),
  arrays: () => ({ type: 'x', x: Array.from({ length: MEMBERS }, () => [[]]) }),
  small: () => ({ type: 'x' }),
}
const [shape = ''] = process.argv.slice(2)
const make = shapes[shape]
if (make === undefined || globalThis.gc === undefined) throw new Error('a shape, and --expose-gc')
const [ana] = market('ana', 'ben')
const said = ana.says()
const count = shape === 'small' ? 100 * COUNT : COUNT
const lineOf = (nth: number): string => {
  const statement = { ...said.statement, requests: [{ id: 'x', commands: [make(nth)] }] }
  return encodeSigned(canonicalJson(statement), said.signature, {})
}
decodeSigned(lineOf(count))
globalThis.gc()
const before = process.memoryUsage()
const kept: SignedStatement[] = []
for (let nth = 0; nth < count; nth++) kept.push(decodeSigned(lineOf(nth)))
globalThis.gc()
const after = process.memoryUsage()
const counted = kept.reduce((sum, decoded) => sum + heapBytesOf(decoded), 0)
const measured = after.heapUsed + after.external - before.heapUsed - before.external
console.log(JSON.stringify({ counted, measured }))
