import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyContract } from '../../src/audit/verify.ts'
import { auditSourceOf } from '../../src/cli/audit/audit-source.ts'
import { agreementOf } from '../../src/cli/demo/comparison.ts'
import { openTogether } from '../../src/cli/demo/opening.ts'
import { addParty } from '../../src/cli/party/approve.ts'
import { readFeed } from '../../src/contracts/replica/journal.ts'
import { type Handle, requestKey, type Uid } from '../../src/events/ids.ts'
import type { LedgerEntry } from '../../src/events/ledger-entry.ts'
import { partyFingerprint } from '../../src/events/parties/party-card.ts'
import { readConfiguration, readEnvironment, type StoreSettings } from '../../src/node/config/configuration.ts'
import { fetchIntroduction } from '../../src/node/directory/discovery.ts'
import { openStoreToRead } from '../../src/node/files/open-store.ts'
import type { Store } from '../../src/store/port.ts'
import { contractStream, evidenceStream } from '../../src/store/streams.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { type Layout, PartyProcesses } from '../support/party-processes.ts'
import { UnderWay } from './under-way.ts'

const HANDLES = ['ana', 'ben', 'cleo'] as Handle[]
/** Writers of each party, each with a field of its own. */
const WRITERS = 4
/** Who waits but a second is told no now and then. */
const WAITS = ['wait=1', 'wait=5']
const PATIENT_WAITS = ['wait=1', 'wait=30']
const LOOK_UP_TIMEOUT_MS = 10_000
/** How long the acknowledgements before a kill may take. */
const ACKNOWLEDGED_TIMEOUT_MS = 240_000
const LIFE_MS = 600

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  /** The processes of each party, in the order of HANDLES; the last one is that of all further parties. */
  readonly layouts: readonly [Layout, ...Layout[]]
  /** A server that all parties share, and that is killed, too. Left out: SQLite. */
  readonly server?: CrashServer
  /**
   * So many clients are told yes before the first kill, and again between one and the next, and requests are under way at each:
   * without them nothing can be lost. Their writers wait half a minute, however slow the machine is. 0: whatever comes.
   */
  readonly acknowledgedEach: number
  /** How long a node is let live before it is killed, at most. Milliseconds. Left out: 600. */
  readonly lifeMs?: number
  progress(line: string): void
}

export interface CrashServer {
  readonly settings: Pick<StoreSettings, 'url' | 'ca' | 'user' | 'passwordFile'>
  /** Ends it in the middle of whatever it does, and starts it again. */
  restart(): Promise<void>
}

export interface CrashReport {
  readonly rounds: number
  readonly kills: number
  /** What the processes ran that were killed, and how many of each there were. */
  readonly killed: Readonly<Record<string, number>>
  /** Requests that were under way when the fewest were at a kill. */
  readonly underWayMin: number
  /** Clients that were told yes, and that were told no. */
  readonly acknowledged: number
  readonly declined: number
  /** Whose connection broke: they know nothing, and nothing is asserted of them. */
  readonly cutOff: number
  readonly entries: number
  readonly statements: number
}

/**
 * Real nodes, on SQLite or on EventStoreDB, in one process each or in several, are killed (SIGKILL) at random moments, and
 * so is the server of the store, while all of them are written to. Then: what a client was told stands in the ledger of
 * every party, all ledgers are equal, nobody has signed twice, and an auditor finds nothing off.
 */
export async function crashRounds(options: CrashOptions): Promise<CrashReport> {
  const { rounds } = options
  const dir = await mkdtemp(join(tmpdir(), 'crash-'))
  const table = new Table()
  try {
    await table.open(dir, options)
    const { kills, killed, underWayMin } = await killInTurn(table, options)
    await table.rest()
    const { entries, statements } = await verify(table)
    const { acknowledged, declined, cutOff } = table
    await table.close()
    await rm(dir, { recursive: true, force: true })
    const told = { acknowledged: acknowledged.size, declined: declined.size, cutOff }
    return { rounds, kills, killed, underWayMin, entries, statements, ...told }
  } catch (error) {
    options.progress(`the parties, with their logs, are left in ${dir}`)
    await table.close()
    throw error
  }
}

/** What is killed of, and what is known of those who ask meanwhile. */
export interface Attacked {
  readonly acknowledged: { readonly size: number }
  readonly underWay: UnderWay
  /** Resolves when so many clients have been told yes. */
  hasAcknowledged(count: number): Promise<void>
  /** Every process of every party. */
  processes(): { readonly party: Pick<PartyProcesses, 'kill' | 'startAgain' | 'processes'>; readonly place: number }[]
}

export async function killInTurn(
  table: Attacked,
  { rounds, seed, server, acknowledgedEach, lifeMs = LIFE_MS, progress }: Omit<CrashOptions, 'layouts'>,
) {
  const random = new SeededRandom(seed)
  let kills = 0
  const killed: Record<string, number> = {}
  let underWayMin = Number.POSITIVE_INFINITY
  let slowest = 0
  for (let round = 1; round <= rounds; round++) {
    await table.hasAcknowledged(table.acknowledged.size + acknowledgedEach)
    await pause(random.fraction() * lifeMs)
    const victims = table.processes().filter(() => random.chance(0.25))
    const killsServer = server !== undefined && random.chance(0.2)
    if (victims.length === 0 && !killsServer) victims.push(random.pick(table.processes()))
    kills += victims.length + Number(killsServer)
    for (const { party, place } of victims) {
      const command = party.processes[place]?.command as string
      killed[command] = (killed[command] ?? 0) + 1
    }
    underWayMin = Math.min(underWayMin, await table.underWay.reached(acknowledgedEach === 0 ? 0 : 1))
    await Promise.all([
      killsServer ? server.restart() : undefined,
      ...victims.map(async ({ party, place }) => party.kill(place)),
    ])
    const begun = performance.now()
    await Promise.all(victims.map(({ party, place }) => party.startAgain(place)))
    slowest = Math.max(slowest, Math.round(performance.now() - begun))
    if (round % 10 !== 0) continue
    progress(`${round} rounds, ${kills} kills, ${table.acknowledged.size} acknowledged; slowest start ${slowest} ms`)
    slowest = 0
  }
  return { kills, killed, underWayMin }
}

/** The parties around one contract, and what their clients were told. */
class Table implements Attacked {
  readonly #writing: Promise<void>[] = []
  #isOver = false
  readonly underWay = new UnderWay()
  parties: PartyProcesses[] = []
  contract = ''
  /** Ledger index by request. */
  readonly acknowledged = new Map<string, number>()
  readonly declined = new Set<string>()
  cutOff = 0

  async open(dir: string, { layouts, server, acknowledgedEach }: CrashOptions): Promise<void> {
    const waits = acknowledgedEach === 0 ? WAITS : PATIENT_WAITS
    const run = randomUUID().slice(0, 8)
    for (const [place, handle] of HANDLES.entries()) {
      const layout = layouts[Math.min(place, layouts.length - 1)] as Layout
      const store = server && { ...server.settings, namespace: `crash-${run}-${handle}` }
      const party = await PartyProcesses.start(join(dir, handle), handle, layout, store)
      this.parties.push(party)
    }
    for (const party of this.parties) {
      for (const other of this.parties) {
        if (other === party) continue
        const { introduction } = await fetchIntroduction(other.endpoint, LOOK_UP_TIMEOUT_MS)
        await addParty(party.dir, other.endpoint, partyFingerprint(introduction.card))
      }
    }
    this.contract = await openTogether('crash rounds', this.parties, () => undefined)
    const [first] = this.parties as [PartyProcesses]
    const names = HANDLES.flatMap((handle) => Array.from({ length: WRITERS }, (_, n) => `${handle} ${n}`))
    const structure = Object.fromEntries(names.map((name) => [name, { $field: { type: 'integer' } }]))
    await first.client.call('POST', `/new-api/${this.contract}`, structure, { prefer: 'wait=30' })
    for (const handle of HANDLES) {
      for (let n = 0; n < WRITERS; n++)
        this.#writing.push(this.#write(handle, `${handle} ${n}`, waits[n % waits.length]))
    }
  }

  /** Resolves when so many clients have been told yes. */
  async hasAcknowledged(count: number): Promise<void> {
    const { size } = this.acknowledged
    for (const deadline = Date.now() + ACKNOWLEDGED_TIMEOUT_MS; this.acknowledged.size < count; await pause(20)) {
      if (Date.now() < deadline) continue
      const since = this.acknowledged.size - size
      throw new Error(`${since} of ${count - size} acknowledged since the last kill: what is lost would not be seen`)
    }
  }

  /** Every process of every party. */
  processes(): { readonly party: PartyProcesses; readonly place: number }[] {
    return this.parties.flatMap((party) => Array.from({ length: party.size }, (_, place) => ({ party, place })))
  }

  /** Nobody writes any more, and what was under way has come to its end. */
  async rest(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#writing)
  }

  async close(): Promise<void> {
    await this.rest()
    await Promise.all(this.parties.map((party) => party.stop()))
  }

  async #write(handle: Handle, field: string, prefer = ''): Promise<void> {
    const party = () => this.parties.find((one) => one.handle === handle) as PartyProcesses
    for (let value = 1; !this.#isOver; value++) {
      const { api, token } = party()
      let isCutOff = false
      this.underWay.began()
      try {
        const answer = await fetch(`${api}/new-api/${this.contract}/${encodeURIComponent(field)}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain', prefer },
          body: String(value),
        })
        this.#told((await answer.json()) as { request?: string; index?: number; code?: string }, answer.status)
      } catch {
        isCutOff = true
      }
      this.underWay.ended()
      if (!isCutOff) continue
      this.cutOff++
      await pause(20)
    }
  }

  #told({ request, index, code }: { request?: string; index?: number; code?: string }, status: number): void {
    if (status === 200 && request !== undefined && index !== undefined) this.acknowledged.set(request, index)
    else if (request !== undefined && (code === 'not_unanimous_in_time' || code === 'withdrawn')) {
      this.declined.add(request)
    }
  }
}

async function verify(table: Table): Promise<{ entries: number; statements: number }> {
  const { standings, isEqual } = await agreementOf(table.contract, table.parties)
  if (!isEqual)
    throw new Error(`the parties do not hold the same: ${JSON.stringify(standings.map(({ size }) => size))}`)
  let statements = 0
  for (const { dir, handle } of table.parties) {
    const store = await openStoreToRead(await readConfiguration(dir, readEnvironment(process.env)))
    try {
      const report = await verifyContract(auditSourceOf(store, table.contract as Uid, HANDLES[0] as Handle))
      statements = report.statements
      await verifyPromises(store, table)
      await verifySingle(store, table, handle)
    } finally {
      await store.close()
    }
  }
  return { entries: standings[0]?.size ?? 0, statements }
}

/** Of what was acknowledged nothing is lost, and what was declined has not been agreed after all. */
async function verifyPromises(store: Store, { contract, acknowledged, declined }: Table): Promise<void> {
  const found = new Map<string, LedgerEntry>()
  for await (const { data } of store.events.read(contractStream(contract as Uid))) {
    const entry = entryIn(data)
    found.set(requestKey(entry.request), entry)
  }
  for (const [request, index] of acknowledged) {
    const entry = found.get(request)
    if (entry?.index !== index || entry.outcome.kind !== 'accepted')
      throw new Error(`${request} was acknowledged, and is lost`)
  }
  for (const request of declined) {
    if (found.get(request)?.outcome.kind === 'accepted') throw new Error(`${request} was declined, and is agreed`)
  }
}

/** No party has signed two statements for one place, or one intent twice, and nobody is accused of anything. */
async function verifySingle(store: Store, { contract }: Table, handle: Handle): Promise<void> {
  for await (const { type, data } of store.events.read(evidenceStream(contract as Uid))) {
    throw new Error(`${handle} holds evidence, ${type}: ${data.slice(0, 500)}`)
  }
  const signed = new Map<string, number>()
  for (const { statement } of await readFeed(store, contract as Uid, handle)) {
    for (const { id } of statement.requests) {
      const earlier = signed.get(id)
      if (earlier !== undefined) throw new Error(`${handle} has signed ${id} in ${earlier} and in ${statement.seq}`)
      signed.set(id, statement.seq)
    }
  }
}

function entryIn(data: string): LedgerEntry {
  return JSON.parse(data) as LedgerEntry
}
