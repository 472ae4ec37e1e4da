import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { verifyContract } from '../../src/audit/verify.ts'
import { agreementOf } from '../../src/cli/demo/comparison.ts'
import { openTogether } from '../../src/cli/demo/negotiate.ts'
import { type PartyProcess, startParty } from '../../src/cli/demo/party-process.ts'
import { addParty } from '../../src/cli/party-commands.ts'
import { type Handle, requestKey, type Uid } from '../../src/events/ids.ts'
import type { LedgerEntry } from '../../src/events/ledger-entry.ts'
import { partyFingerprint } from '../../src/events/party-card.ts'
import { fetchIntroduction } from '../../src/node/discovery.ts'
import { storePath } from '../../src/node/open-store.ts'
import type { Store } from '../../src/store/port.ts'
import { openSqliteStore } from '../../src/store/sqlite-store.ts'
import { contractStream, feedStream } from '../../src/store/streams.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'

const HANDLES = ['ana', 'ben', 'cleo'] as Handle[]
/** Writers of each party, each with a field of its own. */
const WRITERS = 4
/** Who waits but a second is told no now and then. */
const WAITS = ['wait=1', 'wait=5']
const LOOK_UP_TIMEOUT_MS = 10_000
/** How long a node is let live before it is killed, at most. Milliseconds. */
const LIFE_MS = 600

export interface CrashReport {
  readonly rounds: number
  readonly kills: number
  /** Clients that were told yes, and that were told no. */
  readonly acknowledged: number
  readonly declined: number
  /** Whose connection broke: they know nothing, and nothing is asserted of them. */
  readonly cutOff: number
  readonly entries: number
  readonly statements: number
}

/**
 * Real nodes, one process each on SQLite, are killed (SIGKILL) at random moments while all of them are written to. Then:
 * what a client was told stands in the ledger of every party, all ledgers are equal, and an auditor finds nothing off.
 */
export async function crashRounds(
  rounds: number,
  seed: number,
  progress: (line: string) => void,
): Promise<CrashReport> {
  const dir = await mkdtemp(join(tmpdir(), 'concordata-crash-'))
  const table = await Table.open(dir)
  try {
    const kills = await killInTurn(table, rounds, new SeededRandom(seed), progress)
    await table.rest()
    const { entries, statements } = await verify(table)
    const { acknowledged, declined, cutOff } = table
    return { rounds, kills, entries, statements, acknowledged: acknowledged.size, declined: declined.size, cutOff }
  } finally {
    await table.close()
    await rm(dir, { recursive: true, force: true })
  }
}

async function killInTurn(table: Table, rounds: number, random: SeededRandom, progress: (line: string) => void) {
  let kills = 0
  for (let round = 1; round <= rounds; round++) {
    await pause(random.fraction() * LIFE_MS)
    const victims = table.parties.filter(() => random.chance(0.4))
    if (victims.length === 0) victims.push(random.pick(table.parties))
    kills += victims.length
    await Promise.all(victims.map((victim) => table.killAndStart(victim.handle)))
    if (round % 10 === 0) progress(`${round} rounds, ${kills} kills, ${table.acknowledged.size} acknowledged`)
  }
  return kills
}

/** The parties around one contract, and what their clients were told. */
class Table {
  readonly #writing: Promise<void>[] = []
  #isOver = false
  parties: PartyProcess[] = []
  contract = ''
  /** Ledger index by request. */
  readonly acknowledged = new Map<string, number>()
  readonly declined = new Set<string>()
  cutOff = 0

  static async open(dir: string): Promise<Table> {
    const table = new Table()
    for (const handle of HANDLES) table.parties.push(await startParty(join(dir, handle), { handle, name: handle }))
    for (const party of table.parties) {
      for (const other of table.parties) {
        if (other === party) continue
        const { introduction } = await fetchIntroduction(other.endpoint, LOOK_UP_TIMEOUT_MS)
        await addParty(party.dir, other.endpoint, partyFingerprint(introduction.card))
      }
    }
    table.contract = await openTogether({ title: 'crash rounds', parties: [], document: [], steps: [] }, table.parties)
    const [first] = table.parties as [PartyProcess]
    const names = HANDLES.flatMap((handle) => Array.from({ length: WRITERS }, (_, n) => `${handle} ${n}`))
    const structure = Object.fromEntries(names.map((name) => [name, { $field: { type: 'integer' } }]))
    await first.client.call('POST', `/new-api/${table.contract}`, structure, { prefer: 'wait=30' })
    for (const handle of HANDLES) {
      for (let n = 0; n < WRITERS; n++)
        table.#writing.push(table.#write(handle, `${handle} ${n}`, WAITS[n % WAITS.length]))
    }
    return table
  }

  async killAndStart(handle: Handle): Promise<void> {
    const place = this.parties.findIndex((party) => party.handle === handle)
    const victim = this.parties[place] as PartyProcess
    process.kill(victim.pid, 'SIGKILL')
    await victim.ended
    this.parties[place] = await startParty(victim.dir, victim)
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
    const party = () => this.parties.find((one) => one.handle === handle) as PartyProcess
    for (let value = 1; !this.#isOver; value++) {
      const { api, token } = party()
      try {
        const answer = await fetch(`${api}/new-api/${this.contract}/${encodeURIComponent(field)}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain', prefer },
          body: String(value),
        })
        this.#told((await answer.json()) as { request?: string; index?: number; code?: string }, answer.status)
      } catch {
        this.cutOff++
        await pause(20)
      }
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
  for (const { dir } of table.parties) {
    const store = await openSqliteStore(storePath(dir), { readonly: true, snapshot: true })
    try {
      const report = await verifyContract(sourceOf(store, table.contract as Uid))
      statements = report.statements
      await verifyPromises(store, table)
    } finally {
      await store.close()
    }
  }
  return { entries: standings[0]?.size ?? 0, statements }
}

function sourceOf(store: Store, contract: Uid) {
  return {
    contract,
    founder: HANDLES[0] as Handle,
    feed: (party: Handle) => store.events.read(feedStream(contract, party)),
    ledger: () => store.events.read(contractStream(contract)),
    payloads: (seals: Parameters<Store['payloads']['get']>[1]) => store.payloads.get(contract, seals),
  }
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

function entryIn(data: string): LedgerEntry {
  return JSON.parse(data) as LedgerEntry
}
