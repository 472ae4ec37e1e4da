import { tell } from './output.ts'

const BAR_WIDTH = 30
/** So often a bar is drawn anew. Milliseconds. */
const REDRAW_MS = 100

/** Shows on standard error how far something is: a bar at a terminal, elsewhere a line for each tenth; nothing with `--json`. */
export class ProgressBar {
  readonly #isTerminal: boolean
  readonly #json: true | undefined
  readonly #total: number
  #drawnAt = 0
  #tenths = 0

  constructor(total: number, json?: true) {
    this.#isTerminal = process.stderr.isTTY === true && !json
    this.#json = json
    this.#total = Math.max(total, 1)
  }

  at(done: number): void {
    const part = Math.min(done / this.#total, 1)
    if (this.#isTerminal) this.#draw(part)
    else if (Math.floor(part * 10) > this.#tenths) {
      this.#tenths = Math.floor(part * 10)
      tell(this.#json, `${this.#tenths * 10} %`)
    }
  }

  /** What comes next begins on a line of its own. */
  end(): void {
    if (this.#isTerminal && this.#drawnAt > 0) process.stderr.write('\r\u001b[K')
  }

  #draw(part: number): void {
    const now = performance.now()
    if (part < 1 && now - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = now
    const full = Math.round(part * BAR_WIDTH)
    const bar = '█'.repeat(full) + '░'.repeat(BAR_WIDTH - full)
    process.stderr.write(`\r${bar} ${String(Math.floor(part * 100)).padStart(3)} %`)
  }
}
