import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'

/** What stands in a file of an export. `sha256`: lower-case hexadecimal. */
export interface WrittenFile {
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

/** A file that is written piece by piece, for its owner's eyes, and hashed on the way. */
export class ExportFile {
  readonly name: string
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #rows = 0
  #bytes = 0

  private constructor(name: string, file: FileHandle) {
    this.name = name
    this.#file = file
  }

  /** `header`: stands before the rows, and is none. */
  static async create(dir: string, name: string, header: string): Promise<ExportFile> {
    const file = new ExportFile(name, await open(join(dir, name), 'wx', 0o600))
    await file.#append(header)
    return file
  }

  async write(rows: readonly string[]): Promise<void> {
    this.#rows += rows.length
    await this.#append(rows.join(''))
  }

  /** Durable on return. */
  async finish(): Promise<WrittenFile> {
    await this.#file.sync()
    return { rows: this.#rows, bytes: this.#bytes, sha256: this.#hash.digest('hex') }
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #append(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    this.#hash.update(bytes)
    this.#bytes += bytes.length
    await this.#file.writeFile(bytes)
  }
}
