#!/usr/bin/env node
// Runs the tests with tap, holds the coverage against its thresholds, and closes with one line, `N passed, N failed`.
import { execFileSync, spawn } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'

/** Percent of all code under src and bin that the tests must run. */
const THRESHOLDS = { Statements: 88, Branches: 85, Functions: 86, Lines: 88 }
const REPORT = '.tap/report.tap'

const args = process.argv.slice(2)
await mkdir('.tap', { recursive: true })
const tap = spawn('tap', ['run', '--reporter=terse', '--output-file', REPORT, ...args], { stdio: 'inherit' })
const code = await new Promise((resolve) => tap.on('exit', (status) => resolve(status ?? 1)))
const counted = count(await readFile(REPORT, 'utf8').catch(() => ''))
const uncovered = args.length === 0 && code === 0 ? belowThresholds() : []
for (const line of uncovered) console.error(line)
const failed = counted.failed + uncovered.length || (code === 0 ? 0 : 1)
console.log(`${counted.passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function count(report) {
  const results = report.split('\n').filter((line) => /^ *(not )?ok \d+/.test(line) && !/# (SKIP|TODO)/i.test(line))
  const notOk = results.filter((line) => /^ *not ok/.test(line)).length
  return { passed: results.length - notOk, failed: notOk }
}

function belowThresholds() {
  const summary = execFileSync('tap', ['report', 'text-summary'], { encoding: 'utf8' })
  return Object.entries(THRESHOLDS).flatMap(([what, percent]) => {
    const covered = Number(new RegExp(`${what}\\s*:\\s*([\\d.]+)%`).exec(summary)?.[1] ?? 0)
    return covered >= percent ? [] : [`coverage: ${what} ${covered} %, but ${percent} % are asked for`]
  })
}
