import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Break } from './break.ts'
import { breaks } from './breaks.ts'

/**
 * `npm run breaks [-- --only name] [--from N] [--to N] [--all]`: takes one rule after another, or those from the Nth to the Nth, out
 * of a copy of the code, and says what notices first: the test that is there for it, the test vectors, the explorer, a unit test, or the simulator; with `--all` all
 * that do. What is there for a break has to be green without it. Ends with 1 if a break goes unnoticed.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    runs: { type: 'string', default: '400' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: String(breaks.length) },
    all: { type: 'boolean', default: false },
  },
})

interface Catcher {
  readonly name: string
  readonly args: readonly string[]
}

/** What is there for the break is asked first. */
const catchersOf = ({ caughtBy }: Break): readonly Catcher[] =>
  caughtBy === undefined ? catchers : [{ name: caughtBy, args: ['test/run/main.ts', caughtBy] }, ...catchers]

const catchers: readonly Catcher[] = [
  { name: 'vectors', args: ['test/run/main.ts', 'test/agreement/vectors.test.ts'] },
  { name: 'explorer', args: ['test/run/main.ts', 'test/explorer/explorer.test.ts'] },
  {
    name: 'unit tests',
    args: ['test/run/main.ts', 'test/aggregates', 'test/agreement', 'test/contracts', 'test/gossip'],
  },
  { name: 'simulator', args: ['test/simulation/main.ts', '--seed', '1', '--runs', values.runs] },
]

/** Documents are what some tests are about. */
const isLeftOut = (part: string) => /^(?:\.git|\.tap|\.ci|coverage|data|dist|node_modules)$|\.log$/.test(part)

let unnoticed = 0
for (const broken of breaks.slice(Number(values.from) - 1, Number(values.to))) {
  if (values.only !== undefined && broken.name !== values.only) continue
  const caught = tryOut(broken)
  if (caught.length === 0) unnoticed++
  console.log(`${broken.name}: ${caught.length === 0 ? 'NOT NOTICED' : caught.join('; ')}`)
}
process.exit(unnoticed === 0 ? 0 : 1)

function tryOut(broken: Break): string[] {
  const { file, from, to } = broken
  const copy = mkdtempSync(join(tmpdir(), 'concordata-break-'))
  try {
    for (const part of readdirSync(root)) {
      if (!isLeftOut(part)) cpSync(join(root, part), join(copy, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const path = join(copy, file)
    const text = readFileSync(path, 'utf8')
    if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`)
    const brokenText = text.replace(from, () => to)
    writeFileSync(path, brokenText)
    const caught: string[] = []
    for (const { name, args } of catchersOf(broken)) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...args], { cwd: copy, encoding: 'utf8' })
      if (status === 0) continue
      if (name === broken.caughtBy) {
        writeFileSync(path, text)
        const unbroken = spawnSync(process.execPath, [...args], { cwd: copy, encoding: 'utf8' })
        writeFileSync(path, brokenText)
        if (unbroken.status !== 0) {
          console.log(`${broken.name}: ${name} is red without it, too`)
          continue
        }
      }
      const seed = /seed (\d+) failed/.exec(stderr)
      caught.push(seed === null ? name : `${name} (seed ${seed[1]}: ${reasonIn(stderr || stdout)})`)
      if (!values.all) break
    }
    return caught
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function reasonIn(output: string): string {
  return (/^\w*(?:Error|Violation|Damaged): (.{0,90})/m.exec(output)?.[1] ?? '').trim()
}
