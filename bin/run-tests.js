#!/usr/bin/env node
// Runs the tests with tap and closes with one line, `N passed, N failed`, that people and CI can both read.
import { spawn } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'

const report = '.tap/report.tap'
await mkdir('.tap', { recursive: true })
const args = ['run', '--output-file', report, ...process.argv.slice(2)]
const tap = spawn('tap', args, { stdio: 'inherit', shell: process.platform === 'win32' })
const code = await new Promise((resolve) => tap.on('exit', (status) => resolve(status ?? 1)))
const lines = (await readFile(report, 'utf8').catch(() => '')).split('\n')
// Leaves only: a test that holds others is followed by its own plan at the next indentation.
let passed = 0
let failed = 0
lines.forEach((line) => {
  const match = /^( *)(not )?ok \d+/.exec(line)
  if (match === null || /# (SKIP|TODO)/i.test(line)) return
  if (match[2] === undefined) passed++
  else failed++
})
if (code !== 0 && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = code
