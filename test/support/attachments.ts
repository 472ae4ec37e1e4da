import type { PartyProcess } from '../../src/contracts/processes/party-process.ts'
import type { Attachment } from '../../src/events/attachments/attachment.ts'
import { CONTENT_PIECE_BYTES, type NamedContent } from '../../src/events/attachments/content.ts'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { contentOf, piecesOf } from '../../src/merkle/content-tree.ts'
import type { PayloadStore } from '../../src/store/port.ts'

/** So many pieces, the last one not full. The same `seed`, the same bytes. */
export function bytesWith(pieces: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array((pieces - 1) * CONTENT_PIECE_BYTES + 1000)
  for (let at = 0, state = seed; at < bytes.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[at] = state >>> 24
  }
  return bytes
}

/** A value that names these bytes, and its seal. */
export function attached(bytes: Uint8Array, more: Partial<Attachment> = {}, salt = 0) {
  const { bytes: length, hash } = contentOf(bytes)
  const value = { bytes: length, hash, name: 'terms.pdf', type: 'application/pdf', ...more }
  const sealed = seal(value, new Uint8Array(16).fill(salt))
  const content: NamedContent = { bytes: value.bytes, hash: value.hash, name: sealed.seal }
  return { value, ...sealed, content }
}

/** Keeps the bytes, and asks for the value at a field of that type. */
export async function attaches(
  process: PartyProcess,
  uid: Uid,
  field: string,
  bytes: Uint8Array,
  more: { readonly command?: object; readonly keeps?: boolean; readonly salt?: number } = {},
) {
  const { seal: sealed, payload, content } = attached(bytes, {}, more.salt)
  const command = { type: 'ProposeValue', field, seal: sealed, basis: [], ...more.command }
  const submission = await process.contracts.use(uid, async (live) => {
    if (more.keeps !== false) await live.contents.keep(content, piecesOf(bytes))
    const request = { id: sealed.slice(0, 20), commands: [command] as never }
    return live.submit({ request, payloads: { [sealed]: payload } })
  })
  return { submission, content, seal: sealed }
}

/** The groups with pieces of contents that stand in a store. */
export async function pieceGroups(payloads: PayloadStore, uid: Uid): Promise<string[]> {
  const groups: string[] = []
  for await (const { group } of payloads.groups(uid)) if (group.startsWith('content-')) groups.push(group)
  return groups
}
