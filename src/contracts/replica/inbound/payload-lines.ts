import { statementAt } from '../../../agreement/feeds.ts'
import type { AgreementState } from '../../../agreement/state.ts'
import { covers } from '../../../agreement/version-vector.ts'
import { type Hash, hashCanonical } from '../../../crypto/hash.ts'
import type { Handle } from '../../../events/ids.ts'
import { JSON_MEMBERS_MAX } from '../../../events/limits.ts'
import { sealsNamedBy } from '../../../events/seal.ts'
import { mayHave } from '../../../gossip/disclosure.ts'
import { visibleTo } from '../../../gossip/exchange.ts'
import { encodePayloads, MESSAGE_CHARACTERS_SOFT_MAX, type Wanted } from '../../../gossip/message.ts'
import type { PayloadLines } from '../../../gossip/replica-port.ts'
import type { Turns } from '../../../runtime/turns.ts'
import { refsIn } from '../../../store/payload-group.ts'
import type { PayloadStore } from '../../../store/port.ts'

const SEAL_CHARACTERS = 68

/** How much is read for one message, in characters. Where a group is read for one of its values, the others count, too. */
const READ_MAX = MESSAGE_CHARACTERS_SOFT_MAX

/**
 * Lines with what is held of what a peer wants: of statements that it may see, and that name it, since whoever asks may name any; and
 * of what is for an audience, what the peer may have. `now`: RFC 3339, of this node.
 * As many as there is room for, one at least if there is any. Attacker-controlled: `wanted`. Throws HistoryPruned.
 */
export async function payloadLines(
  payloads: PayloadStore,
  state: AgreementState,
  peer: Handle,
  wanted: readonly Wanted[],
  room: number,
  now: string,
  turns?: Turns,
): Promise<PayloadLines> {
  const { contract } = state
  const visible = visibleTo(state, peer)
  const lines: string[] = []
  let left = room
  let toRead = READ_MAX
  let lookedUp = 0
  for (const { party, seq, seals } of wanted) {
    if (left <= 0 || toRead <= 0) break
    lookedUp++
    if (visible === undefined || !covers(visible, party, seq)) continue
    const held = statementAt(state.feeds, party, seq)
    if (held === undefined) continue
    const named = sealsNamedBy(held.statement)
    for (const seal of held.lacks) named.delete(seal)
    const asked = new Set(seals.filter((seal) => named.has(seal) && mayHave(state, held, seal, peer, now)))
    if (asked.size === 0) continue
    if (turns?.isOver === true) await turns.next()
    const found: [Hash, string][] = []
    const sealed = [...named].map((seal) => ({ seq, seal }))
    for (const [seal, text] of await payloads.get(contract, refsIn(party, sealed))) {
      toRead -= text.length
      if (left <= 0 || !asked.has(seal)) continue
      left -= text.length
      // What the store has damaged would be laid to this node.
      if (hashCanonical('seal', text) === seal) found.push([seal, text])
    }
    for (const some of inLines(found)) lines.push(encodePayloads({ contract, party, seq }, some))
  }
  return { lines, lookedUp }
}

/** Parted so that each is within the bounds of a line; a value that is large stands in one of its own. */
function inLines(found: readonly [Hash, string][]): Map<Hash, string>[] {
  const lines: Map<Hash, string>[] = []
  let size = 0
  for (const [seal, text] of found) {
    const line = lines.at(-1)
    // With its seal. Each member takes a character at least.
    const own = SEAL_CHARACTERS + text.length
    size += own
    if (line !== undefined && size <= JSON_MEMBERS_MAX) line.set(seal, text)
    else {
      lines.push(new Map([[seal, text]]))
      size = own
    }
  }
  return lines
}
