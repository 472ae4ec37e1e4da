import type { ContractState } from '../../../aggregates/contract/state.ts'
import type { Uid } from '../../../events/ids.ts'

/** An element in a form in which it is shown, and the tag of that. */
export interface ShownForm {
  readonly mediaType: string
  readonly body: string | Buffer
  readonly tag: string
}

/** What is kept of one document. */
interface KeptOf {
  readonly contract: Uid
  readonly document: ContractState
  /** By what was asked for; the oldest first. */
  readonly shown: Map<string, ShownForm>
}

/** Of all contracts. */
const BYTES_MAX = 32 * 1024 * 1024
/** What takes more than that part of it is made each time. */
const LARGEST = 1 / 8
/** What one takes beside its characters. */
const ENTRY_BYTES = 400

/**
 * Responses that show agreed documents, kept for whoever asks for the same again. Each belongs to one document and to
 * the values held when it was made: for another document it does not count. Whoever changes values calls `drop`, so
 * that erased ones leave the memory (decision 0144).
 */
export class KeptForms {
  readonly #bytesMax: number
  /** The one that was asked for last stands last. */
  readonly #contracts = new Map<Uid, KeptOf>()
  #last: KeptOf | undefined
  #bytes = 0

  constructor(bytesMax = BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Of the document as it stands now. */
  of(contract: Uid, document: ContractState): KeptOf {
    const last = this.#last
    if (last?.contract === contract && last.document === document) return last
    let kept = this.#contracts.get(contract)
    if (kept?.document === document) this.#contracts.delete(contract)
    else {
      this.drop(contract)
      kept = { contract, document, shown: new Map() }
    }
    this.#contracts.set(contract, kept)
    this.#last = kept
    return kept
  }

  /** Requires that it was read after `of`, and that the document still stands. What was dropped meanwhile is not kept. */
  keep(kept: KeptOf, asked: string, shown: ShownForm): void {
    const bytes = bytesOf(asked, shown)
    if (this.#contracts.get(kept.contract) !== kept || kept.shown.has(asked)) return
    if (bytes > this.#bytesMax * LARGEST) return
    kept.shown.set(asked, shown)
    this.#bytes += bytes
    if (this.#bytes > this.#bytesMax) this.#makeRoom()
  }

  #makeRoom(): void {
    for (const { contract, shown } of this.#contracts.values()) {
      for (const [oldest, one] of shown) {
        if (this.#bytes <= this.#bytesMax) return
        shown.delete(oldest)
        this.#bytes -= bytesOf(oldest, one)
      }
      this.drop(contract)
    }
  }

  /** Nothing of a contract is kept. */
  drop(contract: Uid): void {
    const kept = this.#contracts.get(contract)
    if (kept === undefined) return
    for (const [asked, shown] of kept.shown) this.#bytes -= bytesOf(asked, shown)
    this.#contracts.delete(contract)
    if (this.#last === kept) this.#last = undefined
  }
}

function bytesOf(asked: string, { body }: ShownForm): number {
  return ENTRY_BYTES + 2 * asked.length + (typeof body === 'string' ? 2 : 1) * body.length
}
