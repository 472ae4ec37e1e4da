import type { ContentName } from '../../events/attachments/content.ts'
import type { Uid } from '../../events/ids.ts'

/** What is begun in all contracts of a process and not complete, in bytes: what is beyond goes, the oldest first. */
export const UNFINISHED_BYTES_MAX = 512 * 1024 * 1024
/** What one contract has in all, complete or begun, in bytes: nothing beyond is begun. */
export const CONTRACT_CONTENT_BYTES_MAX = 4 * 1024 * 1024 * 1024

/** How much of contents is begun at once, of all contracts of this process: parties that never bring the rest of them fill no disk. */
export class ContentRoom {
  readonly contractBytesMax: number
  readonly #unfinishedBytesMax: number
  /** Oldest first. */
  readonly #unfinished = new Map<string, { readonly bytes: number; readonly giveUp: () => void }>()
  #bytes = 0

  constructor(unfinishedBytesMax = UNFINISHED_BYTES_MAX, contractBytesMax = CONTRACT_CONTENT_BYTES_MAX) {
    this.#unfinishedBytesMax = unfinishedBytesMax
    this.contractBytesMax = contractBytesMax
  }

  /** `giveUp`: what makes room for a newer one. */
  begin(contract: Uid, name: ContentName, bytes: number, giveUp: () => void): void {
    this.end(contract, name)
    this.#unfinished.set(keyOf(contract, name), { bytes, giveUp })
    this.#bytes += bytes
    for (const [key, oldest] of this.#unfinished) {
      if (this.#bytes <= this.#unfinishedBytesMax || this.#unfinished.size === 1) return
      this.#remove(key)
      oldest.giveUp()
    }
  }

  /** Whether that much can be begun without another giving way. */
  fits(bytes: number): boolean {
    return this.#unfinished.size === 0 || this.#bytes + bytes <= this.#unfinishedBytesMax
  }

  /** It is complete, or not wanted any more. */
  end(contract: Uid, name: ContentName): void {
    this.#remove(keyOf(contract, name))
  }

  #remove(key: string): void {
    this.#bytes -= this.#unfinished.get(key)?.bytes ?? 0
    this.#unfinished.delete(key)
  }
}

function keyOf(contract: Uid, name: ContentName): string {
  return `${contract} ${name}`
}
