import fc from 'fast-check'
import { codePoint } from '../support/code-point.ts'
import { seeds, shapes } from './seeds.ts'

/** What hides in texts and is often treated wrongly. */
const TRICKY = [
  '\\ud800',
  '\ud800',
  '\u0000',
  '\u202e',
  '\u2028',
  '\ufeff',
  'е' /* Cyrillic */,
  'ｅ',
  'e\u0301',
  '\\u0065',
  '𝟙',
  '\r\n',
  '\n\n',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '1e999',
  '-0',
  '0.0',
  '1E0',
  '9007199254740993',
  '-1',
  '00',
  'NaN',
  'null',
  'true',
  '{}',
  '[]',
  '""',
  '"__proto__":{"x":1},',
  '"constructor":1,',
  '"toJSON":1,',
  '"v":1,',
  '"v":1,"v":1,',
  '// ',
  '%',
  '%00',
  '%2f',
  '%ff',
  '../',
  '~',
  '=',
  '+',
  '— ',
]
const DEEP = 20_000

/** One change to a text; several make a mutation. */
type Change = (text: string, other: string) => string

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const place = (text: string, share: number) => Math.floor(share * (text.length + 1))

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(at, fc.nat(15)).map(
    ([share, bit]): Change =>
      (text) => {
        const index = place(text, share)
        if (index >= text.length) return text
        return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << bit)) + text.slice(index + 1)
      },
  ),
  at.map(
    (share): Change =>
      (text) =>
        text.slice(0, place(text, share)),
  ),
  at.map(
    (share): Change =>
      (text) =>
        text.slice(place(text, share)),
  ),
  fc.tuple(at, fc.constantFrom(...TRICKY)).map(
    ([share, tricky]): Change =>
      (text) => {
        const index = place(text, share)
        return text.slice(0, index) + tricky + text.slice(index)
      },
  ),
  fc.tuple(at, fc.constantFrom(...TRICKY), fc.nat(12)).map(
    ([share, tricky, length]): Change =>
      (text) => {
        const index = place(text, share)
        return text.slice(0, index) + tricky + text.slice(index + length)
      },
  ),
  fc.tuple(at, fc.constantFrom(...seeds), fc.nat(12)).map(
    ([share, seed, length]): Change =>
      (text) => {
        const index = place(text, share)
        return text.slice(0, index) + seed + text.slice(index + length)
      },
  ),
  // In place of what stands behind the last empty line: where there are headers, that is the body.
  fc.constantFrom(...shapes).map(
    (shape): Change =>
      (text) => {
        const end = text.lastIndexOf('\n\n')
        return end === -1 ? shape : text.slice(0, end + 2) + shape
      },
  ),
  // A piece twice, a piece left out, a piece of another valid one.
  fc.tuple(at, at).map(
    ([one, two]): Change =>
      (text) => {
        const [from, to] = [place(text, Math.min(one, two)), place(text, Math.max(one, two))]
        return text.slice(0, to) + text.slice(from)
      },
  ),
  fc.tuple(at, fc.nat(40)).map(
    ([share, length]): Change =>
      (text) => {
        const index = place(text, share)
        return text.slice(0, index) + text.slice(index + length)
      },
  ),
  fc.tuple(at, at).map(
    ([one, two]): Change =>
      (text, other) =>
        text.slice(0, place(text, one)) + other.slice(place(other, two)),
  ),
  // Some JSON value becomes another: the text stays JSON, so that what is behind the parser is reached.
  fc
    .tuple(
      fc.nat(),
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom<unknown>(null, true, -1, 1.5, 2 ** 53, 1e308, '', '__proto__', [], {}),
        fc.constantFrom(...seeds),
      ),
    )
    .map(
      ([index, value]): Change =>
        (text) =>
          replaceValue(text, index, value),
    ),
  fc.tuple(fc.nat(), fc.constantFrom('__proto__', 'toJSON', 'constructor', 'hasOwnProperty', '', 'x')).map(
    ([index, key]): Change =>
      (text) =>
        addMember(text, index, key),
  ),
  fc.constantFrom('[', '{"a":').map(
    (open): Change =>
      (text) =>
        text.replace(/:(?=[^:]*$)/, `:${open.repeat(DEEP)}`),
  ),
  fc
    .constantFrom('[')
    .map((): Change => (text) => replaceValue(text, 7, JSON.parse('['.repeat(DEEP) + ']'.repeat(DEEP)))),
)

/** Texts that are valid but for some changes, or not at all. `valid`: one at least. */
export function inputsFrom(valid: readonly string[]): fc.Arbitrary<string> {
  const one = fc.constantFrom(...valid)
  const mutated = fc
    .tuple(one, one, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([text, other, changes]) => changes.reduce((changed, apply) => apply(changed, other), text))
  return fc.oneof(
    { arbitrary: mutated, weight: 20 },
    { arbitrary: one, weight: 1 },
    { arbitrary: fc.string({ unit: codePoint, maxLength: 200 }), weight: 1 },
    { arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')), weight: 1 },
    { arbitrary: fc.json({ maxDepth: 5 }), weight: 1 },
  )
}

type Node = Record<string, unknown>

/** All places in a JSON value, as the object or array that holds each and its key there. */
function placesIn(value: unknown): { readonly holder: Node; readonly key: string }[] {
  if (value === null || typeof value !== 'object') return []
  const holder = value as Node
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])])
}

/** In one line of the text, if it has several and they are JSON. */
function inSomeLine(text: string, index: number, edit: (parsed: unknown) => void): string {
  const lines = text.split('\n')
  const which = index % lines.length
  try {
    const parsed: unknown = JSON.parse(lines[which] as string)
    edit(parsed)
    lines[which] = JSON.stringify(parsed)
    return lines.join('\n')
  } catch {
    return text
  }
}

function replaceValue(text: string, index: number, value: unknown): string {
  return inSomeLine(text, index, (parsed) => {
    const places = placesIn(parsed)
    const found = places[index % places.length]
    if (found !== undefined) found.holder[found.key] = value
  })
}

function addMember(text: string, index: number, key: string): string {
  return inSomeLine(text, index, (parsed) => {
    const objects = [parsed, ...placesIn(parsed).map(({ holder, key: inner }) => holder[inner])].filter(
      (value) => value !== null && typeof value === 'object' && !Array.isArray(value),
    )
    const found = objects[index % objects.length]
    if (found !== undefined)
      Object.defineProperty(found, key, { value: 1, enumerable: true, configurable: true, writable: true })
  })
}
