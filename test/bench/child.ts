import { type ChildProcess, fork } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { YOUNG_SPACE } from '../../src/cli/demo/party-process.ts'

/** A party as a process of its own, with memory as the program bounds it, asked over the channel that `fork` makes. One question at a time. */
export class Child {
  readonly #process: ChildProcess

  constructor(script: string) {
    this.#process = fork(new URL(script, import.meta.url), {
      execArgv: [YOUNG_SPACE],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
  }

  ask<T>(question: { readonly kind: string; readonly [name: string]: unknown }): Promise<T> {
    return new Promise((resolve, reject) => {
      const failed = (code: number | null) => reject(new Error(`the party ended with status ${code}`))
      this.#process.once('exit', failed)
      this.#process.once('message', (answer) => {
        this.#process.off('exit', failed)
        const { value, error } = answer as { value: T; error?: string }
        if (error === undefined) resolve(value)
        else reject(new Error(error))
      })
      this.#process.send(question)
    })
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.disconnect()
    await ended
  }
}

/** What every party is asked, whatever it consists of. */
type CommonQuestion =
  /** User and system time of the process so far, in microseconds. */
  | { readonly kind: 'cpu' }
  /** Begins a CPU profile, or ends it and leaves it in a file. */
  | { readonly kind: 'profile'; readonly file?: string }

/** The other side: answers questions until the channel closes. */
export function answerQuestions(answer: (question: never) => Promise<unknown>, close: () => Promise<void>): void {
  process.on('message', (question: CommonQuestion) => {
    const answered =
      question.kind === 'cpu' || question.kind === 'profile' ? common(question) : answer(question as never)
    answered.then(
      (value) => process.send?.({ value: value ?? null }),
      (error: Error) => process.send?.({ error: error.stack ?? String(error) }),
    )
  })
  process.once('disconnect', () => {
    void close().finally(() => process.exit(0))
  })
}

let session: Session | undefined

async function common(question: CommonQuestion): Promise<unknown> {
  if (question.kind === 'cpu') {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  if (question.file === undefined) {
    session = new Session()
    session.connect()
    await session.post('Profiler.enable')
    return session.post('Profiler.start')
  }
  const { profile } = (await session?.post('Profiler.stop')) ?? {}
  return writeFile(question.file, JSON.stringify(profile))
}
