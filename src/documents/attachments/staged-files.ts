import type { Hash } from '../../crypto/hash.ts'
import type { Attachment } from '../../events/attachments/attachment.ts'
import type { Uid } from '../../events/ids.ts'
import type { Payload, Payloads } from '../../events/statement.ts'
import type { Clock } from '../../runtime/clock.ts'
import { FilesTooMany } from './incoming-file.ts'

/** So long a file is kept that no request names. Milliseconds. */
export const STAGED_MS = 60 * 60 * 1000
/** How many there are at once, for all contracts. */
const STAGED_MAX = 64

/** A file that is here whole, and that no request names yet. */
export interface StagedFile {
  readonly contract: Uid
  /** Of the value that will name it. */
  readonly seal: Hash
  readonly payload: Payload
  readonly value: Attachment
  /** Under which key its caller has brought it; left out: under none. */
  readonly asked?: { readonly key: string; readonly id: string }
  /** Until when it is kept, in milliseconds since the Unix epoch. */
  readonly until: number
}

interface Staged {
  readonly file: StagedFile
  /** A request that names it is being signed. */
  isNamed: boolean
  cancel: () => void
}

/** The files that users have brought for what they are about to ask for: a change set, or an entry with several. */
export class StagedFiles {
  readonly #clock: Clock
  readonly #staged = new Map<string, Staged>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `drop`: nothing of it is kept any more, since nothing has named it in time. Throws FilesTooMany. */
  add(file: Omit<StagedFile, 'until'>, drop: () => void): StagedFile {
    if (this.#staged.size >= STAGED_MAX) {
      const message = 'as many files wait to be named by a request as this node keeps: ask for what names them first'
      throw new FilesTooMany('requests_too_many', message, { max: STAGED_MAX })
    }
    const staged = { ...file, until: this.#clock.now() + STAGED_MS }
    this.#wait(staged, STAGED_MS, drop)
    return staged
  }

  find(contract: Uid, seal: string): StagedFile | undefined {
    return this.#staged.get(keyOf(contract, seal))?.file
  }

  /** What was brought under a key, as long as it is kept. */
  under(contract: Uid, key: string): StagedFile | undefined {
    for (const { file } of this.#staged.values()) if (file.contract === contract && file.asked?.key === key) return file
    return undefined
  }

  /** It is no longer kept for anybody. */
  remove({ contract, seal }: Pick<StagedFile, 'contract' | 'seal'>): void {
    const key = keyOf(contract, seal)
    this.#staged.get(key)?.cancel()
    this.#staged.delete(key)
  }

  /**
   * Signs a request. The files that it names belong to it from then on; if nothing is signed they are kept for another one. `sign` is
   * called in the same turn, with the bytes of all of them.
   */
  async whileNamed<Result extends object>(
    contract: Uid,
    payloads: Payloads,
    sign: (bytes: number) => Promise<Result>,
  ): Promise<Result> {
    const named = this.#staged.size === 0 ? [] : this.#among(contract, payloads)
    if (named.length === 0) return sign(0)
    for (const staged of named) staged.isNamed = true
    let isSigned = false
    try {
      const result = await sign(named.reduce((sum, { file }) => sum + file.value.bytes, 0))
      isSigned = 'request' in result
      return result
    } finally {
      for (const staged of named) {
        staged.isNamed = false
        if (isSigned) this.remove(staged.file)
      }
    }
  }

  #among(contract: Uid, payloads: Payloads): Staged[] {
    return Object.keys(payloads).flatMap((seal) => this.#staged.get(keyOf(contract, seal)) ?? [])
  }

  #wait(file: StagedFile, pauseMs: number, drop: () => void): void {
    const key = keyOf(file.contract, file.seal)
    const staged = this.#staged.get(key) ?? { cancel: () => {}, file, isNamed: false }
    this.#staged.set(key, staged)
    staged.cancel = this.#clock.after(pauseMs, () => {
      // What becomes of it is known soon.
      if (staged.isNamed) return this.#wait(file, STAGED_MS, drop)
      this.#staged.delete(key)
      drop()
    })
  }
}

function keyOf(contract: Uid, seal: string): string {
  return `${contract} ${seal}`
}
