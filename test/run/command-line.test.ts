import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { CommandLineUnfit, describeOptions, flag, number, readCommandLine, text } from '../support/command-line.ts'

const ROOT = new URL('../../', import.meta.url)
const table = {
  runs: number(100, 'how many', 1),
  losingValues: flag('some get lost'),
  layout: text('of processes', 'node', ['node', 'split']),
  only: text('that one'),
}

t.test('what is set is read, and the others are as they are by default', async (t) => {
  const { files, values } = readCommandLine(table, ['--runs=7', '--losing-values', '--layout', 'split', 'a', 'b'], true)
  t.same(values, { runs: 7, losingValues: true, layout: 'split', only: '' })
  t.same(files, ['a', 'b'])
  t.same(readCommandLine(table, []).values, { runs: 100, losingValues: false, layout: 'node', only: '' })
  t.same(describeOptions(table), [
    '  --runs (100): how many',
    '  --losing-values (false): some get lost',
    '  --layout (node): of processes; node | split',
    '  --only (none): that one',
  ])
})

t.test('what is not understood is said in one line', async (t) => {
  for (const [args, message] of [
    [['--rums', '1'], "Unknown option '--rums'"],
    [['--runs'], "Option '--runs <value>' argument missing"],
    [['--losing-values=1'], "Option '--losing-values' does not take an argument"],
    [['--runs', 'many'], '--runs is a number from 1 on: many'],
    [['--runs', '0'], '--runs is a number from 1 on: 0'],
    [['--runs='], '--runs is a number from 1 on: '],
    [['--layout', 'round'], '--layout is one of node | split: round'],
    [['a'], "Unexpected argument 'a'"],
  ] as const)
    t.throws(() => readCommandLine(table, args), new CommandLineUnfit(message), args.join(' '))
})

t.test('each program of the tests is called so', async (t) => {
  const { scripts } = JSON.parse(await readFile(new URL('package.json', ROOT), 'utf8'))
  const programs = Object.values(scripts as Record<string, string>).flatMap((line) => {
    const file = /^node (test\/\S+)$/.exec(line)?.[1]
    // It takes everything from the environment.
    return file === undefined || file.endsWith('run-eventstoredb.ts') ? [] : [file]
  })
  t.equal(programs.length, 9)
  for (const program of programs)
    t.match(await readFile(new URL(program, ROOT), 'utf8'), /\bcommandLine(?:WithFiles)?\(\S/, program)

  const run = (...args: string[]) => {
    const main = fileURLToPath(new URL('test/run/main.ts', ROOT))
    const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
    return { status, stderr, stdout }
  }
  t.match(run('--help'), {
    status: 0,
    stderr: '',
    stdout: /^Usage: npm test [^\n]+\n {2}--jobs .*\n {2}--timeout/,
  })
  const unfit = "Unknown option '--limits'; --help says what there is\n"
  t.same(run('--limits', '1'), { status: 2, stderr: unfit, stdout: '' })
})
