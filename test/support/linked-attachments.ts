import type { Test } from 'tap'
import { bytesOf, leavesOf } from '../../src/contracts/contents/content-files.ts'
import { concat } from '../../src/crypto/bytes.ts'
import type { NamedContent } from '../../src/events/attachments/content.ts'
import type { Uid } from '../../src/events/ids.ts'
import { admitted, asks, given, type Party } from './linked-parties.ts'

/** For attachments. */
export const FIELD = '0.1'

/** Three members, and a field for attachments. */
export async function withAttachments(t: Test, payloadWaitMs?: number) {
  const all = await admitted(await given(t, payloadWaitMs))
  const field = { type: 'AddField', parent: '0', name: 'Wording', field: { type: 'attachment' } }
  const added = await asks(all.ana[0], all.uid, 'wording', field)
  t.match(await added.verdict, { outcome: { kind: 'accepted' } })
  return all
}

/** The bytes of a content as a party has them; undefined: not all of them. */
export async function held([, its]: Party, uid: Uid, content: NamedContent): Promise<Uint8Array | undefined> {
  const { payloads } = its.store
  const leaves = await leavesOf(payloads, uid, content)
  if (leaves === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of bytesOf(payloads, uid, content, leaves, 0, content.bytes)) pieces.push(piece)
  return concat(...pieces)
}

export const isSame = (one: Uint8Array | undefined, other: Uint8Array) =>
  one !== undefined && Buffer.compare(one, other) === 0

/** Without pieces, as a lying or a lazy peer sends them. */
export const withoutPieces = (line: string) => (line.startsWith('{"bytes":') ? '' : line)
