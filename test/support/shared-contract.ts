import type { Test } from 'tap'
import { addParty } from '../../src/cli/party/approve.ts'
import { type NodeParty, until } from './node-party.ts'

/** Each approves the keys of the other, whose node is up. */
export async function addEachOther(ana: Introduced, ben: Introduced): Promise<void> {
  await addParty(ana.data, ben.endpoint, ben.fingerprint)
  await addParty(ben.data, ana.endpoint, ana.fingerprint)
}

type Introduced = Pick<NodeParty, 'data' | 'endpoint' | 'fingerprint'>

/** The UID of a contract of two companies whose nodes are up and do not know each other yet. */
export async function sharedContract(t: Test, ana: NodeParty, ben: NodeParty, title: string): Promise<string> {
  await addEachOther(ana, ben)
  const { contract } = (await ana.call('POST', '/api/Contract', { title })).body
  const at = `/api/Contract/${contract}`
  t.equal((await ana.call('POST', `${at}/Invitations`, { party: ben.handle })).status, 200)
  await until('the invitation', async () => {
    const { body } = await ben.call('GET', '/api/Contract')
    return body.some(
      (held: { contract: string; standing: string }) => held.contract === contract && held.standing === 'invited',
    )
  })
  t.equal((await ben.call('POST', `${at}/Acceptance`)).status, 200)
  return contract
}
