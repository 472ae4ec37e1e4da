#!/usr/bin/env node
// Runs the tests with tap, holds the coverage against its thresholds, and closes with what failed, in full, and with one
// line, `N passed, N failed`.
import { execFileSync, spawn } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'

/** Percent of all code under src and bin that the tests must run. */
const THRESHOLDS = { Statements: 88, Branches: 85, Functions: 86, Lines: 88 }
const REPORT = '.tap/report.tap'

/** Of what is said of one failure. */
const LINES_MAX = 60

const args = process.argv.slice(2)
await mkdir('.tap', { recursive: true })
const tap = spawn('tap', ['run', '--reporter=terse', '--output-file', REPORT, ...args], { stdio: 'inherit' })
const code = await new Promise((resolve) => tap.on('exit', (status) => resolve(status ?? 1)))
const report = await readFile(REPORT, 'utf8').catch(() => '')
const counted = count(report)
const uncovered = args.length === 0 && code === 0 ? belowThresholds() : []
for (const line of [...failures(report), ...uncovered]) console.log(line)
const failed = counted.failed + uncovered.length || (code === 0 ? 0 : 1)
console.log(`${counted.passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function count(report) {
  const results = report.split('\n').filter(isResult)
  const notOk = results.filter(isFailure).length
  return { passed: results.length - notOk, failed: notOk }
}

/** What is skipped or to be done counts as neither. */
function isResult(line) {
  return /^ *(not )?ok \d+/.test(line) && !/# (SKIP|TODO)/i.test(line)
}

function isFailure(line) {
  return isResult(line) && /^ *not ok/.test(line)
}

/** Each assertion that failed, under the names of its tests: the report of tap scrolls away above the table of coverage. */
function failures(report) {
  const lines = report.split('\n')
  const names = []
  const found = []
  let failedDepth = 0
  for (const [at, line] of lines.entries()) {
    const depth = line.search(/\S/) / 4
    const name = /^ *# Subtest: (.*)/.exec(line)?.[1]
    if (name !== undefined) names.splice(depth, names.length, name)
    if (!isFailure(line)) continue
    // What a failed assertion stands in has failed as well, and says no more.
    if (failedDepth <= depth) {
      const further = lines.slice(at + 1, at + LINES_MAX)
      const end = further.findIndex((other) => /^ *\.\.\.$/.test(other))
      const diagnosis = further[0]?.trim() === '---' ? further.slice(1, end < 0 ? undefined : end) : []
      found.push('', names.slice(0, depth).join(' › '), line.trim(), ...diagnosis)
    }
    failedDepth = depth
  }
  return found
}

function belowThresholds() {
  const summary = execFileSync('tap', ['report', 'text-summary'], { encoding: 'utf8' })
  return Object.entries(THRESHOLDS).flatMap(([what, percent]) => {
    const covered = Number(new RegExp(`${what}\\s*:\\s*([\\d.]+)%`).exec(summary)?.[1] ?? 0)
    return covered >= percent ? [] : [`coverage: ${what} ${covered} %, but ${percent} % are asked for`]
  })
}
