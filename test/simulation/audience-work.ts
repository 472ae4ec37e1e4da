import { type ContractState, find, membersOf } from '../../src/aggregates/contract/state.ts'
import { audienceAt } from '../../src/aggregates/contract/values/effective-audience.ts'
import { standingAt } from '../../src/aggregates/contract/values/standing.ts'
import type { Hash } from '../../src/crypto/hash.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import type { Payload } from '../../src/events/statement.ts'
import type { SeededRandom } from './seeded-random.ts'

interface Command {
  readonly type: string
  readonly [key: string]: unknown
}

export interface Confided {
  readonly command: Command
  readonly payloads: { [seal: Hash]: Payload }
}

/** Values that were confided in a run, by their seals: who has put one up can reveal it. */
export type Kept = Map<Hash, Payload>

/** What a member does next with a confidential block, and the field in it. */
export function audienceWork(
  state: ContractState,
  self: Handle,
  block: ElementId,
  random: SeededRandom,
  kept: Kept,
): Confided | undefined {
  const field = find(state, `${block}.0` as ElementId)
  const element = find(state, block)
  if (element === undefined || field?.kind !== 'field') return undefined
  const nothing = {}
  if (element.owner === self && random.chance(0.35)) {
    const others = [
      ...membersOf(state).map(({ card }) => card.handle),
      ...state.parties.invitations.map((one) => one.party.handle),
    ]
    const parties = random.chance(0.1) ? null : others.filter((other) => other === self || random.chance(0.6))
    const until = parties !== null && random.chance(0.2) ? { until: random.pick([PAST, FUTURE]) } : {}
    return { command: { type: 'SetAudience', element: block, parties, ...until }, payloads: nothing }
  }
  const own = standingAt(field).find(({ by, audience }) => by === self && audience !== undefined)
  const known = own?.seal ? kept.get(own.seal) : undefined
  if (own?.seal && known !== undefined && random.chance(0.15)) {
    const command = { type: 'RevealValue', field: field.id, proposal: own.id, seal: own.seal }
    return { command, payloads: { [own.seal]: known } }
  }
  const sealed = seal(`${self} confides ${random.below(1e9)}`, random.bytes(16))
  const held = audienceAt(state, field.id)?.parties
  const members = membersOf(state).map(({ card }) => card.handle)
  // Now and then it means others than those who hold it, or does not fit its field.
  const meant = random.chance(0.15) ? members.filter(() => random.chance(0.5)) : held
  const audience = meant === undefined || meant.length === 0 ? nothing : { audience: [...meant] }
  const basis = standingAt(field).map(({ id }) => id)
  kept.set(sealed.seal, sealed.payload)
  return {
    command: { type: 'ProposeValue', field: field.id, seal: sealed.seal, basis, ...audience },
    payloads: { [sealed.seal]: sealed.payload },
  }
}

const PAST = '2025-06-01T00:00:00.000Z'
const FUTURE = '2036-06-01T00:00:00.000Z'
