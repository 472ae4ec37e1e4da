import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'

export interface FileRun {
  readonly file: string
  /** What it wrote, in the Test Anything Protocol. */
  readonly output: string
  /** What it, and the processes that it has started, said beside that. */
  readonly errors: string
  readonly isOk: boolean
  /** Why it is not, where its output does not say so itself. */
  readonly reason?: string
  readonly seconds: number
}

const WITHOUT_DOMAINS = new URL('without-domains.ts', import.meta.url).href
/** tap ends a file in time, and says where it was; this is for one that cannot be ended so. */
const GRACE_SECONDS = 30
/** Of what a process that the file has left behind keeps open. */
const OUTPUT_MS = 2_000

export interface FileRunOptions {
  readonly timeoutSeconds: number
  /** Where the file, and each process that it starts, keeps what of the code is compiled: most of them load the same. */
  readonly compiled: string
  /** The URL of what each of them loads first. */
  readonly preload: string
  /** Where V8 writes what of the code was run. */
  readonly coverage?: string | undefined
}

/** Runs one test file. */
export async function runFile(file: string, options: FileRunOptions): Promise<FileRun> {
  const { timeoutSeconds, compiled, preload, coverage } = options
  const begun = performance.now()
  const env = {
    ...process.env,
    TAP: '1',
    TAP_TIMEOUT: String(timeoutSeconds),
    NODE_COMPILE_CACHE: compiled,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${preload}`,
  }
  const child = spawn(process.execPath, ['--import', WITHOUT_DOMAINS, file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: coverage === undefined ? env : { ...env, NODE_V8_COVERAGE: coverage },
  })
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('exit', (status, signal) => resolve(signal ?? (status as number)))
    child.once('error', reject)
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), (timeoutSeconds + GRACE_SECONDS) * 1_000)
  const read = Promise.all([readAll(child.stdout), readAll(child.stderr)])
  const status = await ended
  clearTimeout(timer)
  const waits = new AbortController()
  const late = pause(OUTPUT_MS, undefined, { signal: waits.signal }).then(
    () => {
      for (const stream of [child.stdout, child.stderr]) stream.destroy()
    },
    () => undefined,
  )
  const [output, errors] = await read
  waits.abort()
  await late
  const seconds = (performance.now() - begun) / 1_000
  const reason = reasonIn(status, output)
  return { file, output, errors, seconds, isOk: reason === undefined, ...(reason === undefined ? {} : { reason }) }
}

/** As far as it came. */
async function readAll(stream: Readable): Promise<string> {
  let read = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    read += chunk
  })
  await finished(stream, { writable: false }).catch(() => undefined)
  return read
}

function reasonIn(status: number | string, output: string): string | undefined {
  if (status !== 0) return `ended with ${status}`
  return /^ok \d+/m.test(output) ? undefined : 'tests nothing'
}
