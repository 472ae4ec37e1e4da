import { type ObstacleCode, obstacleKinds } from '../../../contracts/obstacles/obstacles.ts'
import { contractHeldIn } from '../../../contracts/registry/held-contracts.ts'
import type { Handle } from '../../../events/ids.ts'
import type { Statement } from '../../../events/statement.ts'
import type { Store } from '../../../store/port.ts'
import { CONTRACTS_STREAM, feedStream } from '../../../store/streams.ts'
import type { Configuration, Environment } from '../../config/configuration.ts'
import { openStoreToRead } from '../../files/open-store.ts'
import { openKeys, readApiToken } from '../../identity/identity.ts'
import type { CheckFinding } from './finding.ts'

const TIMEOUT_MS = 5_000
/** Most statements say nothing about keys: those need not be parsed. */
const CHANGES_KEY = /"key":\{"(?:rotate|revoke)"/

interface Told {
  readonly code: ObstacleCode
  readonly contract: string | null
  readonly parties: readonly string[]
}

/** What stops contracts, as a process that runs tells it. `api`: where it is asked. Undefined: it does not answer. */
export async function obstaclesToldAt(api: string, { dir }: Configuration): Promise<CheckFinding[] | undefined> {
  const check = 'obstacles'
  const token = await readApiToken(dir).catch(() => undefined)
  if (token === undefined) return [{ check, level: 'warning', finding: 'cannot be asked for: api-token is not here' }]
  const authorization = `Bearer ${token}`
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const answer = await fetch(new URL('/api/Obstacle', api), { headers: { authorization }, signal }).catch(
    () => undefined,
  )
  if (answer === undefined) return undefined
  if (answer.status !== 200) {
    return [{ check, level: 'error', finding: `are not told: status ${answer.status}`, advice: 'its log says why' }]
  }
  const told = (await answer.json()) as Told[]
  if (told.length === 0) return [{ check, level: 'ok', finding: 'nothing stops its contracts' }]
  return [...Map.groupBy(told, ({ code, parties }) => `${code} ${parties}`).values()].map(findingOf)
}

function findingOf(told: readonly Told[]): CheckFinding {
  const { code, parties } = told[0] as Told
  const { meaning, remedy, level } = obstacleKinds[code]
  const contracts = told.flatMap(({ contract }) => contract ?? [])
  const where =
    contracts.length === 0 ? '' : ` (${contracts.slice(0, 3)}${contracts.length > 3 ? `, … ${contracts.length}` : ''})`
  const who = parties.length === 0 ? '' : `${parties.join(', ')}: `
  return { check: code, level, finding: `${who}${meaning}${where}`, advice: remedy }
}

/** Of a node that does not run: whether it has the key that each contract is at. */
export async function keysOfContracts(configuration: Configuration, environment: Environment): Promise<CheckFinding[]> {
  const ring = await openKeys(configuration, environment)
  const store = await openStoreToRead(configuration)
  try {
    const missing: Told[] = []
    for await (const event of store.events.read(CONTRACTS_STREAM)) {
      const contract = contractHeldIn(event)?.contract
      if (contract === undefined) continue
      const key = await lastKeyIn(store, feedStream(contract, configuration.handle as Handle))
      if (key !== undefined && ring.keys.signerOf(key) === undefined) {
        missing.push({ code: 'key_missing', contract, parties: [] })
      }
    }
    return missing.length === 0 ? [] : [findingOf(missing)]
  } finally {
    await store.close()
    await ring.close()
  }
}

/** Undefined: the feed is at the key of the card. */
async function lastKeyIn({ events }: Store, feed: string): Promise<string | undefined> {
  let last: string | undefined
  for await (const { data } of events.read(feed)) {
    if (!CHANGES_KEY.test(data)) continue
    const { key } = (JSON.parse(data) as { statement: Statement }).statement
    if (key !== undefined && 'rotate' in key) last = key.rotate.signing
    if (key !== undefined && 'revoke' in key) last = key.revoke.revocation.signing
  }
  return last
}
