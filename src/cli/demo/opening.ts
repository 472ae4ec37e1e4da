import type { ContractSummary } from '../../library/interface.ts'
import { DemoFailed, type ReachableParty } from './party-process.ts'

/** How long one party waits for another's word to arrive, and how often it looks. Milliseconds. */
const ARRIVAL_TIMEOUT_MS = 30_000
const LOOK_EVERY_MS = 10

/** The first party opens a contract, invites the others, and they accept. Returns its UID. */
export async function openTogether(
  title: string,
  parties: readonly ReachableParty[],
  tell: (line: string) => void,
): Promise<string> {
  const [first, ...others] = parties as [ReachableParty, ...ReachableParty[]]
  const { contract } = (await first.client.call('POST', '/api/Contract', { title })) as ContractSummary
  tell(`${first.name} opens the contract ${contract}`)
  for (const party of others) {
    await first.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: party.handle })
    await invitationArrives(party, contract)
    await party.client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, { prefer: 'wait=30' })
    tell(`${party.name} is invited, verifies the contract from its first entry, and joins`)
  }
  return contract
}

function invitationArrives({ client, handle }: ReachableParty, contract: string): Promise<void> {
  return arrives(`the invitation at ${handle}`, async () => {
    const all = (await client.call('GET', '/api/Contract')) as ContractSummary[]
    return all.some((other) => other.contract === contract && other.standing === 'invited')
  })
}

/** Who answers to what another has agreed looks at it first: the others have it a moment after the author (round 3). */
export function entryArrives({ client, handle }: ReachableParty, contract: string, index: number): Promise<void> {
  return arrives(`entry ${index} at ${handle}`, async () => {
    const { size } = (await client.call('GET', `/api/Contract/${contract}`)) as { size: number }
    return size > index
  })
}

async function arrives(what: string, isThere: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ARRIVAL_TIMEOUT_MS
  while (Date.now() < deadline) {
    if (await isThere()) return
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  throw new DemoFailed('demo_failed', `${what} did not arrive in time`)
}
