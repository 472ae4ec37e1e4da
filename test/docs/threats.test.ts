import { readFile } from 'node:fs/promises'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const page = await readFile(new URL('docs/threats.md', root), 'utf8')

/** Who can do something to whom: each has a part of the page. */
const ACTORS = [
  'Stranger',
  'Approved party that is no member',
  'Invitee',
  'Member',
  'Several members together',
  'Operator',
  'Signing key',
  'Recovery key',
  'TLS key',
  'API key or access token',
  'UID secret',
  'Administrator of EventStoreDB',
  'Hostile store',
  'Hostile inward client',
]
const HEADER = /^\| (?:tries|try) \| what stops (?:it|them) \| shown by \|$/
const NOT_STOPPED = '| not stopped | why, and what is left to do |'

interface Named {
  readonly file: string
  readonly name: string
}

/** The cells of every row of the tables with that header in some text. */
function rowsUnder(text: string, isHeader: (line: string) => boolean): string[][] {
  const rows: string[][] = []
  let header = ''
  for (const line of text.split('\n')) {
    if (!line.startsWith('|')) header = ''
    else if (header === '') header = line
    else if (isHeader(header) && !line.startsWith('|---')) rows.push(cellsOf(line))
  }
  return rows
}

function cellsOf(row: string): string[] {
  const cells = row.split('|').slice(1, -1)
  return cells.map((cell) => cell.trim())
}

/** The tests in a cell; undefined stands for what is none. */
const testsIn = (cell: string): (Named | undefined)[] =>
  cell.split('<br>').map((one) => {
    const { file, name } = /^`(?<file>test\/[\w/.-]+\.test\.ts)` › (?<name>.+)$/.exec(one)?.groups ?? {}
    return file === undefined || name === undefined ? undefined : { file, name }
  })

const namesIn = (source: string): Set<string> =>
  new Set([...source.matchAll(/\.test\(\s*(['"`])(.+?)\1,/g)].map(([, , name = '']) => name))

const read = new Map<string, Promise<Set<string>>>()

function namesOf(file: string): Promise<Set<string>> {
  const known = read.get(file) ?? readFile(new URL(file, root), 'utf8').then(namesIn, () => new Set<string>())
  read.set(file, known)
  return known
}

/** What is wrong with the tables of threats in some text. */
async function faultsOf(text: string): Promise<string[]> {
  const faults: string[] = []
  for (const [threat = '', stops = '', tests = '', ...more] of rowsUnder(text, (line) => HEADER.test(line))) {
    if (threat === '' || stops === '' || more.length > 0) faults.push(`no row: ${threat}`)
    for (const named of testsIn(tests)) {
      if (named === undefined) faults.push(`no test: ${threat}`)
      else if (!(await namesOf(named.file)).has(named.name)) faults.push(`${named.file} has no test ${named.name}`)
    }
  }
  return faults
}

t.test('every threat that is stopped names tests that there are, by file and name', async (t) => {
  t.strictSame(await faultsOf(page), [])
})

t.test('who may be hostile has a part each, with what is stopped and what is not', async (t) => {
  const parts = new Map(page.split(/^##+ /m).map((part) => [part.split('\n', 1)[0] as string, part]))
  for (const actor of ACTORS) {
    const part = parts.get(actor) ?? ''
    t.ok(rowsUnder(part, (line) => HEADER.test(line)).length > 0, `${actor}: what is stopped`)
    const open = rowsUnder(part, (line) => line === NOT_STOPPED)
    t.ok(open.length > 0 && open.every((cells) => cells.length === 2 && !cells.includes('')), `${actor}: what is not`)
  }
})

t.test('every table is one of the two', async (t) => {
  const headers = page.split('\n').filter((_, at, lines) => lines[at + 1]?.startsWith('|---'))
  for (const header of headers) t.ok(HEADER.test(header) || header === NOT_STOPPED, header)
})

t.test('a test that is renamed, gone, or not named is seen', async (t) => {
  const here = 'test/docs/threats.test.ts'
  const rowWith = (tests: string) => `| tries | what stops it | shown by |\n|---|---|---|\n| this | that | ${tests} |\n`
  t.strictSame(await faultsOf(rowWith(`\`${here}\` › every table is one of the two`)), [])
  t.strictSame(await faultsOf(rowWith(`\`${here}\` › every table is one of the tw`)), [
    `${here} has no test every table is one of the tw`,
  ])
  t.strictSame(await faultsOf(rowWith('`test/docs/none.test.ts` › anything')), [
    'test/docs/none.test.ts has no test anything',
  ])
  t.strictSame(await faultsOf(rowWith('')), ['no test: this'])
  t.strictSame(await faultsOf(rowWith(`\`${here}\` › every table is one of the two<br>by hand`)), ['no test: this'])
})
