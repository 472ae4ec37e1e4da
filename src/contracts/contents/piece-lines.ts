import { isErased } from '../../aggregates/contract/erased-values.ts'
import { statementAt } from '../../agreement/feeds.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { covers } from '../../agreement/version-vector.ts'
import type { Handle } from '../../events/ids.ts'
import { mayHave } from '../../gossip/disclosure.ts'
import { visibleTo } from '../../gossip/exchange.ts'
import { encodePiece, type WantedPieces } from '../../gossip/piece-line.ts'
import { pieceProof } from '../../merkle/content-tree.ts'
import type { Turns } from '../../runtime/turns.ts'
import type { PayloadStore } from '../../store/port.ts'
import { leavesOf, pieceOf } from './content-files.ts'
import { contentUnder } from './content-under.ts'

/**
 * Lines with what is held of the pieces that a peer wants: of contents that are complete here, which statements name that it may see, by
 * values that it may have. As many as there is room for, one at least if there is any. `now`: RFC 3339, of this node.
 * Attacker-controlled: `wanted`. Throws HistoryPruned.
 */
export async function pieceLines(
  payloads: PayloadStore,
  state: AgreementState,
  peer: Handle,
  wanted: readonly WantedPieces[],
  room: number,
  now: string,
  turns?: Turns,
): Promise<string[]> {
  const { contract, feeds, ledger } = state
  const visible = visibleTo(state, peer)
  const lines: string[] = []
  let left = room
  for (const { content: name, count, from, party, seq } of wanted) {
    if (left <= 0) break
    if (visible === undefined || !covers(visible, party, seq)) continue
    const held = statementAt(feeds, party, seq)
    if (held === undefined || isErased(ledger.document, name) || !mayHave(state, held, name, peer, now)) continue
    const content = await contentUnder(payloads, contract, held, name)
    const leaves = content && (await leavesOf(payloads, contract, content))
    if (leaves === undefined) continue
    for (let index = from; index < Math.min(from + count, leaves.length) && left > 0; index++) {
      if (turns?.isOver === true) await turns.next()
      const leaf = leaves[index]
      const bytes = leaf && (await pieceOf(payloads, contract, name, index, leaf))
      // What the store has damaged would be laid to this node.
      if (bytes === undefined) break
      const line = encodePiece({ bytes, content: name, contract, index, proof: pieceProof(leaves, index) })
      left -= line.length
      lines.push(line)
    }
  }
  return lines
}
