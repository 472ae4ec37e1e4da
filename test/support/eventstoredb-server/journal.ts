import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** One line of the file: the first 8 hexadecimal digits of the SHA-256 of the rest, a space, JSON. */
const line = (text: string) => `${digest(text)} ${text}\n`
const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8)

/** An append-only file of records, durable when `flush` returns. What is torn at its end is cut off when it is opened. */
export class Journal {
  readonly #path: string
  readonly #file: number
  #length = 0
  #waiting: string[] = []

  /** Gives each record that stands to `standing`, with its offset in bytes. */
  constructor(directory: string, standing: (offset: number, record: unknown) => void) {
    mkdirSync(directory, { recursive: true })
    this.#path = join(directory, 'journal')
    this.#file = openSync(this.#path, 'a+', 0o600)
    const text = readFileSync(this.#path, 'utf8')
    for (let start = 0; ; ) {
      const end = text.indexOf('\n', start)
      const [sum = '', json = ''] = [text.slice(start, start + 8), text.slice(start + 9, end)]
      if (end < 0 || digest(json) !== sum) break
      standing(this.#length, JSON.parse(json))
      this.#length += Buffer.byteLength(text.slice(start, end + 1))
      start = end + 1
    }
    ftruncateSync(this.#file, this.#length)
  }

  /** Its offset, where the record will stand. */
  add(record: unknown): number {
    const text = line(JSON.stringify(record))
    const offset = this.#length
    this.#waiting.push(text)
    this.#length += Buffer.byteLength(text)
    return offset
  }

  /** Puts another record of the same length in the place of one, where it stands. */
  overwrite(offset: number, record: unknown): void {
    this.flush()
    const bytes = Buffer.from(line(JSON.stringify(record)))
    // A file that was opened to append to takes nothing elsewhere.
    const file = openSync(this.#path, 'r+')
    writeSync(file, bytes, 0, bytes.length, offset)
    fsyncSync(file)
    closeSync(file)
  }

  flush(): void {
    if (this.#waiting.length === 0) return
    const bytes = Buffer.from(this.#waiting.splice(0).join(''))
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written)
    fsyncSync(this.#file)
  }

  close(): void {
    this.flush()
    closeSync(this.#file)
  }
}
