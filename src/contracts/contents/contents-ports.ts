import type { ContentName, NamedContent } from '../../events/attachments/content.ts'
import type { Uid } from '../../events/ids.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Store } from '../../store/port.ts'
import type { ContentRoom } from './content-room.ts'

/** Where a process without a key takes what users bring. Throws what the process with the key says. */
export interface ContentQueue {
  keepPiece(contract: Uid, content: NamedContent, index: number, piece: Uint8Array): Promise<void>
  keepContent(contract: Uid, content: NamedContent): Promise<void>
}

export interface ContentsPorts {
  readonly store: Store
  readonly clock: Clock
  readonly room: ContentRoom
  readonly waitMs: number
  /** Left out where this process keeps contents itself. */
  readonly queue?: ContentQueue
  /** Whether a user waits for a request whose values name it. */
  isAskedFor(name: ContentName): boolean
}

/** What the contents of a contract tell. */
export interface ContentsNews {
  /** One is complete, or not waited for any more: answers may be due. */
  changed(): void
  /** There are pieces to ask for: of whoever may have them, and of nobody else. */
  lacksPieces(): void
  failed(error: unknown): void
}
