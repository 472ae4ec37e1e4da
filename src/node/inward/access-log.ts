import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Asked } from '../../api/http/authenticate.ts'
import type { Role } from '../../contracts/replica/duties.ts'
import { type Clock, timestamp } from '../../runtime/clock.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** Who asked for what cannot be written, so nothing that changes something is carried out. */
export class AccessLogFailed extends ConcordataError {}

/** `transmit` and `receive` may share a directory under users of their own, so each of them has a file of its own. */
export const accessLogPath = (dir: string, role: Role = 'node') =>
  join(dir, role === 'transmit' || role === 'receive' ? `access-${role}.log` : 'access.log')

/**
 * Who asked for what, and what was answered: lines of JSON, a line before anything is done and one after it. The file is opened for
 * each line, so that it can be moved away at any time. No values, no keys.
 */
export class AccessLog {
  readonly #path: string
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void

  constructor(path: string, clock: Clock, failed: (error: unknown) => void) {
    this.#path = path
    this.#clock = clock
    this.#failed = failed
  }

  /** Throws AccessLogFailed. */
  async asked(asked: Asked): Promise<void> {
    try {
      await this.#write({ ...asked })
    } catch (cause) {
      const message = `${this.#path} cannot be written (${(cause as NodeJS.ErrnoException).code}): nothing was done`
      throw new AccessLogFailed('access_log_failed', message, {}, { cause })
    }
  }

  answered(asked: Asked, status: number): void {
    this.#write({ ...asked, status }).catch(this.#failed)
  }

  async #write(line: object): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify({ time: timestamp(this.#clock), ...line })}\n`, { mode: 0o600 })
  }
}
