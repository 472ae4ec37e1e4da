import { isDeepStrictEqual } from 'node:util'
import { feedOf } from '../../src/agreement/feeds.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { naiveRoot } from '../support/naive-merkle.ts'
import type { Machine } from './machine.ts'
import type { View } from './views.ts'
import { Violation } from './violation.ts'

/** The laws of one view, by itself. Nothing of settling.ts: only entries, statements, and RFC 9162 as it is written. */
export function checkView({ state, entries }: View): void {
  const { settled, divergences } = state.settling
  const leaves = entries.map(({ text }) => sha256(`\0${text}`))
  const roots = new Map<number, string>()
  const rootAt = (size: number) => {
    const root = roots.get(size) ?? naiveRoot(leaves.slice(0, size))
    roots.set(size, root)
    return root
  }
  if (divergences.length > 0) {
    throw new Violation(
      'all compute the same ledger from the same statements',
      divergences.map((one) => JSON.stringify(one)),
    )
  }
  for (const [index, { members, text }] of entries.slice(0, settled).entries()) {
    for (const { card } of members) {
      const hasSigned = feedOf(state.feeds, card.handle).some(
        ({ statement: { head } }) => head.size > index && head.size <= leaves.length && head.root === rootAt(head.size),
      )
      if (!hasSigned) {
        throw new Violation('an entry settles when every member has signed a head that covers it', [card.handle, text])
      }
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
    demand(durable === first?.durable, 'in the end all hold the same statements')
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
