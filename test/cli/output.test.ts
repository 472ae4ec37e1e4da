import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'
import { jsonLines, print, printResult, table, visible } from '../../src/cli/output.ts'

const FORGED = 'Ben Re (ben)\nfingerprint  0000 1111\u001b[8m'

/** What these print to standard output. */
function printed(work: () => void): string {
  const { write } = process.stdout
  let text = ''
  process.stdout.write = (piece: string | Uint8Array) => {
    text += String(piece)
    return true
  }
  try {
    work()
  } finally {
    process.stdout.write = write
  }
  return text
}

t.test('a name cannot begin a line of its own, hide what follows, or turn the direction of writing', async (t) => {
  t.equal(
    printed(() => print(`party  ${FORGED}`)),
    'party  Ben Re (ben)\\u000afingerprint  0000 1111\\u001b[8m\n',
  )
  const rows = table(['', ''], [['party', FORGED]])
  t.equal(rows.length, 1)
  t.equal(rows[0], visible(rows[0] ?? ''))
  const unseen = [
    '\r',
    '\t',
    '\u0085',
    '\u009b',
    '\u200b',
    '\u202e',
    '\u2066',
    '\u2028',
    '\ufeff',
    '\u115f',
    '\ud800',
    '\u{e0041}',
  ]
  for (const character of unseen) {
    t.match(visible(`a${character}b`), /^a(\\u[0-9a-f]{4})+b$/, String(character.codePointAt(0)))
  }
  for (const seen of ['Zürich Rück', 'Ω 東京 שלום', 'a\\b 🙂']) t.equal(visible(seen), seen)
})

t.test('columns stay columns, whatever stands in them', async (t) => {
  const rows = table(
    ['name', 'at'],
    [
      ['\u202eab', 'x'],
      ['c', 'y'],
    ],
  )
  t.equal(new Set(rows.slice(2).map((row) => row.search(/[xy]$/))).size, 1)
})

t.test('JSON stays the same value', async (t) => {
  const value = { name: FORGED, seen: 'ü', 'a\u202eb': ['\u{e0041}', '\\u0041'] }
  const line = printed(() => printResult(true, value, ['what people read']))
  t.same(JSON.parse(line), value)
  t.equal(line, `${visible(line.slice(0, -1))}\n`, 'it is one line')
  const lines = printed(() => printResult(undefined, {}, jsonLines(value)))
  t.same(JSON.parse(lines), value)
  t.equal(lines, `${lines.split('\n').map(visible).join('\n')}`)
})

t.test('nothing of the command line writes past it', async (t) => {
  const root = new URL('../../src/cli/', import.meta.url)
  const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'))
  t.ok(files.length > 20)
  for (const name of files) {
    // A bar of progress is of our own making, and redraws its line.
    if (name === 'output.ts' || name === 'progress.ts') continue
    t.notMatch(await readFile(new URL(name, root), 'utf8'), /(stdout|stderr)\.write|console\./, name)
  }
})
