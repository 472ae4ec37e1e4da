import { chmod, mkdir, rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { commandLineWithFiles, number, text } from '../support/command-line.ts'
import { unansweredIn } from './answered.ts'
import { Coverage } from './coverage.ts'
import { isMeasured, testFiles } from './files.ts'
import { runFile } from './run-file.ts'
import { TapReport } from './tap-report.ts'
import { bundleTypebox } from './typebox-bundle.ts'

/**
 * `npm test [-- [--jobs N] [--timeout SECONDS] [--dir DIR] [file or folder …]]`: runs each test file as a process of Node's own, and closes
 * with what failed, in full, and with one line, `N passed, N failed`. Of all files it holds the coverage against its thresholds, and
 * the problems that clients were answered against docs/errors.md.
 * `--dir` is where the report is written, what was run of the code, and what clients were answered.
 */
const usage = 'npm test [-- [options] [file or folder …]]: runs test files, and says what failed'
const { values, files: asked } = commandLineWithFiles(usage, {
  jobs: number(lanes(availableParallelism()), 'files at once', 1),
  timeout: number(600, 'of a file, in seconds', 1),
  dir: text('where the report is written', '.tap'),
})
const SLOWEST = 10

/** The longest files wait, for disks and for processes, while they hold a lane: on two cores a third one works meanwhile. */
function lanes(cores: number): number {
  return Math.max(3, Math.floor(cores / 2))
}

const coverage = asked.length === 0 ? new Coverage(`${values.dir}/coverage`) : undefined
const compiled = resolve(values.dir, 'compiled')
const answered = resolve(values.dir, 'answered')
process.env.CONCORDATA_ANSWERED = answered
for (const old of [`${values.dir}/coverage`, compiled, answered]) await rm(old, { recursive: true, force: true })
// Some tests start processes as other users; Node.js keeps what each user has compiled apart.
await mkdir(compiled, { recursive: true })
await chmod(compiled, 0o1777)
const preload = await bundleTypebox(resolve(values.dir, 'typebox'))
const report = await TapReport.open(`${values.dir}/report.tap`)
const waiting = await testFiles(asked)
const files = waiting.length
const seconds: [number, string][] = []

async function work(): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const raw = isMeasured(file) ? coverage?.folderFor(file) : undefined
    const run = await runFile(file, { timeoutSeconds: values.timeout, compiled, preload, coverage: raw })
    await report.add(run)
    if (!run.isOk) console.log(`not ok ${file}`)
    seconds.push([run.seconds, file])
    if (raw !== undefined) await coverage?.take(raw)
  }
}
await Promise.all(Array.from({ length: values.jobs }, work))

const uncovered = coverage === undefined ? [] : await coverage.belowThresholds()
const unmet = coverage === undefined ? [] : await unansweredIn(answered)
for (const line of [...report.failures(), ...uncovered, ...unmet]) console.log(line)
seconds.sort(([one], [other]) => other - one)
if (files > SLOWEST) {
  console.log(`slowest of ${files} files:`)
  for (const [time, file] of seconds.slice(0, SLOWEST)) console.log(`  ${time.toFixed(1).padStart(6)} s  ${file}`)
}
const failed = report.failed + uncovered.length + unmet.length + (files === 0 ? 1 : 0)
console.log(`${report.passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
