import type { PartyProcess } from '../../src/contracts/processes/party-process.ts'
import type { Uid } from '../../src/events/ids.ts'
import { defaultLimits, type Limits } from '../../src/events/limits.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import type { Peer } from '../../src/gossip/replica-port.ts'
import type { EdgelessParty } from './edgeless-party.ts'
import { until } from './node-party.ts'

/** The way between two processes, which can be cut. */
export class Link {
  isUp = true

  constructor([one, its]: [PartyProcess, EdgelessParty], [other, theirs]: [PartyProcess, EdgelessParty]) {
    one.gossip.setPeer(this.#peer(other, theirs.card, its.card))
    other.gossip.setPeer(this.#peer(one, its.card, theirs.card))
  }

  #peer(process: PartyProcess, { handle, keys }: PartyCard, caller: PartyCard): Peer {
    return {
      handle,
      signingKey: keys.signing,
      exchange: async (body) => {
        if (!this.isUp) throw new Error('the way is cut')
        const from = { handle: caller.handle, signingKey: caller.keys.signing, exchange: () => Promise.reject() }
        return process.gossip.answer(from, body)
      },
    }
  }
}

/** A contract of the two. */
export async function together(one: PartyProcess, other: PartyProcess, limits: Limits = defaultLimits): Promise<Uid> {
  const { contract, opened } = await one.contracts.openContract('of two', undefined, limits)
  await opened
  const uid = contract.contract
  const command = { type: 'InviteParty', party: other.contracts.card }
  await one.contracts.use(
    uid,
    (live) => live.submit({ request: { id: 'invite', commands: [command] }, payloads: {} }).verdict,
  )
  await until('the invitation', async () => other.contracts.has(uid))
  const parties = ({ contracts }: PartyProcess) => contracts.use(uid, ({ state }) => state.settling.agreed.parties)
  await until('the invitation to be agreed', async () => (await parties(other)).invitations.length === 1)
  await other.contracts.accept(uid)
  other.gossip.carry(uid)
  for (const process of [one, other])
    await until('both to be members', async () => (await parties(process)).members.length === 2)
  return uid
}
