import fc from 'fast-check'
import t from 'tap'
import { valueFault } from '../../../src/aggregates/contract/values/value-types.ts'
import type { FieldType } from '../../../src/events/field-type.ts'
import { readVectors } from '../../support/vectors.ts'

interface Case {
  readonly type: FieldType
  readonly fit: readonly unknown[]
  readonly unfit: readonly unknown[]
}

const isParty = (handle: string) => ['broker', 'lead'].includes(handle)
const fits = (type: FieldType, value: unknown) => valueFault(type, value, isParty) === undefined

for (const { type, fit, unfit } of readVectors<Case[]>('values/field-values.json')) {
  t.test(`what is a value of the type ${type.type}, and what is not`, async (t) => {
    for (const value of fit) t.equal(fits(type, value), true, JSON.stringify(value))
    for (const value of unfit) t.equal(fits(type, value), false, JSON.stringify(value))
  })
}

t.test('an integer has one spelling: a number as far as numbers go, digits beyond', async (t) => {
  const type: FieldType = { type: 'integer' }
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n }), (integer) => {
      const isSafe = Number.isSafeInteger(Number(integer))
      return fits(type, String(integer)) === !isSafe && fits(type, Number(integer)) === isSafe
    }),
    { examples: [[2n ** 53n], [2n ** 53n - 1n], [2n ** 53n + 1n], [-(2n ** 53n)], [0n]] },
  )
  t.pass()
})

t.test('the calendar is that of the platform, for each day from 1582 to 2400', async (t) => {
  const type: FieldType = { type: 'date' }
  const dayMs = 86_400_000
  const end = Date.UTC(2401, 0, 1)
  let wrong = 0
  for (let day = Date.UTC(1582, 9, 15); day < end; day += dayMs) {
    const text = new Date(day).toISOString().slice(0, 10)
    const isLastOfMonth = new Date(day + dayMs).getUTCDate() === 1
    const next = `${text.slice(0, 8)}${String(new Date(day).getUTCDate() + 1).padStart(2, '0')}`
    if (!fits(type, text) || fits(type, next) === isLastOfMonth) wrong++
  }
  t.equal(wrong, 0)
})

t.test('of money it is said what does not fit: the form, the currency, or the decimals', async (t) => {
  const fault = (amount: string, currency: string, pinned?: string) =>
    valueFault({ type: 'money', ...(pinned && { currency: pinned }) }, { amount, currency }, isParty)
  t.equal(fault('1,5', 'USD'), 'form')
  t.equal(fault('1.5', 'XAU'), 'currency')
  t.equal(fault('1.5', 'USD', 'EUR'), 'currency')
  t.equal(fault('1.5', 'JPY', 'JPY'), 'decimals')
  t.equal(fault('1.50', 'EUR', 'EUR'), undefined)
})
