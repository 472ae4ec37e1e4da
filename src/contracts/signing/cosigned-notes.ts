import { membersOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import { signingKeyOf } from '../../agreement/keys/key-rules.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { isValidSignature } from '../../crypto/ed25519.ts'
import type { Handle } from '../../events/ids.ts'
import type { Head } from '../../events/statement.ts'
import { checkpointBody, cosignatureBytes, originOf } from '../../merkle/note.ts'

/** The settled head, and the bytes that the party is to sign for it; undefined when its last note says as much. */
export function noteDue(
  state: AgreementState,
  party: Handle,
  time: number,
): { head: Pick<Head, 'size' | 'root'>; time: number; bytes: Uint8Array } | undefined {
  const head = settledHead(state)
  if (head.size === 0 || head.size <= notedSize(state, party)) return undefined
  const { size, root } = head
  return { head: { size, root }, time, bytes: cosignatureBytes(checkpointBody(originOf(state.contract), head), time) }
}

export function settledHead(state: AgreementState): Head {
  const { settled, agreed } = state.settling
  return { size: settled, root: state.ledger.log.rootAt(settled), record: state.ledger.engines.recordHash(agreed) }
}

/** How many entries of our settled ledger a party has validly cosigned: its notes are claims until they are compared. */
export function notedSize(state: AgreementState, party: Handle): number {
  const held = feedOf(state.feeds, party).newestNoted()
  const note = held?.statement.note
  if (held === undefined || note === undefined || note.size > state.settling.settled) return 0
  const key = signingKeyOf(state, held.statement)
  if (state.ledger.log.rootAt(note.size) !== note.root) return 0
  const bytes = cosignatureBytes(checkpointBody(originOf(state.contract), note), note.time)
  return key !== undefined && isValidSignature(key, bytes, note.signature) ? note.size : 0
}

/** The tier that the whole ledger has reached (design §2): 4 cosigned by all, 3 settled, 1 acknowledged. */
export function tierReached(state: AgreementState): 1 | 3 | 4 {
  const { settled, agreed } = state.settling
  if (settled < state.ledger.log.size || state.ledger.open.length > 0) return 1
  return membersOf(agreed).every(({ card }) => notedSize(state, card.handle) === settled) ? 4 : 3
}
