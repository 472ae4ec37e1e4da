import { memberOf } from '../../aggregates/contract/state.ts'
import { feedOf } from '../../agreement/feeds.ts'
import { lookBack, needsHistory } from '../../agreement/history/looking-back.ts'
import type { ReplicaLoop } from './replica-loop.ts'

/**
 * Whether a contract can leave memory: nobody here waits for anything in it, and this party owes nothing. What others owe will
 * bring it back. Proofs and differing heads are looked at so often that such a contract stays. Throws HistoryPruned.
 */
export function isPassivatable(loop: ReplicaLoop): boolean {
  const { duties, evidence, self, state } = loop
  const { approvals, author, computed, contents, erasing, mailbox, others, protection, recovery, requests, untold } =
    loop.parts
  const { feeds, ledger, settling, undecided } = state
  if (loop.isRunning || loop.isClosed || loop.isCutShort || !mailbox.isEmpty || loop.waiting.length > 0) return false
  if (others?.hasNews === true || others?.hasEvidence === true || recovery.isFailing) return false
  if (recovery.trouble !== undefined) return false
  if (!author.isIdle || loop.engineUnknown !== undefined || !untold.isEmpty) return false
  const isMember = memberOf(ledger.document, self) !== undefined
  // As long as it has said nothing, what others hold of its feed can wait.
  const hasSaid = isMember || feedOf(feeds, self).size > 0
  if (hasSaid && evidence.length + settling.divergences.length > 0) return false
  if (erasing?.isIdle === false || !contents.isIdle) return false
  if (!requests.queue.isIdle || !approvals.isIdle) return false
  // Who is not in it yet has nothing to say before the values come; whoever asks for the contract asks for them anew.
  if (ledger.takenUntil > settling.settled) return false
  const isMissing = ledger.lacking !== undefined || ledger.takenWithout.size > 0 || computed.wanted.length > 0
  if ((isMissing || author.isStopped) && isMember) return false
  if (!duties.signs) return true
  if (hasSaid && !protection.isCertain) return false
  return ![...undecided.values()].includes(self) && !hasToNote(loop) && !author.isDue
}

/** Whether it is to be cosigned when it has been idle. */
export function hasToNote({ parts: { author }, state }: ReplicaLoop): boolean {
  const isToNote = lookBack(state, () => author.hasToNote)
  return isToNote === needsHistory || isToNote
}
