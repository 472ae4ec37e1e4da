import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const folder = new URL('docs/decisions/', root)
const topics = readdirSync(folder).filter((file) => file !== 'README.md')
const HEADING = /^## (\d{4}) \S/
const PARTS = ['Context', 'Decision', 'Refused', 'Follows', 'Code']

interface Decision {
  readonly topic: string
  readonly number: string
  readonly parts: ReadonlyMap<string, string>
}

function decisionsIn(topic: string, text: string): Decision[] {
  const sections = text.split(/^(?=## )/m).slice(1)
  return sections.map((section) => {
    const parts = [...section.matchAll(/^- \*\*(\w+)\*\*: ([\s\S]*?)(?=^- |$(?![\s\S]))/gm)]
    return {
      topic,
      number: HEADING.exec(section)?.[1] ?? `none: ${section.split('\n', 1)[0]}`,
      parts: new Map(parts.map(([, name = '', body = '']) => [name, body.trim()])),
    }
  })
}

function textsIn(name: string, endings: RegExp): [string, string][] {
  return readdirSync(new URL(name, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => endings.test(file))
    .map((file) => [`${name}/${file}`, readFileSync(new URL(`${name}/${file}`, root), 'utf8')])
}

/** `decision 0031`, `Decisions 0108, 0138`, also over the end of a line of a comment. */
function citedIn(text: string): string[] {
  const flat = text.replace(/\n\s*(?:\*|\/\/|#)?\s*/g, ' ')
  return [...flat.matchAll(/\bdecisions? (\d{4}(?:(?:,| and) \d{4})*)/gi)].flatMap(
    ([, some = '']) => some.match(/\d{4}/g) ?? [],
  )
}

/** The files under `Code`, and those in a folder that stands there. */
function codeOf({ parts }: Decision): string[] {
  const named = [...(parts.get('Code') ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
  return named.flatMap((name) =>
    name.endsWith('/') ? textsIn(name.slice(0, -1), /\.ts$/).map(([file]) => file) : [name],
  )
}

const decisions = topics.flatMap((topic) => decisionsIn(topic, readFileSync(new URL(topic, folder), 'utf8')))
const numbers = decisions.map(({ number }) => number)

t.test('each decision has a number of its own, and none is left out', async (t) => {
  t.equal(topics.length, 10)
  t.same(
    [...numbers].sort(),
    numbers.map((_, index) => String(index + 1).padStart(4, '0')),
  )
})

t.test('each decision says why, what, and where', async (t) => {
  for (const { topic, number, parts } of decisions) {
    const names = [...parts.keys()]
    t.same(
      names,
      PARTS.filter((name) => names.includes(name)),
      `${topic} ${number}: in this order`,
    )
    for (const name of ['Context', 'Decision', 'Code']) t.ok(parts.get(name), `${topic} ${number}: ${name}`)
  }
})

t.test('every file that a decision names is there', async (t) => {
  for (const { number, parts } of decisions) {
    const files = [...(parts.get('Code') ?? '').matchAll(/`([^`]+)`/g)].map(([, file = '']) => file)
    t.ok(files.length > 0, number)
    t.same(
      files.filter((file) => !existsSync(new URL(file, root))),
      [],
      number,
    )
  }
})

t.test('every decision that code or a document cites is there', async (t) => {
  const cited = ['src', 'test', 'docs', 'bin']
    .flatMap((name) => textsIn(name, /\.(ts|md|js)$/))
    .flatMap(([file, text]) => citedIn(text).map((number) => ({ file, number })))
    .filter(({ file }) => file !== 'test/docs/decisions.test.ts')
  t.ok(new Set(cited.filter(({ file }) => file.startsWith('src/')).map(({ number }) => number)).size >= 30)
  t.same(
    cited.filter(({ number }) => !numbers.includes(number)),
    [],
  )
})

t.test('each decision is cited where it is carried out', async (t) => {
  const isCitedIn = (file: string, number: string) =>
    citedIn(readFileSync(new URL(file, root), 'utf8')).includes(number)
  t.same(
    decisions.flatMap((one) => (codeOf(one).some((file) => isCitedIn(file, one.number)) ? [] : [one.number])),
    [],
  )
})

/** `0001–0025, 0109` in the row of a topic. */
function indexedIn(index: string, topic: string): string[] {
  const row = index.split('\n').find((line) => line.includes(`](${topic})`)) ?? ''
  return [...row.matchAll(/(\d{4})(?:–(\d{4}))?/g)].flatMap(([, first = '', last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, place) =>
      String(Number(first) + place).padStart(4, '0'),
    ),
  )
}

t.test('the index says where each decision stands', async (t) => {
  const index = readFileSync(new URL('README.md', folder), 'utf8')
  for (const topic of topics) {
    const stand = decisions.filter((decision) => decision.topic === topic).map(({ number }) => number)
    t.same(indexedIn(index, topic), [...stand].sort(), topic)
  }
})

t.test('the index leads to each topic', async (t) => {
  const index = readFileSync(new URL('README.md', folder), 'utf8')
  t.same(
    topics.filter((topic) => !index.includes(`](${topic})`)),
    [],
  )
})

t.test('what is missing is seen', async (t) => {
  const [decision] = decisionsIn('x.md', '# X\n\n## 0001 A\n\n- **Context**: one\n  line.\n- **Code**: `src/none.ts`\n')
  t.same(decision?.number, '0001')
  t.same(
    [...(decision?.parts ?? [])],
    [
      ['Context', 'one\n  line.'],
      ['Code', '`src/none.ts`'],
    ],
  )
  t.same(decisionsIn('x.md', '# X\n\n## Without a number\n')[0]?.number, 'none: ## Without a number')
  t.same(citedIn('// decision 0031, and decision 0999'), ['0031', '0999'])
  t.same(citedIn(' * that (design §3, decisions\n * 0108, 0138 and 0140).'), ['0108', '0138', '0140'])
  t.same(indexedIn('| [X](x.md) | 0001–0003, 0109 |', 'x.md'), ['0001', '0002', '0003', '0109'])
})
