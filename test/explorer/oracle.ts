import { isDeepStrictEqual } from 'node:util'
import { feedOf, statementAt } from '../../src/agreement/feeds.ts'
import { covers } from '../../src/agreement/version-vector.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { requestKey } from '../../src/events/ids.ts'
import { naiveRoot } from '../support/naive-merkle.ts'
import type { Machine } from './machine.ts'
import type { View } from './views.ts'
import { Violation } from './violation.ts'

/** The laws of one view, by itself. */
export function checkView(view: View): void {
  const { divergences } = view.state.settling
  if (divergences.length > 0) {
    const evidence = divergences.map((one) => JSON.stringify(one))
    throw new Violation('all compute the same ledger from the same statements', evidence)
  }
  checkSettled(view)
  checkConfirmed(view)
  checkNobodyWaits(view)
}

/** Uses nothing of settling.ts: only entries, statements, and RFC 9162 as it is written. */
function checkSettled({ state, entries }: View): void {
  const leaves = entries.map(({ text }) => sha256(`\0${text}`))
  const roots = new Map<number, string>()
  const rootAt = (size: number) => {
    const root = roots.get(size) ?? naiveRoot(leaves.slice(0, size))
    roots.set(size, root)
    return root
  }
  for (const [index, { members, text }] of entries.slice(0, state.settling.settled).entries()) {
    for (const { card } of members) {
      const hasSigned = feedOf(state.feeds, card.handle).find(
        ({ statement: { head } }) => head.size > index && head.size <= leaves.length && head.root === rootAt(head.size),
      )
      if (hasSigned) continue
      throw new Violation('an entry settles when every member has signed a head that covers it', [card.handle, text])
    }
  }
}

/** Who confirms holds a statement of every other member that covers the request. */
function checkConfirmed({ state, entries }: View): void {
  for (const { entry, members, text } of entries) {
    const { handle, seq } = entry.request
    const confirming = feedOf(state.feeds, handle).find(({ statement }) =>
      statement.decided.some(
        ({ request, decision }) => isDeepStrictEqual(request, entry.request) && decision === 'confirmed',
      ),
    )
    if (confirming === undefined) continue
    for (const { card } of members) {
      const newest = statementAt(state.feeds, card.handle, confirming.past.get(card.handle) ?? -1)
      if (newest !== undefined && covers(newest.past, handle, seq)) continue
      throw new Violation('an author confirms only what everybody has answered', [card.handle, text])
    }
  }
}

/** Or else another's patience would decide how long a request takes that counts already. */
function checkNobodyWaits({ state: { ledger } }: View): void {
  let undecided: string | undefined
  for (const { statement } of ledger.open) {
    for (const [index, { tentative }] of statement.requests.entries()) {
      const key = requestKey({ handle: statement.party, seq: statement.seq, index })
      const decision = ledger.decisions.get(key)?.decision.decision
      if (undecided !== undefined && decision === 'confirmed') {
        throw new Violation('nothing that is confirmed waits for what is not', [`${key} waits for ${undecided}`])
      }
      if (tentative && decision === undefined) undecided = key
    }
  }
}

/** The laws that hold between any two honest machines, whatever happens. `one` may be `other`. */
export function checkTogether(one: Machine, other: Machine): void {
  const [mine, theirs] = [settledOf(one.durable), settledOf(other.durable)]
  const common = Math.min(mine.length, theirs.length)
  for (let index = 0; index < common; index++) {
    if (mine[index]?.text === theirs[index]?.text) continue
    throw new Violation('what has settled is the same everywhere', [
      `${one.seat.name}: ${mine[index]?.text}`,
      `${other.seat.name}: ${theirs[index]?.text}`,
    ])
  }
  for (const client of one.clients) {
    if (client.kind !== 'told') continue
    const entry = theirs.find(
      ({ entry: { request } }) => request.handle === one.party.handle && request.seq === client.seq,
    )
    if (entry === undefined || entry.entry.outcome.kind === client.answer) continue
    throw new Violation('what a client was told is what the ledger says', [
      `${one.seat.name} told ${client.answer} of ${client.seq}`,
      `${other.seat.name}: ${entry.text}`,
    ])
  }
}

/** What a machine has made durable it keeps: the ledger that settled, and what it told its clients. */
export function checkStep(before: Machine, action: string, after: Machine): void {
  const [was, is] = [settledOf(before.durable), settledOf(after.durable)]
  const isKept =
    was.every(({ text }, index) => text === is[index]?.text) &&
    before.clients.every((client, index) => client.kind !== 'told' || isDeepStrictEqual(after.clients[index], client))
  if (!isKept) throw new Violation('nothing that settled or was told is ever lost', [`by: ${action}`])
}

/** The laws when nothing but a fault, or lost patience, could still happen: all came to its end, everywhere. */
export function checkQuiet(machines: readonly Machine[]): void {
  const [first] = machines
  for (const { seat, durable, clients } of machines) {
    const { ledger, settling, undecided } = durable.state
    const demand = (isSo: boolean, law: string) => {
      if (!isSo) throw new Violation(law, [seat.name])
    }
    demand(durable.statements === first?.durable.statements, 'in the end all hold the same statements')
    demand(ledger.open.length === 0 && undecided.size === 0, 'in the end no request is open')
    demand(settling.settled === ledger.log.size, 'in the end everything has settled')
    demand(
      clients.every(({ kind }) => kind === 'told' || kind === 'gone'),
      'in the end every client that still waits has its answer',
    )
  }
}

function settledOf({ entries, state }: View): View['entries'] {
  return entries.slice(0, state.settling.settled)
}
