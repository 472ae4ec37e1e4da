import { lookingBack, needsHistory } from '../../../agreement/history/looking-back.ts'
import type { Equivocation } from '../../../agreement/reception.ts'
import type { Handle, Uid } from '../../../events/ids.ts'
import { assert } from '../../../runtime/assert.ts'
import { feedStream } from '../../../store/streams.ts'
import { dutiesOf } from '../../duties.ts'
import { DoubleSignProtection } from '../../signing/double-sign-protection.ts'
import { memoryGuard } from '../../signing/signing-guard.ts'
import { loadEvidence } from '../journal.ts'
import type { ContractPorts } from '../ports.ts'
import { type Loaded, loadContract } from './load.ts'

/** What a contract is taken into memory with. */
export interface Opened {
  readonly loaded: Loaded
  readonly protection: DoubleSignProtection
  readonly evidence: readonly Equivocation[]
}

/**
 * Loads what the store and the guard have of a contract: nothing at all is a contract that is about to begin. `told`: that many
 * entries of its ledger were told of when it was in memory before. Throws ContractDamaged, EngineUnknown, and what the store and
 * the guard throw.
 */
export async function openReplica(
  contract: Uid,
  self: Handle,
  founder: Handle,
  ports: ContractPorts,
  told: number,
): Promise<Opened> {
  const snapshot = ports.snapshots?.snapshot(contract)
  const opened = await openFrom(snapshot, contract, self, founder, ports, told)
  if (opened !== needsHistory) return opened
  const whole = await openFrom(undefined, contract, self, founder, ports, told)
  assert(whole !== needsHistory, 'without a snapshot all of the history is in memory')
  return whole
}

async function openFrom(
  snapshot: string | undefined,
  contract: Uid,
  self: Handle,
  founder: Handle,
  ports: ContractPorts,
  told: number,
): Promise<Opened | typeof needsHistory> {
  const { engines, guard = memoryGuard(), role = 'node', store, turns } = ports
  const { sharesStore, signs } = dutiesOf[role]
  const sharing = !sharesStore ? 'alone' : signs ? 'shared' : 'watching'
  const loaded = await loadContract(store, contract, founder, sharing, snapshot, engines, turns)
  return lookingBack(loaded.state, async (state) => {
    const settled = loaded.settled.filter(({ entry }) => entry.index >= told)
    const isFounding = self === founder && state.feeds.size === 0
    const protection = await DoubleSignProtection.open(state, self, guard, isFounding, sharesStore, loaded.ahead)
    // Another process of this node has signed since the feed was read: the first turn takes that in.
    const { isCertain, standsAt } = protection
    const isStored = async (seq: number) => (await store.events.lastRevision(feedStream(contract, self))) >= seq
    const isGoneOn = sharing === 'shared' && standsAt !== undefined && (await isStored(standsAt))
    // What was signed has to be found out: that looks at everything, again and again. Who never signs does not ask.
    if (snapshot !== undefined && signs && !isCertain && !isGoneOn) return needsHistory
    return { loaded: { ...loaded, settled }, protection, evidence: await loadEvidence(store, state) }
  })
}
