import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const pages = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...['docs', 'ops', 'src', 'test'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${folder}/${file}`),
  ),
]

const linksIn = (text: string) =>
  [...text.replace(/```[\s\S]*?```|`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))

/** As GitHub names the place of a heading. */
const anchorsIn = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

function isDead(page: URL, link: string): boolean {
  const target = new URL(link, page)
  const file = new URL(target.pathname, target)
  if (!existsSync(file)) return true
  if (target.hash === '') return false
  return statSync(file).isDirectory() || !anchorsIn(readFileSync(file, 'utf8')).includes(target.hash.slice(1))
}

t.test('every link of a document leads somewhere', async (t) => {
  const links = pages.flatMap((page) =>
    linksIn(readFileSync(new URL(page, root), 'utf8')).map((link) => ({ page, link })),
  )
  t.ok(links.length > 60, 'they are found')
  t.same(
    links.filter(({ page, link }) => isDead(new URL(page, root), link)),
    [],
  )
})

t.test('every page of operations stands in their index', async (t) => {
  const index = readFileSync(new URL('docs/operations/README.md', root), 'utf8')
  const listed = linksIn(index)
  const there = readdirSync(new URL('docs/operations/', root)).filter((file) => file !== 'README.md')
  t.same(
    there.filter((file) => !listed.includes(file)),
    [],
  )
})

t.test(
  'each recipe of CONTRIBUTING.md stands in the table of src/README.md, and each row of that leads to one',
  async (t) => {
    const [, section = ''] = readFileSync(new URL('src/README.md', root), 'utf8').split('\n## Where would I add …\n')
    const rows = (section.match(/^\| .*$/gm) ?? []).slice(1)
    const recipes = anchorsIn(readFileSync(new URL('CONTRIBUTING.md', root), 'utf8')).filter((one) => /^add-/.test(one))
    t.same(
      rows.map((row) => /^\| \[[^\]]+\]\(\.\.\/CONTRIBUTING\.md#([^)]+)\)/.exec(row)?.[1] ?? row).sort(),
      recipes.sort(),
    )
  },
)

t.test('a dead link is seen', async (t) => {
  const page = new URL('docs/api.md', root)
  t.same(
    ['none.md', '#nothing', 'errors.md#nothing', 'errors.md', '../README.md'].map((link) => isDead(page, link)),
    [true, true, true, false, false],
  )
})
