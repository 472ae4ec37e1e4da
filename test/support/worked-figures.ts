import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Scenario } from '../../src/scenario/scenario.ts'

/** Of blocks by their paths the fields, of lists the entries by their keys: amounts and numbers as texts. */
export type Figures = Readonly<Record<string, Readonly<Record<string, string | Readonly<Record<string, string>>>>>>

type Json = Record<string, unknown>

const folder = new URL('../scenario/', import.meta.url)

/** What the script gave for it, as it is committed. */
export function committedFigures(name: string): Figures {
  return JSON.parse(readFileSync(new URL(`${name}.figures.json`, folder), 'utf8'))
}

/** What `recompute.py` makes of a document; undefined where there is no python3. */
export function recomputedFigures(name: string, document: unknown): Figures | undefined {
  const script = fileURLToPath(new URL('recompute.py', folder))
  const { error, status, stdout, stderr } = spawnSync('python3', [script, name], {
    input: JSON.stringify(document),
    encoding: 'utf8',
  })
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined
  if (status !== 0) throw new Error(`recompute.py: ${stderr}`)
  return JSON.parse(stdout)
}

/** The same of a document, at the same places. */
export function figuresIn(document: unknown, like: Figures): Figures {
  const read = (path: string) => path.split('/').reduce<unknown>((at, name) => (at as Json)[name], document)
  const chosen = (from: unknown, wanted: object) =>
    Object.fromEntries(Object.keys(wanted).map((name) => [name, textOf((from as Json)[name])]))
  return Object.fromEntries(
    Object.entries(like).map(([path, wanted]) => {
      const found = read(path)
      if (!Array.isArray(found)) return [path, chosen(found, wanted)]
      // The key of an entry is its first field.
      const entries = new Map(found.map((entry: Json) => [textOf(Object.values(entry)[0]), entry]))
      const figures = Object.entries(wanted).map(([key, fields]) => [
        key,
        chosen(entries.get(key) ?? {}, fields as object),
      ])
      return [path, Object.fromEntries(figures)]
    }),
  )
}

/** A document without what rules have computed in it. */
export function withoutComputed(document: unknown, { rules }: Scenario): unknown {
  const raw = structuredClone(document)
  for (const { says } of rules) {
    if (says.kind === 'assignment') remove(raw, says.target.split('/'))
  }
  return raw
}

function remove(from: unknown, [name, ...below]: readonly string[]): void {
  if (name === undefined || typeof from !== 'object' || from === null) return
  if (Array.isArray(from)) for (const entry of from) remove(entry, below)
  else if (below.length === 0) delete (from as Json)[name]
  else remove((from as Json)[name], below)
}

function textOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'amount' in value ? String(value.amount) : String(value)
}
