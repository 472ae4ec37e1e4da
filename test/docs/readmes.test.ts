import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const folders = ['src', 'test'].flatMap((top) => [
  top,
  ...readdirSync(new URL(top, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${entry.parentPath.slice(root.pathname.length)}/${entry.name}`.replace(/\/+/g, '/')),
])

/** Files and folders that a README names, by a name without blanks and wildcards. */
function namedIn(text: string): string[] {
  return [...text.matchAll(/`((?:\.{1,2}\/|[\w-]+\/)*[\w.-]*\.(?:ts|js|json|md)|(?:\.{1,2}\/|[\w-]+\/)+)`/g)]
    .map(([, name = '']) => name)
    .filter((name) => !name.startsWith('.') || name.startsWith('./') || name.startsWith('../'))
}

/** As seen from the folder or one below it, from src, or from the root. */
function isThere(folder: string, name: string): boolean {
  const below = folders.filter((other) => other.startsWith(`${folder}/`))
  const places = [folder, ...below, 'src', '.'].map((place) => `${place}/${name}`)
  return places.some((place) => existsSync(new URL(place, root)))
}

t.test('every folder of src and test says what it is for', async (t) => {
  t.ok(folders.length > 80, 'they are found')
  t.same(
    folders.filter((folder) => !existsSync(new URL(`${folder}/README.md`, root))),
    [],
  )
})

/** More are several concepts. */
const FILES_MAX = 21

t.test(`no folder of src holds more than ${FILES_MAX} files`, async (t) => {
  const sizes = folders
    .filter((folder) => folder.startsWith('src'))
    .map((folder) => ({
      folder,
      files: readdirSync(new URL(folder, root), { withFileTypes: true }).filter((entry) => entry.isFile()).length,
    }))
  t.ok(
    sizes.some(({ files }) => files > 10),
    'they are counted',
  )
  t.same(
    sizes.filter(({ files }) => files > FILES_MAX),
    [],
  )
})

const LINES_MAX = 400

t.test(`no file of src and test has more than ${LINES_MAX} lines`, async (t) => {
  const files = ['src', 'test'].flatMap((top) =>
    readdirSync(new URL(top, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${top}/${file.replaceAll('\\', '/')}`),
  )
  const linesOf = (file: string) => readFileSync(new URL(file, root), 'utf8').split('\n').length - 1
  t.ok(files.length > 1_000, 'they are found')
  t.same(
    files.filter((file) => linesOf(file) > LINES_MAX),
    [],
  )
})

t.test('every file that the README of a folder names is there', async (t) => {
  const named = folders.flatMap((folder) => {
    const text = readFileSync(new URL(`${folder}/README.md`, root), 'utf8')
    return namedIn(text).map((name) => ({ folder, name }))
  })
  t.ok(named.length > 250, 'they are found')
  t.same(
    named.filter(({ folder, name }) => !isThere(folder, name)).map(({ folder, name }) => `${folder}: ${name}`),
    [],
  )
})

t.test(
  'the README of the read model says which tables and views a file has besides the one that it is named after',
  async (t) => {
    const folder = new URL('src/projections/tables/', root)
    const [, besides = ''] = readFileSync(new URL('README.md', folder), 'utf8').split('Besides: ')
    const kebab = (name: string) => name.replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
      const made = readFileSync(new URL(file, folder), 'utf8').matchAll(/CREATE (?:TABLE|VIEW) (\w+)/g)
      const others = [...made].flatMap(([, name = '']) => (`${kebab(name)}-table.ts` === file ? [] : name))
      const said = [...besides.matchAll(new RegExp(`\`${file}\` ([^;.]*)`, 'g'))]
      t.same(said.flatMap(([, names = '']) => names.split(', ')).sort(), others.sort(), file)
    }
  },
)

t.test('every file that CONTRIBUTING.md names is there', async (t) => {
  const named = namedIn(readFileSync(new URL('CONTRIBUTING.md', root), 'utf8'))
  t.ok(named.length > 50, 'they are found')
  t.same(
    named.filter((name) => !isThere('src', name) && !isThere('test', name)),
    [],
  )
})

t.test('a file that is not there is seen', async (t) => {
  const text = 'Read `none.ts` and `routes/` in `../http/body.ts`, not `a b.ts` or `Store`.'
  t.same(namedIn(text), ['none.ts', 'routes/', '../http/body.ts'])
  t.same(
    namedIn(text).map((name) => isThere('src/api/routes', name)),
    [false, false, true],
  )
})

interface ImportRule {
  readonly name: string
  readonly to: { readonly pathNot?: string }
}

/** By `.dependency-cruiser.cjs`: what each folder of src may import beside itself. */
function importsAllowed(): ReadonlyMap<string, readonly string[]> {
  const config: { readonly forbidden: readonly ImportRule[] } = createRequire(import.meta.url)(
    '../../.dependency-cruiser.cjs',
  )
  return new Map(
    config.forbidden.flatMap(({ name, to }) => {
      const [, folder = ''] = /^(\w+)-imports$/.exec(name) ?? []
      const [, folders = ''] = /^\^src\/\((.*)\)\/$/.exec(to.pathNot ?? '') ?? []
      return folder === '' ? [] : [[folder, folders.split('|').filter((other) => other !== folder)] as const]
    }),
  )
}

t.test('ARCHITECTURE.md says who may import whom as the check has it', async (t) => {
  const allowed = importsAllowed()
  const table = readFileSync(new URL('ARCHITECTURE.md', root), 'utf8').split('| folder | may import |')[1] ?? ''
  const [rowsOfTable = ''] = table.split('\n\n', 1)
  const rows = [...rowsOfTable.matchAll(/^\| (\w+) \| (.+) \|$/gm)]
  const said = new Map<string, string[]>()
  for (const [, folder = '', words = ''] of rows) {
    const above = [...said.keys()]
    const [first = ''] = words.split(';')
    const every = [...allowed.keys()].filter((other) => other !== folder)
    const but = first.startsWith('all but') ? first.slice('all but '.length).split(' and ') : []
    const as = /^as (\w+), and (\w+)$/.exec(first)
    const named = first.split(', ').filter((other) => allowed.has(other))
    const list =
      first === 'the above' || first === 'all above'
        ? above
        : first.startsWith('all')
          ? every.filter((other) => !but.includes(other))
          : as === null
            ? named
            : [...(said.get(as[1] ?? '') ?? []), as[2] ?? '']
    said.set(folder, list)
  }
  t.same([...said.keys()].sort(), [...allowed.keys()].sort())
  for (const [folder, others] of allowed) t.same([...(said.get(folder) ?? [])].sort(), [...others].sort(), folder)
})
