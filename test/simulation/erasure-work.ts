import { erasedIn } from '../../src/aggregates/contract/erased-values.ts'
import { type ContractState, find, memberOf } from '../../src/aggregates/contract/state.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import { Violation } from './oracle.ts'
import type { Run } from './run.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What a member does so that values are erased: it votes for what others have asked for, now and then against it, or asks. */
export function erasureWork(state: ContractState, self: Handle, field: ElementId, random: SeededRandom) {
  if (memberOf(state, self) === undefined) return undefined
  const asked = state.erasures.open.find(({ votes }) => !votes.includes(self))
  if (asked !== undefined) {
    if (random.chance(0.1)) return { type: 'KeepValues', erasure: asked.id }
    return { type: 'EraseValues', seals: asked.seals }
  }
  const element = find(state, field)
  const standing = element?.kind === 'field' ? [element.agreed, ...element.candidates] : []
  const seals = standing.flatMap((one): Hash[] => (one?.seal == null ? [] : [one.seal]))
  return seals.length > 0 && random.chance(0.4) ? { type: 'EraseValues', seals: seals.sort() } : undefined
}

/** Nobody keeps what all have voted to erase, whatever was set back or lost meanwhile. */
export async function checkErased(run: Run): Promise<void> {
  if (run.options.erasures === 0) return
  const [founder] = run.machines
  for (const machine of run.machines) {
    const state = (await machine.live(run.contract))?.state
    if (state === undefined || founder === undefined || !run.isHonest(machine)) continue
    if (memberOf(state.settling.agreed, machine.handle) === undefined) continue
    const erased = erasedIn(state.settling.agreed)
    if (erased.size > 0) run.count('members that have erased values')
    if (state.ledger.known.size > 0) run.count('members that have taken entries in place of erased values')
    for await (const { group, entries } of machine.disk.auditSource(run.contract, founder.handle).groups()) {
      for (const [seal] of entries) {
        if (erased.has(seal)) throw new Violation(`${machine.handle} keeps ${seal} in ${group}, which all have erased`)
      }
    }
  }
}
