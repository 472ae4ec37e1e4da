import './checked-answers.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { apiClient } from '../../src/cli/api-client.ts'
import type { ReachableParty } from '../../src/cli/demo/party-process.ts'
import { addParty } from '../../src/cli/party/approve.ts'
import { openNode } from '../../src/index.ts'
import { newParty } from './node-party.ts'

/** A party whose node runs in this process, with its files. */
export type MarketParty = ReachableParty & { readonly data: string }

/** Nodes of these parties, who have all approved each other. They are gone with the test. */
export async function marketOf(t: Test, handles: readonly string[]): Promise<MarketParty[]> {
  process.env.CONCORDATA_LOG_LEVEL = 'silent'
  const root = await mkdtemp(join(tmpdir(), 'concordata-market-'))
  const parties = await Promise.all(handles.map((handle) => newParty(root, handle)))
  const nodes = await Promise.all(parties.map(({ data }) => openNode({ data })))
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await rm(root, { recursive: true, force: true })
  })
  for (const { data } of parties) {
    for (const other of parties) if (other.data !== data) await addParty(data, other.endpoint, other.fingerprint)
  }
  return parties.map(({ api, data, handle, token }) => {
    return { client: apiClient(api, token), data, handle: handle as MarketParty['handle'], name: handle }
  })
}
