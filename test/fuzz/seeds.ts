import { readFileSync } from 'node:fs'

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))

/** Of the tables of Unicode that pin what names are: what each kind of fault looks like, and what looks alike. */
function unicode(): string[] {
  const { texts } = read('../vectors/names/texts.json') as { readonly texts: readonly { readonly text: string }[] }
  const pairs = read('../vectors/names/confusables.json') as readonly { readonly one: string; readonly other: string }[]
  return [...texts.map(({ text }) => text), ...pairs.flatMap(({ one, other }) => [one, other])]
}

/** By kind. */
export const naughtyStrings: Readonly<Record<string, readonly string[]>> = read('seeds/naughty-strings.json')
export const jsonShapes: Readonly<Record<'n' | 'i' | 'y', readonly string[]>> = read('seeds/json-shapes.json')

export const seeds: readonly string[] = [...Object.values(naughtyStrings).flat(), ...unicode()]
export const shapes: readonly string[] = Object.values(jsonShapes).flat()
