import fc from 'fast-check'
import t from 'tap'
import { isLei } from '../../src/events/parties/lei.ts'

// Published in the Global LEI Index: GLEIF, Bloomberg Finance, Apple.
const GENUINE = ['506700GE1G29325QX363', '5493001KJTIIGC8Y1R12', 'HWUPKR0MPOU8FGXBT394']
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'

t.test('check digits that are published are right', async (t) => {
  for (const lei of GENUINE) t.ok(isLei(lei), lei)
})

t.test('as ISO 7064 computes them, over one big number', async () => {
  const numberOf = (text: string) => BigInt([...text].map((character) => ALPHABET.indexOf(character)).join(''))
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...ALPHABET), { minLength: 18, maxLength: 18 }),
      fc.nat(99),
      (characters, digits) => {
        const text = `${characters.join('')}${String(digits).padStart(2, '0')}`
        return isLei(text) === (numberOf(text) % 97n === 1n)
      },
    ),
  )
})

t.test('one digit for another, one letter for another, or two of a kind exchanged, and it is none', async (t) => {
  const isDigit = (character: string) => character < 'A'
  for (const lei of GENUINE) {
    for (let at = 0; at < lei.length; at++) {
      const [one = '', two = ''] = lei.slice(at)
      for (const other of ALPHABET) {
        if (other === one || isDigit(other) !== isDigit(one)) continue
        t.notOk(isLei(lei.slice(0, at) + other + lei.slice(at + 1)), `${other} at ${at}`)
      }
      if (one === two || two === '' || isDigit(one) !== isDigit(two)) continue
      t.notOk(isLei(lei.slice(0, at) + two + one + lei.slice(at + 2)), `${two}${one} at ${at}`)
    }
  }
})

t.test('nothing but 20 of A–Z and 0–9', async (t) => {
  for (const text of [
    '',
    '5493001kjtiigc8y1r12',
    ' 5493001KJTIIGC8Y1R12',
    '5493001KJTIIGC8Y1R12\n',
    '549300１KJTIIGC8Y1R12',
    '01',
  ])
    t.notOk(isLei(text), text)
})
