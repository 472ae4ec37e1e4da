import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

/** A process of its own, that speaks in lines. */
export interface StoreProcess {
  /** What it prints next. Undefined when it prints no more. */
  nextLine(): Promise<string | undefined>
  send(line: string): void
  /** At once, in the middle of whatever it does. What it has printed may still be read. */
  kill(): void
  /** Its exit code; null if it was killed. */
  readonly ended: Promise<number | null>
}

/** As if the disk were full: no file of the process grows beyond so many blocks of 512 bytes (POSIX `ulimit -f`). */
interface Limits {
  readonly fileBlocksMax?: number
}

/** Runs a script of this folder; ended with the test at the latest. */
export function startProcess(
  t: Test,
  script: string,
  args: readonly string[],
  { fileBlocksMax }: Limits = {},
): StoreProcess {
  const path = new URL(script, import.meta.url).pathname
  const limit = fileBlocksMax === undefined ? '' : `ulimit -f ${fileBlocksMax};`
  const command = ['-c', `${limit} exec "$0" "$@"`, process.execPath, path, ...args]
  // What is covered is written to a file, too, at the end of the process.
  const env = fileBlocksMax === undefined ? process.env : { ...process.env, NODE_V8_COVERAGE: undefined }
  const child = spawn('sh', command, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  t.teardown(() => {
    child.kill('SIGKILL')
    return ended
  })
  return {
    ended,
    nextLine: async () => (await lines.next()).value,
    send: (line) => void child.stdin.write(`${line}\n`),
    kill: () => void child.kill('SIGKILL'),
  }
}
