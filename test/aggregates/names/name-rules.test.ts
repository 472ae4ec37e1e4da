import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { nameRules } from '../../../src/aggregates/names/engine-1.ts'
import type { TextFault } from '../../../src/aggregates/names/name-rules.ts'
import { codePoint } from '../../support/code-point.ts'
import { readVectors } from '../../support/vectors.ts'
import { confusables } from './tables-source.ts'

interface Texts {
  readonly texts: readonly { readonly what: string; readonly text: string; readonly fault: TextFault | null }[]
  readonly elementNames: readonly { readonly what: string; readonly name: string; readonly fault: TextFault | null }[]
}
type Pairs = readonly { what: string; one: string; other: string; confusable: boolean }[]

const { texts, elementNames } = readVectors<Texts>('names/texts.json')

/** Of all planes, with those that make trouble often. */
const anyText = fc.oneof(
  fc.string({ unit: codePoint, maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc
    .array(
      fc.constantFrom('a', 'e', ' ', '\u0301', '\u0323', '\u0430', '\u1112', '\u1161', '\u11ab', '\u01c4', '\ufefb'),
      {
        maxLength: 8,
      },
    )
    .map((characters) => characters.join('')),
)
const fitText = anyText.map((text) => text.normalize('NFC')).filter((text) => nameRules.textFault(text) === undefined)

t.test('a text that several parties read can be read in one way only', async (t) => {
  for (const { what, text, fault } of texts) t.same(nameRules.textFault(text) ?? null, fault, what)
})

t.test('a name of an element is such a text, and a step of a path', async (t) => {
  for (const { what, text, fault } of texts) t.same(nameRules.elementNameFault(text) ?? null, fault, what)
  for (const { what, name, fault } of elementNames) t.same(nameRules.elementNameFault(name) ?? null, fault, what)
  for (const { name, fault } of elementNames) if (fault !== null) t.equal(nameRules.textFault(name), undefined, name)
})

t.test('two texts can be taken for each other as UTS 39 says', async (t) => {
  for (const { what, one, other, confusable } of readVectors<Pairs>('names/confusables.json')) {
    t.equal(nameRules.skeleton(one) === nameRules.skeleton(other), confusable, what)
  }
})

t.test('what UTS 39 takes for each other after NFD, code point by code point, so does the skeleton', async (t) => {
  for (const [source, target] of confusables()) {
    if (source.normalize('NFD') !== source) continue
    if (nameRules.skeleton(source) !== nameRules.skeleton(target)) t.fail(`${source} ${target}`)
  }
  t.ok(confusables().size > 6000)
})

t.test('a text without a fault is in NFC, stays so under its own characters, and is well-formed', async (t) => {
  fc.assert(
    fc.property(fitText, (text) => {
      if (text !== text.normalize('NFC') || !text.isWellFormed()) return false
      return text === text.normalize('NFD').normalize('NFC')
    }),
  )
  t.pass()
})

t.test('a skeleton is its own skeleton, and that of every spelling that is canonically equivalent', async (t) => {
  const same = (text: string) => {
    const skeleton = nameRules.skeleton(text)
    return nameRules.skeleton(skeleton) === skeleton && nameRules.skeleton(text.normalize('NFD')) === skeleton
  }
  fc.assert(fc.property(anyText, same))
  for (const character of fitCharacters()) if (!same(character)) t.fail(character)
  t.pass()
})

t.test('the first fault is said, at its place in code points', async (t) => {
  fc.assert(
    fc.property(fitText, anyText, (good, any) => {
      const fault = nameRules.textFault(`${good} \u200b${any}`)
      return fault?.kind === 'refused_character' && fault.at === [...good].length + 1
    }),
  )
  t.pass()
})

t.test('what is let through is nothing that the runtime takes for invisible, a control or a space', async (t) => {
  const refused = /^[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]$/u
  const fit = new Set(fitCharacters())
  for (const character of fit) if (refused.test(character) && character !== ' ') t.fail(character)
  t.equal(fit.size, 149_356)
})

t.test('this runtime has the normal forms that the tables rely on', async (t) => {
  const hash = createHash('sha256')
  for (const character of fitCharacters()) hash.update(`${character.normalize('NFC')}|${character.normalize('NFD')}\n`)
  t.equal(hash.digest('hex'), readVectors<{ sha256: string }>('names/normal-forms.json').sha256)
})

/** The code points that a text can have, alone or behind another one. */
function* fitCharacters(): Generator<string> {
  yield ' '
  for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
    const character = String.fromCodePoint(codePoint)
    const fault = codePoint === 0x20 ? { kind: 'space' } : nameRules.textFault(character)
    if (fault === undefined || fault.kind === 'not_nfc' || fault.kind === 'leading_mark') yield character
  }
}
