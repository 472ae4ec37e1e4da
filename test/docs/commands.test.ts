import { readdir, readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import t from 'tap'
import { commands } from '../../src/cli/main.ts'

const root = new URL('../../', import.meta.url)

async function documents(): Promise<[name: string, text: string][]> {
  const inFolder = async (folder: string) =>
    (await readdir(new URL(folder, root))).filter((name) => name.endsWith('.md')).map((name) => `${folder}${name}`)
  const names = [
    'README.md',
    'ops/README.md',
    ...(await inFolder('docs/')),
    ...(await inFolder('docs/operations/')),
    ...(await inFolder('ops/runbooks/')),
  ]
  return Promise.all(names.map(async (name) => [name, await readFile(new URL(name, root), 'utf8')] as [string, string]))
}

/** In code, a line that begins with the program's name, or has it after `$(` or `npx`, or its image after `docker run`. */
function commandsIn(text: string): string[] {
  const code = [...text.matchAll(/^ *```\w*.*\n([\s\S]*?)^ *```$/gm), ...text.matchAll(/`([^`\n]+)`/g)].map(
    ([, it = '']) => it.replace(/^ *docker run .* (?=concordata:)/gm, ''),
  )
  return code.flatMap(
    (lines) =>
      lines.match(/(?<=^|\$\(|npx |exec |until |&& )concordata(?::[\d.]+)? (?!test vector)[a-z][^\n)&]*/gm) ?? [],
  )
}

const program = await commands()

/** The commands that it names: `a|b` stands for both. Else what is wrong with it. */
function namedIn(line: string): Command[] | string {
  const [, ...words] = line.split(/\s+/)
  let named: Command[] = [program]
  for (const word of words) {
    const known = named[0]?.commands ?? []
    if (known.length === 0 || !/^[a-z|-]+$/.test(word)) break
    const found = word.split('|').map((name) => known.find((command) => command.name() === name))
    if (found.includes(undefined)) return `there is no ${word} in ${line}`
    named = found as Command[]
  }
  return named
}

const optionsIn = (line: string): string[] => line.match(/(?<=[\s[])--[a-z-]+/g) ?? []

/** What is wrong with it; undefined: nothing. */
function problemOf(line: string): string | undefined {
  const named = namedIn(line)
  if (typeof named === 'string') return named
  const [command = program] = named
  const unknown = optionsIn(line).find((option) => !command.options.some(({ long }) => long === option))
  return unknown && `${command.name()} has no ${unknown}: ${line}`
}

/** Every command that does something, as it is typed, and with each of its options. `--data` almost all have. */
function all(command: Command = program, path = 'concordata'): string[] {
  if (command.commands.length > 0) return command.commands.flatMap((one) => all(one, `${path} ${one.name()}`))
  const options = command.options.flatMap(({ long }) => (long === '--data' ? [] : `${path} ${long}`))
  return [path, ...options]
}

const namesIn = (command?: Command) => command && all(command)

/** The same of what a line of a document names. */
function allIn(line: string): string[] {
  const named = namedIn(line)
  if (typeof named === 'string') return []
  return named.flatMap((command) => {
    const names: string[] = []
    for (let at: Command | null = command; at !== null; at = at.parent) names.unshift(at.name())
    const path = names.join(' ')
    return [path, ...optionsIn(line).map((option) => `${path} ${option}`)]
  })
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
  t.ok(seen > 100, 'they are found')
})

t.test('every command that there is, and every option, is named in a document', async (t) => {
  const named = new Set((await documents()).flatMap(([, text]) => commandsIn(text).flatMap(allIn)))
  t.ok(all().length > 70, 'they are found')
  t.same(
    all().filter((one) => !named.has(one)),
    [],
  )
})

t.test('the list of all commands names each of them, once, with its options and arguments', async (t) => {
  const page = await readFile(new URL('docs/operations/commands.md', root), 'utf8')
  const [, list = ''] = /^## All commands\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(page) ?? []
  const lines = [...list.matchAll(/^\| `(concordata [^`]+)` \|/gm)].map(([, line = '']) => line)
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
  const pathOf = (command: Command): string =>
    command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
  const signatureOf = (command: Command) => {
    const options = command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : long))
    return `${pathOf(command)} ${options.filter((long) => long !== '--data' || command.name() === 'demo').sort()} ${command.registeredArguments.length}`
  }
  const listed = lines.map((line) => {
    const [named] = namedIn(line.replace(/ \[.*/, '')) as Command[]
    const path = named === undefined ? line : pathOf(named)
    const [, words = ''] = line.split(path)
    const positional =
      words
        .replace(/\[[^\]]*\]+/g, '')
        .replace(/--[a-z-]+ \S+/g, '')
        .match(/\b[A-Z][A-Z-]*\b/g) ?? []
    return `${path} ${[...new Set(optionsIn(line))].sort()} ${positional.length}`
  })
  t.same(listed.sort(), leaves(program).map(signatureOf).sort())
})

t.test('whoever names a command gets it, and what its file has beside it, but nothing else', async (t) => {
  for (const command of program.commands) {
    const own = (await commands(command.name())).commands
    t.ok(own.length < 6, command.name())
    t.same(namesIn(own.find((one) => one.name() === command.name())), namesIn(command))
  }
})

t.test('one that there is not is seen', async (t) => {
  t.match(problemOf('concordata kee rotate'), /there is no kee/)
  t.match(problemOf('concordata key rotate --date DIR'), /rotate has no --date/)
  t.match(problemOf('concordata key show|rotat'), /there is no show\|rotat/)
  t.same(commandsIn('```\ndocker run --rm x concordata:0.1.0 store setup --dato D\n```').map(problemOf), [
    'setup has no --dato: concordata:0.1.0 store setup --dato D',
  ])
  t.same(allIn('concordata key show|rotate --data DIR'), [
    'concordata key show',
    'concordata key show --data',
    'concordata key rotate',
    'concordata key rotate --data',
  ])
})
