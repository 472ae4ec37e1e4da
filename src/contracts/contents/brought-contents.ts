import { type Hash, hashFromBytes, hashToBytes } from '../../crypto/hash.ts'
import { type ContentName, type NamedContent, pieceLength, piecesIn } from '../../events/attachments/content.ts'
import { contentTree } from '../../merkle/content-tree.ts'
import { leafHash } from '../../merkle/hashing.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { ContractView } from '../contract-view.ts'
import { completionWrites, piecesHeld, pieceWrite } from './content-files.ts'
import type { ContentLog } from './content-log.ts'
import type { ContentsPorts } from './contents-ports.ts'

/** This node keeps no more contents of the contract, or a part of this one has not come. Evidence: `contract`. */
export class ContentNotKept extends ConcordataError {}

/** How long one that comes piece by piece from another process waits to be named, longer than users may keep files there. Milliseconds. */
export const UNNAMED_MS = 2 * 60 * 60_000

/** Contents that users of this party bring, before a statement names them. */
export class BroughtContents {
  readonly #view: ContractView
  readonly #ports: ContentsPorts
  readonly #log: ContentLog
  readonly #forget: (name: ContentName) => void

  constructor(view: ContractView, ports: ContentsPorts, log: ContentLog, forget: (name: ContentName) => void) {
    this.#view = view
    this.#ports = ports
    this.#log = log
    this.#forget = forget
  }

  /** All of its pieces; durable on return. Requires that the log is read. Throws ContentNotKept, and in a process without a key as `ContentQueue`. */
  async keep(content: NamedContent, pieces: Iterable<Uint8Array>): Promise<void> {
    const { contract, duties } = this.#view
    const { store, queue } = this.#ports
    let index = 0
    if (!duties.authors) {
      for (const piece of pieces) await queue?.keepPiece(contract, content, index++, piece)
      await queue?.keepContent(contract, content)
      return
    }
    if (this.#log.isHeld(content.name)) return
    await this.#begin(content)
    const leaves: Hash[] = []
    for (const piece of pieces) {
      await store.write([pieceWrite(contract, content.name, index++, piece)])
      leaves.push(hashFromBytes(leafHash(piece)))
    }
    await this.#complete(content, leaves)
  }

  /** One that a process without a key has sent; durable on return. Attacker-controlled: all. Throws ContentNotKept. */
  async keepPiece(content: NamedContent, index: number, piece: Uint8Array): Promise<void> {
    const { contract } = this.#view
    if (this.#isSettled(content.name)) return
    if (index >= piecesIn(content) || piece.length !== pieceLength(content, index)) {
      this.#forget(content.name)
      throw incomplete(contract)
    }
    if (this.#log.piecesOf(content.name) === undefined) {
      await this.#begin(content)
      this.expire(content.name)
    }
    await this.#ports.store.write([pieceWrite(contract, content.name, index, piece)])
  }

  /** The process has sent all pieces. Throws ContentNotKept where that is not so: then nothing of it is kept. */
  async complete(content: NamedContent): Promise<void> {
    const { contract } = this.#view
    const { name } = content
    if (this.#isSettled(name)) return
    const pieces = piecesIn(content)
    const leaves = [...(await piecesHeld(this.#ports.store.payloads, contract, name, pieces)).values()]
    if (leaves.length !== pieces || contentTree(leaves.map(hashToBytes)).root() !== content.hash) {
      this.#forget(name)
      throw incomplete(contract)
    }
    await this.#complete(content, leaves)
  }

  /** Should no statement name it in time, and nobody have asked for one that does, nothing of it is kept. */
  expire(name: ContentName): void {
    this.#ports.clock.after(UNNAMED_MS, () => {
      if (this.#view.isClosed || !this.#log.unnamed.includes(name)) return
      if (this.#ports.isAskedFor(name)) this.expire(name)
      else this.#forget(name)
    })
  }

  /** It is whole, or a statement names it, and it is no longer a matter of who has brought it. */
  #isSettled(name: ContentName): boolean {
    return this.#log.isHeld(name) || this.#log.isAwaited(name)
  }

  async #begin(content: NamedContent): Promise<void> {
    const { contract, state } = this.#view
    const { contractBytesMax } = this.#ports.room
    const isTooLarge = content.bytes > state.settling.agreed.limits.attachmentBytes
    if (isTooLarge || this.#log.bytes + content.bytes > contractBytesMax)
      throw new ContentNotKept('contents_full', 'the contract has as many contents as this node keeps', { contract })
    await this.#log.begin(content.name, piecesIn(content))
  }

  async #complete(content: NamedContent, leaves: readonly Hash[]): Promise<void> {
    await this.#ports.store.write(completionWrites(this.#view.contract, content, leaves))
    this.#log.holds(content.name)
  }
}

function incomplete(contract: string): ContentNotKept {
  return new ContentNotKept('content_missing', 'not all bytes of the attachment have come', { contract })
}
