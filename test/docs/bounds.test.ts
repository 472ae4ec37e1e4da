import { readFile } from 'node:fs/promises'
import t from 'tap'
import {
  CONTRACTS_STREAM,
  contractStream,
  DIRECTORY_STREAM,
  evidenceStream,
  feedStream,
  INVITATIONS_STREAM,
  OUTBOX_DONE_STREAM,
  OUTBOX_STREAM,
} from '../../src/store/streams.ts'
import { nobodysUid } from '../support/uid.ts'
import { bounded } from './bounded.ts'
import { growing, growingIn } from './growing.ts'

const root = new URL('../../', import.meta.url)
const page = await readFile(new URL('docs/operations/limits.md', root), 'utf8')
/** Which files there are. */
const directory = await readFile(new URL('docs/operations/one-process.md', root), 'utf8')
const HEADER = '| what | who | bound | there | where | shown by |'

const rows = page
  .slice(page.indexOf(HEADER))
  .split('\n\n', 1)[0]
  ?.trimEnd()
  .split('\n')
  .slice(2)
  .map((row) => row.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim())) as string[][]
const places = rows.flatMap(([, , , , where = '']) => [...where.matchAll(/`([^`]+)`/g)].map(([, place = '']) => place))
const found = await growing()

t.test('whatever can grow is listed once: with what bounds it, or with why nothing has to', async (t) => {
  const listed = [
    ...places.filter((place) => place.includes('.ts #') || /\.ts \w/.test(place)),
    ...Object.values(bounded).flat(),
  ]
  t.same(
    found.filter((one) => !listed.includes(one)),
    [],
    'docs/operations/limits.md, "What others can make grow", or test/docs/bounded.ts lists it',
  )
  t.same(
    listed.filter((one) => !found.includes(one)),
    [],
    'and nothing that is not there',
  )
  t.same(
    listed.filter((one, at) => listed.indexOf(one) !== at),
    [],
    'nor anything twice',
  )
})

t.test('every stream is listed, and every file is one that the page names', async (t) => {
  const uid = nobodysUid()
  const streams = [CONTRACTS_STREAM, DIRECTORY_STREAM, INVITATIONS_STREAM, OUTBOX_STREAM, OUTBOX_DONE_STREAM].concat(
    [feedStream(uid, 'x' as never), contractStream(uid), evidenceStream(uid)].map(
      (name) => name.split('-')[0] as string,
    ),
  )
  t.same(places.filter((place) => place.startsWith('stream ')).sort(), streams.map((name) => `stream ${name}`).sort())
  const files = places.filter((place) => place.startsWith('file ')).map((place) => place.slice('file '.length))
  for (const file of files) t.ok(directory.includes(`\`${file}\``), file)
})

t.test('every row has a bound, and a test that tries to break it', async (t) => {
  for (const [what = '', who, bound, there, where, shown = '', ...more] of rows) {
    t.ok(
      [what, who, bound, there, where].every((cell) => cell !== undefined && cell !== ''),
      what,
    )
    t.same(more, [], what)
    for (const one of shown.split('<br>')) {
      const { file = '', name = '' } = /^`(?<file>test\/[\w/.-]+\.test\.ts)` › (?<name>.+)$/.exec(one)?.groups ?? {}
      const source = await readFile(new URL(file, root), 'utf8').catch(() => '')
      t.ok(name !== '' && [`'${name}'`, `"${name}"`].some((quoted) => source.includes(quoted)), one)
    }
  }
})

t.test('what can grow is found in whatever form it stands', async (t) => {
  const grows = [
    ['class A { readonly #all = new Map<string, number>() }', '#all'],
    ['class A { #all: string[] = [] }', '#all'],
    ['class A { #all: readonly string[] | undefined }', '#all'],
    ['class A { #text = ""; add() { this.#text += "more" } }', '#text'],
    ['const all = new Set<string>()\nexport const add = (one: string) => all.add(one)', 'all'],
    ['const all: string[] = []\nexport function add(one: string) { all.push(one) }', 'all'],
    ['const all = new Map<string, number>()\nexport const f = (one: string) => put(all, one)', 'all'],
    ['export function f() { const all = new Map(); return { add: (one: string) => all.set(one, 1) } }', 'all'],
    ['export function f(on: any) { const all: string[] = []; on("data", (one: string) => all.push(one)) }', 'all'],
  ]
  for (const [source = '', name] of grows) t.same(growingIn(source), [name], source)
  const doesNot = [
    'class A { readonly max = 1; add(n: number) { this.count += n }; count = 0 }',
    'const codes = new Set(["a", "b"])\nexport const has = (one: string) => codes.has(one)',
    'export function f(all: string[]) { const found = new Set<string>(); for (const one of all) found.add(one); return found }',
    'export function f(all: string[]) { const found: string[] = []; all.forEach((one) => found.push(one)); return found }',
    'class A { readonly #known = new WeakMap<object, number>() }',
  ]
  for (const source of doesNot) t.same(growingIn(source), [], source)
})
