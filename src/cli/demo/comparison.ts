import { print, printLines, table } from '../output.ts'
import type { DemoProcess, ReachableParty } from './party-process.ts'

interface Standing {
  readonly party: ReachableParty
  readonly size: number
  readonly root: string
  readonly record: string
  readonly tier: number
}

/** What each party holds of the contract. */
export interface Agreement {
  readonly standings: readonly Standing[]
  readonly isEqual: boolean
}

/** Everybody cosigns when a contract has been idle for a second: how long to wait for it, and how often to look. */
const TIER_4_TIMEOUT_MS = 15_000
const LOOK_EVERY_MS = 100

/** Asks every party, until all hold the same and have cosigned it, or the time is up. */
export async function agreementOf(contract: string, parties: readonly ReachableParty[]): Promise<Agreement> {
  const deadline = Date.now() + TIER_4_TIMEOUT_MS
  for (;;) {
    const standings = await Promise.all(parties.map((party) => standingOf(contract, party)))
    const isEqual = standings.every((other) => isSame(other, standings[0] as Standing))
    const isCosigned = standings.every(({ tier }) => tier === 4)
    if ((isEqual && isCosigned) || Date.now() > deadline) return { standings, isEqual }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

async function standingOf(contract: string, party: ReachableParty): Promise<Standing> {
  const { size, root, record, tier } = (await party.client.call('GET', `/api/Contract/${contract}`)) as Standing
  return { party, size, root, record, tier }
}

function isSame(one: Standing, other: Standing): boolean {
  return one.size === other.size && one.root === other.root && one.record === other.record && one.tier === other.tier
}

export function showComparison({ standings, isEqual }: Agreement): void {
  const rows = standings.map(({ party, size, root, record, tier }) => [
    party.name,
    String(size),
    root,
    record,
    String(tier),
  ])
  print('')
  printLines(table(['party', 'entries', 'root of the ledger', 'record hash', 'tier'], rows))
  print('', isEqual ? 'All hold the same.' : 'They do NOT hold the same.')
}

/** What somebody who sits in front of it may want to type. */
export function showWhatToTry(contract: string, parties: readonly DemoProcess[], dir: string): void {
  const [broker, lead] = parties as [DemoProcess, DemoProcess]
  const header = ({ token }: DemoProcess) => `-H 'Authorization: Bearer ${token}'`
  print('', 'The inward APIs:')
  for (const { name, api } of parties) print(`  ${api}  ${name}`)
  print('', 'Try, in another terminal:')
  print(`  curl -s ${header(broker)} ${broker.api}/new-api/${contract}`)
  print(
    `  curl -s ${header(broker)} -X POST -H 'Content-Type: application/json' -d '{"Remark": "as agreed by telephone"}' ${broker.api}/new-api/${contract}`,
  )
  print(`  curl -s ${header(lead)} ${lead.api}/new-api/${contract}/Remark`)
  print(
    `  curl -s ${header(lead)} -X PUT -H 'Content-Type: text/plain' -d 'noted' ${lead.api}/new-api/${contract}/Remark`,
  )
  print(`  curl -s ${header(lead)} ${lead.api}/api/Contract/${contract}/Rules`)
  const line = `${lead.api}/new-api/${contract}/Security%20Details/Lines/1/Insurers%20Written%20Line`
  print(`  curl -s ${header(lead)} -X PUT -H 'Content-Type: text/plain' -d 80 ${line}`)
  print(`  curl -s ${header(broker)} '${broker.api}/api/FullContract?ContractId=${contract}'`)
  print(`  npx concordata audit verify ${contract} --data ${broker.dir}`)
  print('', `The data are in ${dir}. Ctrl-C ends it.`)
}
