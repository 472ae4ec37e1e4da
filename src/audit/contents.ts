import { feedOf, firstCovering, statementAt } from '../agreement/feeds.ts'
import type { Acknowledged } from '../agreement/ledger.ts'
import { refusalIn } from '../agreement/refusals.ts'
import type { AgreementState } from '../agreement/state.ts'
import { fromBase64url } from '../crypto/bytes.ts'
import { type Hash, hashFromBytes, hashToBytes } from '../crypto/hash.ts'
import { attachmentsIn } from '../events/attachments/attachment.ts'
import { type ContentName, type NamedContent, piecesIn } from '../events/attachments/content.ts'
import type { Handle } from '../events/ids.ts'
import { contentTree } from '../merkle/content-tree.ts'
import { leafHash } from '../merkle/hashing.ts'
import type { Checklist } from './checklist.ts'
import type { AuditedGroup } from './source.ts'

const groupForm = /^content-([0-9a-f]{64})\.(0|[1-9][0-9]{0,15})$/

/** Whether the groups of that name are of contents, which have no seals. */
export function isOfContent(group: string): boolean {
  return groupForm.test(group)
}

interface Expected {
  readonly content: NamedContent
  /** This party has acknowledged the request, so it had all of it. */
  readonly isNeeded: boolean
}

/** What stands there of the contents that values name: the hashes of their pieces, never the bytes together. */
export class StoredContents {
  readonly #expected = new Map<ContentName, Expected>()
  readonly #pieces = new Map<ContentName, Map<number, Hash>>()
  /** The hashes as they were kept behind the pieces. */
  readonly #lists = new Map<ContentName, string>()
  #left = 0

  /** Those of the requests that took effect. `self`: whose store it is, where that is known. */
  constructor(settled: readonly Acknowledged[], { feeds }: AgreementState, self: Handle | undefined) {
    for (const { entry, members } of settled) {
      if (entry.outcome.kind !== 'accepted') continue
      const { handle, seq, index } = entry.request
      const held = statementAt(feeds, handle, seq)
      const request = held?.statement.requests[index]
      if (held === undefined || request === undefined) continue
      for (const content of attachmentsIn([request], held.payloads)) {
        const answer = self && firstCovering(feedOf(feeds, self), handle, seq)
        const isMember = members.some(({ card }) => card.handle === self)
        const isAcknowledged = isMember && answer && refusalIn(answer.statement, entry.request) === undefined
        this.#expected.set(content.name, { content, isNeeded: handle === self || isAcknowledged === true })
      }
    }
  }

  /** Requires a group of a content. */
  took({ group, entries }: AuditedGroup, checklist: Checklist): void {
    const [, name = '', number = ''] = groupForm.exec(group) ?? []
    const expected = this.#expected.get(name as ContentName)
    for (const [seal, text] of entries) {
      if (seal !== name) {
        checklist.damaged(
          'payloads',
          'payload_orphaned',
          { kind: 'payloads', group, seal },
          'it is no piece of a content',
        )
        continue
      }
      if (expected === undefined) this.#left++
      else if (Number(number) === piecesIn(expected.content)) this.#lists.set(expected.content.name, text)
      else this.#tookPiece(expected.content.name, Number(number), text)
    }
  }

  #tookPiece(name: ContentName, index: number, text: string): void {
    const bytes = fromBase64url(text)
    const pieces = this.#pieces.get(name) ?? new Map<number, Hash>()
    this.#pieces.set(name, pieces)
    if (bytes !== undefined) pieces.set(index, hashFromBytes(leafHash(bytes)))
  }

  /** When all groups have been seen. `isErased`: what all members have voted to erase. */
  verify(checklist: Checklist, isErased: (seal: Hash) => boolean): void {
    let missing = 0
    for (const { content, isNeeded } of this.#expected.values()) {
      if (isErased(content.name)) continue
      const leaves = this.#leavesOf(content)
      const place = { kind: 'payloads', group: `content-${content.name}`, seal: content.name } as const
      if (leaves === undefined) {
        if (isNeeded)
          checklist.damaged(
            'payloads',
            'content_missing',
            place,
            'of an attachment that was acknowledged not all bytes are there',
          )
        else missing++
      } else if (contentTree(leaves.map(hashToBytes)).root() !== content.hash) {
        checklist.damaged(
          'payloads',
          'content_mismatch',
          place,
          'the bytes of an attachment are not those that its value names',
        )
      } else if (this.#lists.get(content.name) !== JSON.stringify(leaves)) {
        checklist.damaged(
          'payloads',
          'content_missing',
          place,
          'the hashes of the pieces of an attachment are not there, so it is not given',
        )
      }
    }
    if (missing > 0) checklist.remark('payloads', `${missing} attachments have not all come here`)
    if (this.#left > 0)
      checklist.remark('payloads', `${this.#left} pieces of attachments that no request which took effect names`)
  }

  #leavesOf(content: NamedContent): Hash[] | undefined {
    const pieces = this.#pieces.get(content.name)
    const leaves = Array.from({ length: piecesIn(content) }, (_, index) => pieces?.get(index))
    return leaves.every((leaf) => leaf !== undefined) ? leaves : undefined
  }
}
