import { type ContractState, membersOf } from '../../aggregates/contract/state.ts'
import type { Handle, Seq } from '../../events/ids.ts'
import { requestOf } from '../../events/ids.ts'
import { type Feeds, firstCovering, saidToHold } from '../feeds.ts'
import { type AgreementState, isUnsure } from '../state.ts'
import { noneKnown } from '../values/known-entries.ts'

/** How many of the newest statements of a feed always stay in memory: peers are likely to ask for them. */
const NEWEST_KEPT = 8

/**
 * The same state with less in memory: without the statements that are unlikely to be needed. Whatever it returns is
 * what the whole state would return; where history is missing it throws HistoryPruned. Of each feed it keeps all that
 * some party to the contract may still lack, open requests with their answers, decisions that are waited for, requests
 * that wait as change sets, those whose values are still asked for, and the newest few. Where a member has left, an
 * invitation has ended, a key is revoked, heads differ, or rules are in force, old statements are needed all the time:
 * there everything is kept.
 */
export function pruned(state: AgreementState): AgreementState {
  if (looksBack(state) || isUnsure(state)) return state
  const bases = basesOf(state)
  const feeds = state.feeds.map((feed, handle) => feed.forgetting(bases.get(handle) ?? 0))
  return { ...state, feeds, ledger: { ...state.ledger, known: noneKnown, lineage: undefined } }
}

/** Whether nothing was pruned. */
export function isWhole({ feeds }: AgreementState): boolean {
  return feeds.every(({ base }) => base === 0)
}

/** Rules read values that old statements brought. */
function looksBack({ ledger, keys, settling }: AgreementState): boolean {
  if (ledger.document.phase === 'live') return true
  const { former, closed } = ledger.document.parties
  return former.length + closed.length + keys.holds.size + settling.divergences.length > 0
}

function basesOf(state: AgreementState): Map<Handle, Seq> {
  const { feeds, ledger, undecided } = state
  const bases = new Map<Handle, Seq>()
  const keep = (handle: Handle, from: Seq) => bases.set(handle, Math.min(bases.get(handle) ?? from, from))
  for (const [handle, feed] of feeds) keep(handle, feed.size - NEWEST_KEPT)
  for (const party of partiesWithAWord(feeds, ledger.document)) {
    const past = saidToHold(feeds, party)
    for (const handle of feeds.keys()) keep(handle, past.get(handle) ?? 0)
  }
  for (const key of undecided.keys()) {
    const { handle, seq } = requestOf(key)
    keep(handle, seq)
  }
  // Their values are read at the last vote, whatever the phase.
  for (const { request } of ledger.document.changeSets) keep(request.handle, request.seq)
  for (const key of ledger.takenWithout.keys()) keep(requestOf(key).handle, requestOf(key).seq)
  for (const { held } of ledger.decisions.values()) keep(held.statement.party, held.statement.seq)
  for (const { statement } of ledger.open) {
    keep(statement.party, statement.seq)
    for (const [handle, feed] of feeds) {
      const answer = firstCovering(feed, statement.party, statement.seq)
      // With the one before it is certain that this is the first.
      if (answer !== undefined) keep(handle, answer.statement.seq - 1)
    }
  }
  return new Map([...bases].map(([handle, base]) => [handle, Math.max(0, base)]))
}

/** Members, and those that are invited and have said something. */
function partiesWithAWord(feeds: Feeds, document: ContractState): Handle[] {
  const { invitations } = document.parties
  const invited = invitations.map(({ party }) => party.handle).filter((handle) => feeds.has(handle))
  return [...membersOf(document).map(({ card }) => card.handle), ...invited]
}
