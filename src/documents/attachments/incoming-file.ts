import type { Hash } from '../../crypto/hash.ts'
import { CONTENT_PIECE_BYTES, type Content } from '../../events/attachments/content.ts'
import { contentTree } from '../../merkle/content-tree.ts'
import { leafHash } from '../../merkle/hashing.ts'
import { ConcordataError } from '../../runtime/errors.ts'

/** The file is larger than attachments of this contract may be, or has not a byte. Evidence: `bytesMax`. */
export class FileUnfit extends ConcordataError {}

/** There is no room for another file beside those that are being taken in. Evidence: `bytesMax`. */
export class FilesTooMany extends ConcordataError {}

/** What files that are being taken in have in memory, of all callers. */
export const INCOMING_BYTES_MAX = 256 * 1024 * 1024

export class IncomingRoom {
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax = INCOMING_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  /** Throws FilesTooMany. */
  take(bytes: number): void {
    if (this.#bytes + bytes > this.#bytesMax) {
      const message = 'as many files are being taken in as this node has room for: come again when some are through'
      throw new FilesTooMany('requests_too_many', message, { bytesMax: this.#bytesMax })
    }
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** A slower sender is not waited for, in bytes a second: this bounds the time that a large file may take, unless its client names another. */
const BYTES_PER_SECOND_MIN = 64 * 1024

/** Until the others have all these bytes, besides. */
export function withTimeFor<Wait extends { readonly timeoutMs?: number }>(bytes: number, wait: Wait): Wait {
  if (bytes === 0 || wait.timeoutMs === undefined) return wait
  return { ...wait, timeoutMs: wait.timeoutMs + Math.ceil((bytes / BYTES_PER_SECOND_MIN) * 1000) }
}

/** A file that is here whole. */
export interface IncomingFile extends Content {
  readonly pieces: readonly Uint8Array[]
  /** The room that it takes in memory is free again. */
  release(): void
}

/**
 * Takes in a file as it comes. Of one that is too large no more is read than shows that. Attacker-controlled: `source`. Throws FileUnfit,
 * FilesTooMany, and what the source throws.
 */
export async function takeIn(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
  room: IncomingRoom,
): Promise<IncomingFile> {
  const pieces: Uint8Array[] = []
  let taken = 0
  let bytes = 0
  const release = () => {
    room.give(taken)
    taken = 0
  }
  try {
    for await (const chunk of source) {
      if (bytes + chunk.length > bytesMax) throw unfit(`it has more than ${bytesMax} bytes`, bytesMax)
      for (let at = 0; at < chunk.length; ) {
        const filled = bytes % CONTENT_PIECE_BYTES
        if (filled === 0) {
          room.take(CONTENT_PIECE_BYTES)
          taken += CONTENT_PIECE_BYTES
          pieces.push(new Uint8Array(CONTENT_PIECE_BYTES))
        }
        const part = chunk.subarray(at, at + CONTENT_PIECE_BYTES - filled)
        pieces.at(-1)?.set(part, filled)
        at += part.length
        bytes += part.length
      }
    }
    if (bytes === 0) throw unfit('it has not a byte', bytesMax)
    const rest = bytes % CONTENT_PIECE_BYTES
    if (rest > 0) pieces.push((pieces.pop() as Uint8Array).subarray(0, rest))
    return { bytes, hash: hashOf(pieces), pieces, release }
  } catch (error) {
    release()
    throw error
  }
}

function hashOf(pieces: readonly Uint8Array[]): Hash {
  return contentTree(pieces.map((piece) => leafHash(piece))).root()
}

function unfit(fault: string, bytesMax: number): FileUnfit {
  return new FileUnfit('file_unfit', `the file is no attachment of this contract: ${fault}`, { bytesMax })
}
