import { fileURLToPath } from 'node:url'
import t from 'tap'
import { PURE_FOLDERS, unpinnedIn, unpinnedUnder } from './pinned.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

for (const folder of PURE_FOLDERS) {
  t.test(`${folder} asks the runtime for nothing that another one, or a later one, may say otherwise`, async (t) => {
    t.same(unpinnedUnder(root, folder), [])
  })
}

/** Each is found, in one line, as that. */
const RED: readonly [string, string][] = [
  ['const name = text.toLowerCase()', 'toLowerCase'],
  ["const name = text['toUpperCase']()", 'toUpperCase'],
  ['const { normalize } = String.prototype', 'normalize'],
  ['names.sort((one, other) => one.localeCompare(other))', 'localeCompare'],
  ["const order = new Intl.Collator('en').compare", 'Intl'],
  ["const isBlank = text.trim() === ''", 'trim'],
  ['const now = Date.now()', 'Date'],
  ['const letter = /^\\p{L}+$/u', 'a Unicode class'],
  ['const notLetter = /\\P{L}/u', 'a Unicode class'],
  ['const words = text.split(/\\s+/)', 'a Unicode class'],
  ["const form = Type.String({ pattern: '^\\\\p{L}$' })", 'a Unicode class'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
  ["const form = new RegExp(`[${more}\\\\p{Lu}]`, 'u')", 'a Unicode class'],
  ['const either = /abc/i', 'letters of either case'],
  ['const rate = Math.exp(x)', 'Math.exp'],
  ['const root = Math.sqrt(x)', 'Math.sqrt'],
  ['const drawn = Math.random()', 'Math.random'],
  ['const { log } = Math', 'Math.?'],
  ["const sine = Math['sin'](x)", 'Math.?'],
  ['const interest = rate ** years', '**'],
]

for (const [line, what] of RED) {
  t.test(`found: ${line}`, async (t) => {
    t.same(unpinnedIn('src/events/example.ts', `\n${line}\n`), [{ place: 'src/events/example.ts:2', what }])
  })
}

t.test('what is exact by the standard is not', async (t) => {
  const lines = [
    'const half = Math.floor(n / 2)',
    'const width = 2 ** level',
    'const digit = /^[0-9]\\d*$/',
    "const a = 'Date'",
  ]
  t.same(unpinnedIn('src/events/example.ts', lines.join('\n')), [])
})

t.test('one file may bring names into normal form, and do nothing else of the kind', async (t) => {
  const file = 'src/aggregates/names/normal-form.ts'
  t.same(unpinnedIn(file, "export const nfc = (text: string) => text.normalize('NFC')"), [])
  t.match(unpinnedIn(file, 'export const low = (text: string) => text.toLowerCase()'), [{ what: 'toLowerCase' }])
})
