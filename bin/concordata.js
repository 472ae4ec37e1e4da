#!/usr/bin/env -S node --max-semi-space-size=8
// Starts the command line under a Node.js that is new enough: this one, or the one that `npm ci` has put beside it.
// The space for what is young stays small: V8 lets it grow to three times 32 MB, and gives little of that back (decision 0074).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const packaged = join(root, 'node_modules', 'node', 'bin', 'node')
const sources = join(root, 'src', 'cli', 'main.ts')
const built = join(root, 'dist', 'cli', 'main.js')
// A checkout runs its TypeScript as it is; the published package has JavaScript only.
const isCheckout = existsSync(sources)

// Whoever reads has seen enough: `concordata … | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(process.exitCode ?? 0)
  })
}

const unfit = await whyUnfit()
if (unfit === undefined) {
  endWithNpm()
  const { main } = await import(pathToFileURL(isCheckout ? sources : built))
  process.exitCode = await main(process.argv.slice(2))
} else if (existsSync(packaged) && process.execPath !== packaged) {
  runUnder(packaged)
} else {
  console.error(`${unfit} [runtime_unfit]`)
  process.exitCode = 1
}

/** Undefined: this Node.js is one of those that package.json names. */
async function whyUnfit() {
  if (isCheckout) {
    return process.features.typescript
      ? undefined
      : `concordata runs from its sources, which Node.js ${process.versions.node} does not read`
  }
  const { requireNodeVersion } = await import(pathToFileURL(join(root, 'dist', 'runtime', 'node-version.js')))
  try {
    requireNodeVersion(process.versions.node)
  } catch (error) {
    return error.message
  }
}

/** The other one does all, and ends as this one is ended; that this one is gone, it sees by the channel between them. */
function runUnder(node) {
  const self = fileURLToPath(import.meta.url)
  const child = spawn(node, [...process.execArgv, self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('message', (message) => process.send?.(message))
  if (process.connected) {
    process.once('disconnect', () => child.connected && child.disconnect())
    process.channel.unref()
  }
  endWithNpm()
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 1
    if (signal === null) return
    for (const passedOn of signals) process.removeAllListeners(passedOn)
    process.kill(process.pid, signal)
  })
}

/** `npx concordata node &` tells the pid of npx, which, killed, may leave its child alone: what npm has started ends with it. */
function endWithNpm() {
  if (process.env.npm_command === undefined) return
  const parent = process.ppid
  const look = () => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM')
  }
  setInterval(look, 1000).unref()
}
