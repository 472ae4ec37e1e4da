#!/usr/bin/env -S node --max-semi-space-size=8
// Starts the command line under a Node.js that is new enough: this one, or the one that `npm ci` has put beside it.
// The space for what is young stays small: V8 lets it grow to three times 32 MB, and gives little of that back.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const packaged = join(root, 'node_modules', 'node', 'bin', 'node')
const sources = join(root, 'src', 'cli', 'main.ts')
const built = join(root, 'dist', 'cli', 'main.js')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
// A checkout runs its TypeScript as it is; the published package has JavaScript only.
const isCheckout = existsSync(sources)
const isNewEnough = isCheckout ? Boolean(process.features.typescript) : major > 22 || (major === 22 && minor >= 15)

if (isNewEnough) {
  const { main } = await import(isCheckout ? sources : built)
  process.exitCode = await main(process.argv.slice(2))
} else if (existsSync(packaged) && process.execPath !== packaged) {
  const self = fileURLToPath(import.meta.url)
  const stdio = process.send === undefined ? 'inherit' : ['inherit', 'inherit', 'inherit', 'ipc']
  const child = spawn(packaged, [...process.execArgv, self, ...process.argv.slice(2)], { stdio })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  if (process.send !== undefined) child.on('message', (message) => process.send?.(message))
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? (code ?? 1) : 1
  })
} else {
  console.error(`concordata needs Node.js 22.15 or newer; this is ${process.versions.node}.`)
  process.exitCode = 1
}
