import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const glossary = readFileSync(new URL('docs/glossary.md', root), 'utf8')
const [terms, banned] = glossary.split('## Not used') as [string, string]
const firstsIn = (part: string) =>
  part
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('|---'))
    .slice(1)
    .map((line) => line.split('|')[1]?.trim() ?? '')

/** Those below a folder, and a file itself. */
function filesIn(place: string): string[] {
  if (/\.\w+$/.test(place)) return [place]
  return readdirSync(new URL(place, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|js|md|yaml|service)$/.test(file))
    .map((file) => `${place}/${file.replaceAll('\\', '/')}`)
}

const texts = ['src', 'test', 'bin', 'ops', 'docs', 'ARCHITECTURE.md', 'README.md', 'CONTRIBUTING.md']
  .flatMap(filesIn)
  .filter((file) => !['docs/glossary.md', 'test/docs/glossary.test.ts'].includes(file))
  .map((file) => [file, readFileSync(new URL(file, root), 'utf8')] as const)

/** In which names a word that is not used stands all the same, and why. */
const EXCUSED: readonly (readonly [name: string, why: string])[] = [
  ['outbox-asks', 'a stream: what is on disk has its name'],
  ['outbox-done', 'a stream: what is on disk has its name'],
  ['OUTBOX_STREAM', 'the stream of that name'],
  ['OUTBOX_DONE_STREAM', 'the stream of that name'],
  ['decodeOutbox', 'what the streams of that name hold'],
  ['OutboxEvent', 'what the streams of that name hold'],
  ['it stands in the outbox', 'the message of `transmitter_silent`, as it was released'],
  ['giveUpUnheard', 'in contracts/requests/local-requests.ts'],
]

/** Words, and the words in names: `contractDesk`, `DESK_MAX`. Not names that others give, as of a role at an identity provider. */
function wordsIn(line: string): string[] {
  const named = EXCUSED.reduce((rest, [name]) => rest.replaceAll(name, ''), line)
  return [...named.matchAll(/(?<![-/])(?:[A-Z]?[a-z]+|[A-Z]+(?![a-z]))/g)].map(([word]) => word.toLowerCase())
}

t.test('words stand in their order, each once', async (t) => {
  const words = firstsIn(terms)
  t.ok(words.length > 60)
  t.same(
    words,
    [...new Set(words)].sort((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1)),
  )
})

const notUsed = new Set(firstsIn(banned).flatMap((word) => [word, `${word}s`]))
const foundIn = (text: string) => text.split('\n').filter((line) => wordsIn(line).some((word) => notUsed.has(word)))

/**
 * Types that several files of src export under one name. One type, one name: none is added, and one that has names of its own is taken
 * out. Not those of the library: programs see them by these names.
 */
const TWICE: readonly string[] = []

t.test('a name of a type means one type', async (t) => {
  const files = new Map<string, string[]>()
  for (const [file, text] of texts) {
    if (!file.startsWith('src/') || !file.endsWith('.ts') || file.startsWith('src/library/')) continue
    for (const [, name = ''] of text.matchAll(/^export (?:abstract )?(?:class|interface|type) ([A-Z]\w*)/gm))
      files.set(name, [...(files.get(name) ?? []), file])
  }
  t.ok(files.size > 500, 'they are found')
  const twice = [...files].filter(([, some]) => some.length > 1)
  t.same(
    twice.filter(([name]) => !TWICE.includes(name)),
    [],
  )
  t.same(
    TWICE.filter((name) => !twice.some(([other]) => other === name)),
    [],
    'those that are excused are still there',
  )
})

/** Of the core, where a name is older than the rule that `assert` is for our own invariants alone. */
const OLDER = /^src\/(?:agreement|aggregates|contracts|events|merkle|gossip|store|crypto)\//

t.test('what refuses input validates or requires; only an invariant of ours is asserted', async (t) => {
  const asserting = /\b(?:function\*?|async|static|private)?\s*#?(assert[A-Z]\w*)\([^)]*\)?.*\{$/gm
  const found = texts.flatMap(([file, text]) =>
    file.startsWith('src/') && file.endsWith('.ts') && !OLDER.test(file)
      ? [...text.matchAll(asserting)].map(([, name]) => `${file}: ${name}`)
      : [],
  )
  t.same(found, [])
  t.ok('export function assertNodeVersion(version: string): void {'.match(asserting), 'it is seen')
  t.ok('  async #assertRoom(subject: Subject): Promise<void> {'.match(asserting), 'it is seen')
})

t.test('words that are not used are used nowhere: in no code, test, document or file of ops', async (t) => {
  t.ok(notUsed.size >= 20)
  t.ok(texts.length > 1200, 'they are found')
  const found = texts.flatMap(([file, text]) => foundIn(`${file}\n${text}`).map((line) => `${file}: ${line.trim()}`))
  t.same(found, [])
})

t.test('a name that is excused is there', async (t) => {
  for (const [name] of EXCUSED)
    t.ok(
      texts.some(([, text]) => text.includes(name)),
      name,
    )
})

t.test('a word that is not used is seen in a sentence, in a name, and in the name of a metric', async (t) => {
  const lines = [
    'It goes to the desk.',
    'class SigningDesk {',
    'const deskOf = 1',
    'DESK_MAX',
    'forgetResting(dir)',
    'concordata_contracts_awake',
    '3 couriers',
  ]
  t.same(foundIn(lines.join('\n')), lines)
  t.same(foundIn('a contract-desk, interesting, forgot, `outbox-asks`'), [])
})
