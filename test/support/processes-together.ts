import type { ApiClient } from '../../src/cli/api-client.ts'
import { addParty } from '../../src/cli/party/approve.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import type { PartyProcesses } from './party-processes.ts'
import { until } from './unchecked-party.ts'

const WAIT = { prefer: 'wait=60' }

/** One approves the other. */
export async function introduce(one: { readonly dir: string }, other: { readonly endpoint: string }): Promise<void> {
  const { introduction } = await fetchIntroduction(other.endpoint, 10_000)
  await addParty(one.dir, other.endpoint, partyFingerprint(introduction.card))
}

/** It is known to the process that is asked. */
export function untilApproved({ client }: { readonly client: ApiClient }, handle: string): Promise<void> {
  return until(`${handle} is approved`, async () => {
    const parties = (await client.call('GET', '/api/Party')) as { handle: string; status: string }[]
    return parties.some((party) => party.handle === handle && party.status === 'approved')
  })
}

/** Both are members of a new contract; the answer is its UID. */
export async function together(ana: PartyProcesses, ben: PartyProcesses): Promise<string> {
  const { contract } = (await ana.client.call('POST', '/api/Contract', { title: 'in parts' })) as { contract: string }
  const path = `/api/Contract/${contract}`
  await ana.client.call('POST', `${path}/Invitations`, { party: 'ben' }, WAIT)
  await until('ben is invited', async () => {
    const contracts = (await ben.client.call('GET', '/api/Contract')) as { contract: string; standing: string }[]
    return contracts.some((one) => one.contract === contract && one.standing === 'invited')
  })
  await ben.client.call('POST', `${path}/Acceptance`, undefined, WAIT)
  await until('both are members', async () => {
    const { members } = (await ana.client.call('GET', path)) as { members: unknown[] }
    return members.length === 2
  })
  return contract
}
