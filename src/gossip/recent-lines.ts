import { encodeToPassOn, type SignedStatement } from '../events/statement-codec.ts'

/** Statements, and characters of their lines: what a busy party is saying to all others right now. */
const KEPT_MAX = 16
export const KEPT_CHARACTERS_MAX = 4 * 1024 * 1024

/** The lines of statements that were passed on last: the next peer is sent the same ones. */
export class RecentLines {
  readonly #lines = new Map<SignedStatement, string>()
  #characters = 0

  /** How much is kept. */
  get characters(): number {
    return this.#characters
  }

  /** The line in which it is passed on. */
  readonly of = (held: SignedStatement): string => {
    const known = this.#lines.get(held)
    if (known !== undefined) return known
    const line = encodeToPassOn(held)
    if (line.length > KEPT_CHARACTERS_MAX) return line
    this.#lines.set(held, line)
    this.#characters += line.length
    for (const [oldest, its] of this.#lines) {
      if (this.#lines.size <= KEPT_MAX && this.#characters <= KEPT_CHARACTERS_MAX) break
      this.#lines.delete(oldest)
      this.#characters -= its.length
    }
    return line
  }
}
