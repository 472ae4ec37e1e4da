import { readFile } from 'node:fs/promises'
import t from 'tap'
import { currencies } from '../../../src/aggregates/currencies/engine-1.ts'
import { tableSource } from './table-source.ts'

t.test('the table of engine 1 is what the generator makes of its sources, to the byte', async (t) => {
  const file = new URL('../../../src/aggregates/currencies/iso-4217.ts', import.meta.url)
  t.equal(await readFile(file, 'utf8'), tableSource())
})

t.test('a currency has the decimals of its minor unit', async (t) => {
  const decimals = { JPY: 0, CLP: 0, EUR: 2, USD: 2, XCG: 2, BHD: 3, KWD: 3, CLF: 4, UYW: 4 }
  for (const [code, expected] of Object.entries(decimals)) t.equal(currencies.decimalsOf(code), expected, code)
})

t.test('what has no minor unit, and what is no code, is no currency', async (t) => {
  for (const code of ['XAU', 'XDR', 'XXX', 'XTS', 'DEM', 'USDT', 'usd', '', ' USD', 'constructor', '__proto__']) {
    t.equal(currencies.decimalsOf(code), undefined, JSON.stringify(code))
  }
})

t.test('each code stands in the table once', async (t) => {
  t.equal(currencies.codes.length, 167)
  t.ok(currencies.codes.every((code) => /^[A-Z]{3}$/.test(code)))
})
