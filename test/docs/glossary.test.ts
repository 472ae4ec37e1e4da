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

function filesIn(folder: string, ending: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => `${folder}/${file}`)
}

t.test('words stand in their order, each once', async (t) => {
  const words = firstsIn(terms)
  t.ok(words.length > 60)
  t.same(
    words,
    [...new Set(words)].sort((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1)),
  )
})

t.test('words that are not used are used nowhere', async (t) => {
  const words = firstsIn(banned)
  t.ok(words.length >= 5)
  // But for names that others give, as of a role at an identity provider.
  const isBanned = new RegExp(`(?<![-/])\\b(?:${words.join('|')})s?\\b(?!\\.test)`, 'i')
  const files = [
    ...filesIn('src', '.ts'),
    ...filesIn('src', '.md'),
    ...filesIn('docs', '.md'),
    'ARCHITECTURE.md',
    'README.md',
  ]
  for (const file of files.filter((name) => name !== 'docs/glossary.md')) {
    const found = readFileSync(new URL(file, root), 'utf8')
      .split('\n')
      .find((line) => isBanned.test(line))
    if (found !== undefined) t.fail(`${file}: ${found.trim()}`)
  }
})
