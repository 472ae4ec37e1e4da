import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { AskedCall } from '../../api/http/callers/authenticate.ts'
import type { Role } from '../../contracts/duties.ts'
import { type Clock, timestamp } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** Lines of answers that wait, at most: those of one turn of the event loop, and while the file cannot be written. */
const WAITING_MAX = 1000

/** Who asked for what cannot be written, so nothing that changes something is carried out (decision 0089). */
export class AccessLogFailed extends ConcordataError {}

/** `transmit` and `receive` may share a directory under users of their own, so each of them has a file of its own. */
export const accessLogPath = (dir: string, role: Role = 'node') =>
  join(dir, role === 'transmit' || role === 'receive' ? `access-${role}.log` : 'access.log')

/**
 * Who asked for what, and what was answered: lines of JSON, a line before anything is done and one after it, in order. No values,
 * no keys.
 *
 * A line goes to the operating system at once, a few microseconds, and no disk is waited for; where the system lets a writer wait, the
 * process does, so nothing queues up behind a disk that is too slow. Lines of answers go together, at the end of the turn or before
 * the next question. Before each write it is looked whether the path still leads to the open file, so that it can be moved away at
 * any time.
 */
export class AccessLog {
  readonly #path: string
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  #file: number | undefined
  /** The last line of the file has no end, since the disk was full. */
  #isTorn = false
  /** Lines of answers that are not in the file yet, oldest first. Not empty ⇒ they are tried in this turn, or the last attempt failed. */
  #waiting: string[] = []
  #next: NodeJS.Immediate | undefined

  constructor(path: string, clock: Clock, failed: (error: unknown) => void) {
    this.#path = path
    this.#clock = clock
    this.#failed = failed
  }

  /** On return the line is written. Throws AccessLogFailed. */
  asked(asked: AskedCall): void {
    try {
      this.#write([...this.#waiting, this.#line(asked)])
    } catch (cause) {
      const message = `${this.#path} cannot be written (${(cause as NodeJS.ErrnoException).code}): nothing was done`
      throw new AccessLogFailed('access_log_failed', message, {}, { cause })
    }
    this.#waiting = []
  }

  /** What cannot be written is tried again with the next line, and told. */
  answered(asked: AskedCall, status: number): void {
    if (this.#waiting.length >= WAITING_MAX) this.#flush()
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(this.#line({ ...asked, status }))
    else this.#failed(new Error(`${this.#path} lacks a line: ${WAITING_MAX} wait, and it cannot be written`))
    this.#next ??= setImmediate(() => this.#flush())
  }

  close(): void {
    this.#flush()
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #line(what: object): string {
    return `${JSON.stringify({ time: timestamp(this.#clock), ...what })}\n`
  }

  #flush(): void {
    clearImmediate(this.#next)
    this.#next = undefined
    if (this.#waiting.length === 0) return
    try {
      this.#write(this.#waiting)
      this.#waiting = []
    } catch (error) {
      this.#failed(error)
    }
  }

  #write(lines: readonly string[]): void {
    const file = this.#open()
    const bytes = Buffer.from((this.#isTorn ? '\n' : '') + lines.join(''))
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(file, bytes, written)
      this.#isTorn = false
    } catch (error) {
      this.#isTorn ||= written > 0
      throw error
    }
  }

  /** The file that the path leads to. */
  #open(): number {
    const there = statSync(this.#path, { throwIfNoEntry: false })
    if (this.#file !== undefined) {
      const open = fstatSync(this.#file)
      if (there !== undefined && there.ino === open.ino && there.dev === open.dev) return this.#file
      closeSync(this.#file)
      this.#file = undefined
    }
    this.#file = openSync(this.#path, 'a', 0o600)
    this.#isTorn = false
    return this.#file
  }
}
