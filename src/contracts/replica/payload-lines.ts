import type { AgreementState } from '../../agreement/state.ts'
import { covers } from '../../agreement/version-vector.ts'
import { type Hash, hashCanonical } from '../../crypto/hash.ts'
import type { Handle } from '../../events/ids.ts'
import { JSON_MEMBERS_MAX } from '../../events/limits.ts'
import { visibleTo } from '../../gossip/exchange.ts'
import { encodePayloads, type Wanted } from '../../gossip/message.ts'
import { refsIn } from '../../store/payload-group.ts'
import type { PayloadStore } from '../../store/port.ts'

const SEAL_CHARACTERS = 68

/**
 * Lines with what is held of what a peer wants: of statements that it may see alone, since whoever asks may name any. As many as
 * there is room for, one at least if there is any. Attacker-controlled: `wanted`. Throws Forgotten.
 */
export async function payloadLines(
  payloads: PayloadStore,
  state: AgreementState,
  peer: Handle,
  wanted: readonly Wanted[],
  room: number,
): Promise<string[]> {
  const { contract } = state
  const visible = visibleTo(state, peer)
  const lines: string[] = []
  let left = room
  for (const { party, seq, seals } of wanted) {
    if (left <= 0) break
    if (visible === undefined || !covers(visible, party, seq)) continue
    const refs = refsIn(
      party,
      seals.map((seal) => ({ seq, seal })),
    )
    const found: [Hash, string][] = []
    for (const [seal, text] of await payloads.get(contract, refs)) {
      // What the store has damaged would be laid to this node.
      if (left <= 0 || hashCanonical('seal', text) !== seal) continue
      found.push([seal, text])
      left -= text.length
    }
    for (const some of inLines(found)) lines.push(encodePayloads({ contract, party, seq }, some))
  }
  return lines
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
