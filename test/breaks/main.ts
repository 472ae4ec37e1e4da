import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commandLine, flag, number, text } from '../support/command-line.ts'
import type { Break } from './break.ts'
import { breaks } from './breaks.ts'

/**
 * `npm run breaks [-- --only name] [--from N] [--to N] [--all] [--list]`: takes one rule after another, or those from the Nth to the Nth, out
 * of a copy of the code, and says what notices: the test that is there for it, or, where none is, the first of test vectors, explorer, unit tests and simulator; with
 * `--all` all that do. What is there for a break has to be green without it. Ends with 1 if a break goes unnoticed.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const values = commandLine('npm run breaks -- [options]: takes one rule after another out of a copy of the code', {
  only: text('that one alone, by its name'),
  from: number(1, 'the first', 1),
  to: number(breaks.length, 'the last', 1),
  runs: number(400, 'of the simulator, where that is asked'),
  all: flag('all that notice are named'),
  list: flag('their numbers and names alone'),
})
const asked = breaks.slice(values.from - 1, values.to).filter(({ name }) => values.only === '' || name === values.only)
if (values.list) {
  for (const { caughtBy, name } of asked)
    console.log(`${breaks.findIndex((one) => one.name === name) + 1}  ${name}: ${caughtBy ?? 'any'}`)
  process.exit(0)
}
if (asked.length === 0) {
  console.error(`there is no break ${values.only || 'of these numbers'}; --list names those that there are`)
  process.exit(2)
}

/** What does not come to an end without what is taken out is noticed by that. */
const OWN_SECONDS_MAX = '240'

interface Catcher {
  readonly name: string
  readonly args: readonly string[]
}

/** What is there for the break has to notice: others are asked where nothing is, or all are. */
function catchersOf({ caughtBy }: Break): readonly Catcher[] {
  if (caughtBy === undefined) return catchers
  const own = { name: caughtBy, args: ['test/run/main.ts', '--timeout', OWN_SECONDS_MAX, caughtBy] }
  return values.all ? [own, ...catchers] : [own]
}

const catchers: readonly Catcher[] = [
  { name: 'vectors', args: ['test/run/main.ts', 'test/agreement/vectors.test.ts'] },
  { name: 'explorer', args: ['test/run/main.ts', 'test/explorer/explorer.test.ts'] },
  {
    name: 'unit tests',
    args: ['test/run/main.ts', 'test/aggregates', 'test/agreement', 'test/contracts', 'test/gossip'],
  },
  { name: 'simulator', args: ['test/simulation/main.ts', '--seed', '1', '--runs', String(values.runs)] },
]

/** Documents are what some tests are about. */
const isLeftOut = (part: string) => /^(?:\.git|\.tap|\.ci|coverage|data|dist|node_modules)$|\.log$/.test(part)

const copy = mkdtempSync(join(tmpdir(), 'concordata-break-'))
/** By what is asked, whether it is green where nothing is broken. */
const greenUnbroken = new Map<string, boolean>()
let unnoticed = 0
try {
  for (const part of readdirSync(root)) {
    if (!isLeftOut(part)) cpSync(join(root, part), join(copy, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const broken of asked) {
    const caught = tryOut(broken)
    if (caught.length === 0) unnoticed++
    console.log(`${broken.name}: ${caught.length === 0 ? 'NOT NOTICED' : caught.join('; ')}`)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
process.exit(unnoticed === 0 ? 0 : 1)

function tryOut(broken: Break): string[] {
  const { file, from, to } = broken
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
  const caught: string[] = []
  try {
    writeFileSync(
      path,
      text.replace(from, () => to),
    )
    for (const catcher of catchersOf(broken)) {
      const { status, stdout, stderr } = ask(catcher)
      if (status === 0) continue
      const seed = /seed (\d+) failed/.exec(stderr)
      caught.push(seed === null ? catcher.name : `${catcher.name} (seed ${seed[1]}: ${reasonIn(stderr || stdout)})`)
      if (!values.all) break
    }
  } finally {
    writeFileSync(path, text)
  }
  const [own] = catchersOf(broken)
  if (own === undefined || !caught.includes(own.name) || isGreen(own)) return caught
  console.log(`${broken.name}: ${own.name} is red without it, too`)
  return caught.filter((name) => name !== own.name)
}

function ask({ args }: Catcher) {
  return spawnSync(process.execPath, [...args], { cwd: copy, encoding: 'utf8' })
}

/** Requires that nothing is broken now. */
function isGreen(catcher: Catcher): boolean {
  const isGreen = greenUnbroken.get(catcher.name) ?? ask(catcher).status === 0
  greenUnbroken.set(catcher.name, isGreen)
  return isGreen
}

function reasonIn(output: string): string {
  return (/^\w*(?:Error|Violation|Damaged): (.{0,90})/m.exec(output)?.[1] ?? '').trim()
}
