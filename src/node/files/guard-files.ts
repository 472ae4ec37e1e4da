import { constants, mkdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  type Guarded,
  GuardedSchema,
  guardRefused,
  isSamePlace,
  type SigningGuard,
} from '../../contracts/signing/signing-guard.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { Uid } from '../../events/ids.ts'
import { syncDirectory } from '../../runtime/durable-file.ts'
import { jsonOf } from '../../runtime/parse-json.ts'

/** Where the guard stands in a data directory. It belongs in no backup. */
export const guardDirectory = (dir: string) => join(dir, 'guard')

const guardedForm = Compile(
  Type.Object(
    {
      ...GuardedSchema.properties,
      /** Counts the writes: the slot with the greater number is the newer one. Places may go back. */
      write: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    },
    { additionalProperties: false },
  ),
)

type Written = Guarded & { readonly write: number }
type SlotName = 'a' | 'b'

/** Owner only: a line holds values of the contract. */
const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
/** For how many contracts, those used last, the newest place is in memory and both files are open. */
const OPEN_CONTRACTS_MAX = 64
/** The step in which files grow: so most writes change nothing but content, which takes one wait for the disk. */
const BLOCK_BYTES = 4096
/** A file that is longer than this, and this many times as long as it need be, is cut. */
const SPARE_BYTES_MAX = 64 * 1024
const SPARE_FACTOR = 4
/**
 * On Linux a write to an open slot is durable when it returns: the thread that writes also waits for the disk, while the event loop
 * commits to the store (decision 0108). Elsewhere the flag is missing, or does not empty the cache of the disk, as fdatasync does.
 */
const IS_DURABLE_BY_WRITE = process.platform === 'linux'
const OPEN_FLAGS = constants.O_RDWR | (IS_DURABLE_BY_WRITE ? constants.O_DSYNC : 0)

export interface GuardFiles extends SigningGuard {
  close(): Promise<void>
}

/**
 * A guard in files: two a contract, written in turn, so that a torn write destroys the older of them only. The first line
 * of a file is the hash of the second; empty lines fill it up. Nothing but one process may use the folder (the lock of the data
 * directory sees to it), and of one contract one call at a time.
 */
export function openGuardFiles(dir: string): GuardFiles {
  mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE })
  /** Those asked for last stand last. `uses`: calls that are under way. */
  const opened = new Map<Uid, { readonly guard: Promise<ContractGuard>; uses: number }>()

  /** One that failed to open is opened again for the next call: what stood in the way may be gone. */
  const opening = (contract: Uid, guard: Promise<ContractGuard>) =>
    guard.catch((error: unknown) => {
      if (opened.get(contract)?.guard === guard) opened.delete(contract)
      throw error
    })

  const use = async <Result>(contract: Uid, work: (guard: ContractGuard) => Result | Promise<Result>) => {
    const entry = opened.get(contract) ?? { guard: ContractGuard.open(dir, contract), uses: 0 }
    opened.delete(contract)
    opened.set(contract, entry)
    entry.uses++
    try {
      return await work(await opening(contract, entry.guard))
    } finally {
      entry.uses--
      for (const [other, { guard, uses }] of opened) {
        if (opened.size <= OPEN_CONTRACTS_MAX) break
        if (uses > 0) continue
        opened.delete(other)
        await closed(guard)
      }
    }
  }

  return {
    read: (contract) => use(contract, ({ guarded }) => guarded),
    advance: (contract, from, to) =>
      use(contract, async (guard) => {
        if (!isSamePlace(guard.guarded, from)) throw guardRefused(contract, from, guard.guarded)
        await guard.write(to)
      }),
    async close() {
      const guards = [...opened.values()]
      opened.clear()
      for (const { guard } of guards) await closed(guard)
    },
  }
}

/** One that could not be opened has nothing to be closed. */
async function closed(opening: Promise<ContractGuard>): Promise<void> {
  const guard = await opening.catch(() => undefined)
  await guard?.close()
}

/** The two files of one contract. */
class ContractGuard {
  readonly #slots: Readonly<Record<SlotName, Slot>>
  #newest: Written | undefined
  /** Holds the newest place, or, where there is none, is the second to be written. */
  #slot: SlotName

  private constructor(slots: Readonly<Record<SlotName, Slot>>) {
    const [a, b] = [slots.a.found, slots.b.found]
    this.#slots = slots
    this.#slot = a === undefined || (b?.write ?? -1) > a.write ? 'b' : 'a'
    this.#newest = slots[this.#slot].found
  }

  static async open(dir: string, contract: Uid): Promise<ContractGuard> {
    const [a, b] = [new Slot(dir, `${contract}.a`), new Slot(dir, `${contract}.b`)]
    await Promise.all([a.read(), b.read()])
    return new ContractGuard({ a, b })
  }

  get guarded(): Guarded | undefined {
    if (this.#newest === undefined) return undefined
    const { write: _write, ...guarded } = this.#newest
    return guarded
  }

  async write(to: Guarded): Promise<void> {
    const slot = this.#slot === 'a' ? 'b' : 'a'
    const written = { ...to, write: (this.#newest?.write ?? -1) + 1 }
    await this.#slots[slot].write(written)
    this.#newest = written
    this.#slot = slot
  }

  async close(): Promise<void> {
    await Promise.all([this.#slots.a.close(), this.#slots.b.close()])
  }
}

class Slot {
  readonly #dir: string
  readonly #path: string
  #file: FileHandle | undefined
  /** Its name is durable. */
  #isNamed = false
  #size = 0
  /** What was in it when it was read. */
  found: Written | undefined

  constructor(dir: string, name: string) {
    this.#dir = dir
    this.#path = join(dir, name)
  }

  /** Finds nothing where there is no file, or its last write was torn; then the other slot counts. */
  async read(): Promise<void> {
    const file = await existing(this.#path)
    if (file === undefined) return
    this.#file = file
    this.#isNamed = true
    const text = await file.readFile('utf8')
    this.#size = Buffer.byteLength(text)
    const [hash, body, ...rest] = text.split('\n')
    if (body === undefined || sha256(body) !== hash || rest.some((line) => line !== '')) return
    this.found = jsonOf(guardedForm, body) as Written | undefined
  }

  /** Durable on return. */
  async write(guarded: Written): Promise<void> {
    const body = JSON.stringify(guarded)
    const content = Buffer.from(`${sha256(body)}\n${body}\n`)
    const needed = Math.ceil(content.length / BLOCK_BYTES) * BLOCK_BYTES
    const isSpare = this.#size > SPARE_BYTES_MAX && this.#size > needed * SPARE_FACTOR
    const size = isSpare ? needed : Math.max(needed, this.#size)
    this.#file ??= await open(this.#path, OPEN_FLAGS | constants.O_CREAT, FILE_MODE)
    await writeAll(this.#file, Buffer.concat([content, Buffer.alloc(size - content.length, '\n')]))
    if (isSpare) await this.#file.truncate(size)
    if (isSpare || !IS_DURABLE_BY_WRITE) await this.#file.datasync()
    this.#size = size
    if (!this.#isNamed) await syncDirectory(this.#dir)
    this.#isNamed = true
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let place = 0; place < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, place, bytes.length - place, place)
    place += bytesWritten
  }
}

async function existing(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, OPEN_FLAGS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
