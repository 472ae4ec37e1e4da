import { membersOf } from '../../src/aggregates/contract/state.ts'
import { lackingIn } from '../../src/agreement/completing.ts'
import { takesLostValue } from '../../src/agreement/confirmable.ts'
import { feedOf, firstCovering } from '../../src/agreement/feeds.ts'
import { lackedIn } from '../../src/agreement/values/lacked-values.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import { type RequestRef, requestKey } from '../../src/events/ids.ts'
import { refsIn } from '../../src/store/payload-group.ts'
import { fullState } from '../support/full-state.ts'
import type { HostileMember } from './hostile.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'

/**
 * Whether nobody can go on, since a value is gone that every member has said to have: its author's disk was set back, and the only
 * other member is a liar that has acknowledged it and never had it. What its author could still withdraw is not like that.
 */
export async function isStoppedForGood(run: Run): Promise<boolean> {
  const { hostile, wasSetBack } = run
  if (hostile === undefined || !wasSetBack) return false
  for (const machine of run.machines) {
    const { handle } = machine
    const live = await machine.author(run.contract)
    if (live === undefined) continue
    const state = fullState(live.state)
    const { ledger, feeds, undecided } = state
    const others = membersOf(ledger.document).filter(({ card }) => card.handle !== handle)
    if (others.some(({ card }) => card.handle !== hostile.handle)) continue
    for (const held of lackingIn(state)) {
      const { party, requests, seq } = held.statement
      if (party !== handle || firstCovering(feedOf(feeds, hostile.handle), party, seq) === undefined) continue
      for (const [index, request] of requests.entries()) {
        const ref: RequestRef = { handle: party, index, seq }
        if (undecided.has(requestKey(ref)) || !takesLostValue(state, held, ref)) continue
        if (!(await isGone(run, hostile, ref, lackedIn(held, request)))) continue
        if (live.obstacle !== 'values_missing')
          throw new Violation(`${handle} does not say that it lacks a value for good`)
        run.count('stopped for good')
        return true
      }
    }
  }
  return false
}

/** One of these values nobody has. */
async function isGone(run: Run, { given }: HostileMember, { handle, seq }: RequestRef, seals: readonly Hash[]) {
  const left = new Set(seals.filter((seal) => !given.has(`${handle}.${seq} ${seal}`)))
  for (const { disk } of run.machines) {
    const refs = refsIn(
      handle,
      [...left].map((seal) => ({ seal, seq })),
    )
    for (const seal of (await disk.payloads.get(run.contract, refs)).keys()) left.delete(seal as Hash)
  }
  return left.size > 0
}
