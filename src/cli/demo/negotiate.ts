import type { Scenario, ScenarioElement } from '../../scenario/scenario.ts'
import { print } from '../output.ts'
import { DemoFailed, type ReachableParty } from './party-process.ts'

interface ContractSummary {
  readonly contract: string
  readonly standing: string
}

/** Where in the ledger a write stands. */
interface Agreed {
  readonly index: number
}

/** How long one party waits for another's word to arrive, and how often it looks. Milliseconds. */
const ARRIVAL_TIMEOUT_MS = 30_000
const LOOK_EVERY_MS = 10

/** The first party opens a contract, invites the others, and they accept. Returns its UID. */
export async function openTogether(scenario: Scenario, parties: readonly ReachableParty[]): Promise<string> {
  const [first, ...others] = parties as [ReachableParty, ...ReachableParty[]]
  const { contract } = (await first.client.call('POST', '/api/Contract', { title: scenario.title })) as ContractSummary
  print(`${first.name} opens the contract ${contract}`)
  for (const party of others) {
    await first.client.call('POST', `/api/Contract/${contract}/Invitations`, { party: party.handle })
    await invitationArrives(party, contract)
    await party.client.call('POST', `/api/Contract/${contract}/Acceptance`, undefined, { prefer: 'wait=30' })
    print(`${party.name} is invited, verifies the contract from its first entry, and joins`)
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
function entryArrives({ client, handle }: ReachableParty, contract: string, index: number): Promise<void> {
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

/** The first party drafts the document; then all write to it, step by step, as they would in a placement. */
export async function negotiate(
  scenario: Scenario,
  contract: string,
  parties: readonly ReachableParty[],
): Promise<void> {
  const [first] = parties as [ReachableParty, ...ReachableParty[]]
  const root = `/new-api/${contract}`
  let agreed = (await first.client.call('POST', root, structureOf(scenario.document), { prefer: 'wait=30' })) as Agreed
  print(`${first.name} drafts the slip: ${countFields(scenario.document)} fields`)
  for (const { by, say, set } of scenario.steps) {
    const party = parties.find(({ handle }) => handle === by)
    if (party === undefined) throw new DemoFailed('demo_failed', `the scenario names ${by}, who is not on the contract`)
    await entryArrives(party, contract, agreed.index)
    const began = performance.now()
    agreed = (await party.client.call('PUT', root, nested(set), { prefer: 'wait=30' })) as Agreed
    const ms = Math.round(performance.now() - began)
    print(`${party.name}: ${say} (${Object.keys(set).length} values, agreed by all in ${ms} ms)`)
  }
}

/** As the path API takes a structure: blocks by name, fields by their type, no values yet. */
function structureOf(elements: readonly ScenarioElement[]): Record<string, unknown> {
  return Object.fromEntries(
    elements.map((element) => [
      element.name,
      element.kind === 'block' ? structureOf(element.children) : { $field: element.field },
    ]),
  )
}

function countFields(elements: readonly ScenarioElement[]): number {
  return elements.reduce((sum, element) => sum + (element.kind === 'block' ? countFields(element.children) : 1), 0)
}

/** `{ 'A/B': 1, 'A/C': 2 }` → `{ A: { B: 1, C: 2 } }` */
function nested(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('/')
    const last = names.pop() as string
    let block = root
    for (const name of names) {
      block[name] ??= {}
      block = block[name] as Record<string, unknown>
    }
    block[last] = value
  }
  return root
}
