import { base64url, fromBase64url } from '../../crypto/bytes.ts'
import { type Hash, hashFromBytes, hashToBytes, isHash } from '../../crypto/hash.ts'
import { CONTENT_PIECE_BYTES, type ContentName, type NamedContent, piecesIn } from '../../events/attachments/content.ts'
import type { Uid } from '../../events/ids.ts'
import { contentTree } from '../../merkle/content-tree.ts'
import { leafHash } from '../../merkle/hashing.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { contentGroup, type PayloadRef } from '../../store/payload-group.ts'
import type { PayloadStore, Write } from '../../store/port.ts'
import { heldWrite } from './content-log.ts'

/** The store gives other bytes than those that were kept, or none. Evidence: `contract`, `name`, `piece`. */
export class ContentDamaged extends ConcordataError {}

/** How many pieces are read at once. */
const AT_ONCE = 8

/**
 * Each piece is a group of its own, under the name of the content: so whatever is erased under a seal is erased with the content that
 * the value names.
 */
export function pieceWrite(contract: Uid, name: ContentName, index: number, bytes: Uint8Array): Write {
  return writeOf(contract, refTo(name, index), base64url(bytes))
}

/**
 * The hashes of all pieces, behind the last one, and what says that it is complete. Whoever finds the hashes knows that all pieces
 * were durable before.
 */
export function completionWrites(contract: Uid, content: NamedContent, leaves: readonly Hash[]): Write[] {
  const { name } = content
  return [writeOf(contract, refTo(name, piecesIn(content)), JSON.stringify(leaves)), heldWrite(contract, name)]
}

function writeOf(contract: Uid, { group, seal }: PayloadRef, text: string): Write {
  return { kind: 'payloads', contract, group, entries: [{ seal, text }] }
}

/** Of the number of its pieces: where their hashes are. */
function refTo(name: ContentName, index: number): PayloadRef {
  return { group: contentGroup(name, index), seal: name }
}

/** All that can stand there of a content. */
export function refsOf(name: ContentName, pieces: number): PayloadRef[] {
  return Array.from({ length: pieces + 1 }, (_, index) => refTo(name, index))
}

/** The hashes of the pieces of a content that is complete; undefined: it is not, or the store has lost them. */
export async function leavesOf(
  payloads: PayloadStore,
  contract: Uid,
  content: NamedContent,
): Promise<readonly Hash[] | undefined> {
  const pieces = piecesIn(content)
  const leaves = hashesIn(await textOf(payloads, contract, refTo(content.name, pieces)))
  if (leaves?.length !== pieces) return undefined
  return contentTree(leaves.map(hashToBytes)).root() === content.hash ? leaves : undefined
}

/** One piece as it was kept; undefined: it is not there, or another. */
export async function pieceOf(
  payloads: PayloadStore,
  contract: Uid,
  name: ContentName,
  index: number,
  leaf: Hash,
): Promise<Uint8Array | undefined> {
  const text = await textOf(payloads, contract, refTo(name, index))
  const bytes = text === undefined ? undefined : fromBase64url(text)
  return bytes !== undefined && hashFromBytes(leafHash(bytes)) === leaf ? bytes : undefined
}

/**
 * The bytes of a content from one place up to, without, another, piece by piece. Requires 0 <= from <= to <= its bytes, and its
 * leaves. Throws ContentDamaged.
 */
export async function* bytesOf(
  payloads: PayloadStore,
  contract: Uid,
  { name }: NamedContent,
  leaves: readonly Hash[],
  from: number,
  to: number,
): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; ) {
    const index = Math.floor(at / CONTENT_PIECE_BYTES)
    const begin = index * CONTENT_PIECE_BYTES
    const piece = await pieceOf(payloads, contract, name, index, leaves[index] as Hash)
    if (piece === undefined) {
      const message = `piece ${index} of a content is not what was stored`
      throw new ContentDamaged('contract_damaged', message, { contract, name, piece: index })
    }
    yield piece.subarray(at - begin, Math.min(piece.length, to - begin))
    at = begin + CONTENT_PIECE_BYTES
  }
}

/** The hashes of the pieces that stand there of a content that may not be complete, by their places. */
export async function piecesHeld(
  payloads: PayloadStore,
  contract: Uid,
  name: ContentName,
  pieces: number,
): Promise<Map<number, Hash>> {
  const held = new Map<number, Hash>()
  // One after another: together they may be large, and all have the one seal.
  for (let next = 0; next < pieces; next += AT_ONCE) {
    const indices = Array.from({ length: Math.min(AT_ONCE, pieces - next) }, (_, offset) => next + offset)
    const texts = await Promise.all(indices.map((index) => textOf(payloads, contract, refTo(name, index))))
    for (const [place, text] of texts.entries()) {
      const bytes = text === undefined ? undefined : fromBase64url(text)
      if (bytes !== undefined) held.set(next + place, hashFromBytes(leafHash(bytes)))
    }
  }
  return held
}

async function textOf(payloads: PayloadStore, contract: Uid, ref: PayloadRef): Promise<string | undefined> {
  return (await payloads.get(contract, [ref])).get(ref.seal)
}

function hashesIn(text: string | undefined): readonly Hash[] | undefined {
  if (text === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    return Array.isArray(parsed) && parsed.every(isHash) ? parsed : undefined
  } catch {
    return undefined
  }
}
