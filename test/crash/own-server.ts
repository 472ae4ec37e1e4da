import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CrashServer } from './crash-rounds.ts'

const PROGRAM = fileURLToPath(new URL('../support/eventstoredb-server/main.ts', import.meta.url))

/** Our reading of the EventStoreDB protocol, as a process that can be killed. */
export class OwnServer implements CrashServer {
  readonly settings: { readonly url: string }
  readonly #dir: string
  #child: ChildProcess

  private constructor(dir: string, url: string, child: ChildProcess) {
    this.#dir = dir
    this.settings = { url }
    this.#child = child
  }

  static async start(): Promise<OwnServer> {
    const dir = await mkdtemp(join(tmpdir(), 'crash-server-'))
    const { child, url } = await run([dir])
    return new OwnServer(dir, url, child)
  }

  async restart(): Promise<void> {
    await end(this.#child)
    const { port } = new URL(this.settings.url.replace('esdb:', 'http:'))
    this.#child = (await run([this.#dir, port])).child
  }

  async stop(): Promise<void> {
    await end(this.#child)
    await rm(this.#dir, { recursive: true, force: true })
  }
}

async function run(args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const url of createInterface({ input: child.stdout as NodeJS.ReadableStream })) return { child, url }
  throw new Error('the server ended before it was up')
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
