import { readdir, readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import t from 'tap'
import { commands } from '../../src/cli/main.ts'

const root = new URL('../../', import.meta.url)

async function documents(): Promise<[name: string, text: string][]> {
  const inFolder = async (folder: string) =>
    (await readdir(new URL(folder, root))).filter((name) => name.endsWith('.md')).map((name) => `${folder}${name}`)
  const names = ['README.md', 'ops/README.md', ...(await inFolder('docs/')), ...(await inFolder('ops/runbooks/'))]
  return Promise.all(names.map(async (name) => [name, await readFile(new URL(name, root), 'utf8')] as [string, string]))
}

/** In code, a line that begins with the program's name, or has it after `$(` or `npx`. */
function commandsIn(text: string): string[] {
  const code = [...text.matchAll(/^```\w*.*\n([\s\S]*?)^```$/gm), ...text.matchAll(/`([^`\n]+)`/g)].map(
    ([, it = '']) => it,
  )
  return code.flatMap(
    (lines) => lines.match(/(?<=^|\$\(|npx |exec |until |&& )concordata (?!test vector)[a-z][^\n)&]*/gm) ?? [],
  )
}

/** What is wrong with it; undefined: nothing. `a|b` stands for both. */
function problemOf(line: string): string | undefined {
  const [, ...words] = line.split(/\s+/)
  let command: Command = commands()
  for (const word of words) {
    if (command.commands.length === 0 || !/^[a-z|-]+$/.test(word)) break
    const found = word.split('|').map((name) => command.commands.find((known) => known.name() === name))
    if (found.includes(undefined)) return `there is no ${word} in ${line}`
    command = found[0] as Command
  }
  const options = line.match(/(?<=[\s[])--[a-z-]+/g) ?? []
  const unknown = options.find((option) => !command.options.some(({ long }) => long === option))
  return unknown && `${command.name()} has no ${unknown}: ${line}`
}

t.test('every command that a document names is one that there is, with its options', async (t) => {
  let seen = 0
  for (const [name, text] of await documents()) {
    const found = commandsIn(text)
    seen += found.length
    t.same(
      found.flatMap((line) => problemOf(line) ?? []),
      [],
      name,
    )
  }
  t.ok(seen > 60, 'they are found')
})

t.test('one that there is not is seen', async (t) => {
  t.match(problemOf('concordata kee rotate'), /there is no kee/)
  t.match(problemOf('concordata key rotate --date DIR'), /rotate has no --date/)
  t.match(problemOf('concordata key show|rotat'), /there is no show\|rotat/)
})
