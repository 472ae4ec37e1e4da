import type { Clock } from '../../runtime/clock.ts'
import type { Store } from '../../store/port.ts'
import type { ContentRoom } from './content-room.ts'

export interface ContentsPorts {
  readonly store: Store
  readonly clock: Clock
  readonly room: ContentRoom
  readonly waitMs: number
}

/** What the contents of a contract tell. */
export interface ContentsNews {
  /** One is complete, or not waited for any more: answers may be due. */
  changed(): void
  /** There are pieces to ask for. */
  wanting(): void
  failed(error: unknown): void
}
