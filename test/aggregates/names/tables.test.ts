import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import t from 'tap'
import {
  includes,
  packCodePoints,
  packMapping,
  unpackCodePoints,
  unpackMapping,
} from '../../../src/aggregates/names/packed-tables.ts'
import { codePoint } from '../../support/code-point.ts'
import { tablesSource } from './tables-source.ts'

t.test('the tables of engine 1 are what the packages make of them, to the byte', async (t) => {
  const file = new URL('../../../src/aggregates/names/unicode-15.1.ts', import.meta.url)
  t.equal(await readFile(file, 'utf8'), tablesSource())
})

t.test('a packed set has the code points between its bounds', async (t) => {
  const bounds = fc.uniqueArray(fc.nat(0x10ffff), { minLength: 1 }).map((all) => all.sort((one, other) => one - other))
  fc.assert(
    fc.property(bounds, fc.nat(0x10ffff), (bounds, any) => {
      const set = unpackCodePoints(packCodePoints(bounds))
      const isIn = (codePoint: number) => bounds.filter((bound) => bound <= codePoint).length % 2 === 1
      return [any, ...bounds].every((codePoint) => includes(set, codePoint) === isIn(codePoint))
    }),
  )
  t.pass()
})

t.test('a packed mapping comes back', async (t) => {
  const code = fc.nat(0xd7ff)
  const target = fc.string({ unit: codePoint, minLength: 1 })
  fc.assert(
    fc.property(fc.dictionary(code.map(String), target, { minKeys: 1 }), (mapping) => {
      const entries = Object.entries(mapping).map(([from, to]): [number, string] => [Number(from), to])
      const unpacked = unpackMapping(packMapping(entries))
      return entries.every(([from, to]) => unpacked.get(String.fromCodePoint(from)) === to)
    }),
  )
  t.pass()
})
