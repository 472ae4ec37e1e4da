import t from 'tap'
import { half, isOdd, lowestBit } from '../../src/merkle/bits.ts'

t.test('bits are those of the whole number, beyond 32 too', async (t) => {
  const numbers = [1, 2, 3, 12, 2 ** 31, 2 ** 32, 2 ** 32 + 2 ** 31, 2 ** 52, 2 ** 53 - 2, Number.MAX_SAFE_INTEGER]
  for (const number of numbers) {
    const exact = BigInt(number)
    t.equal(isOdd(number), (exact & 1n) === 1n, `is ${number} odd`)
    t.equal(half(number), Number(exact >> 1n), `half of ${number}`)
    t.equal(lowestBit(number), Number(exact & -exact), `lowest bit of ${number}`)
  }
  t.equal(isOdd(0), false)
  t.equal(half(0), 0)
})
