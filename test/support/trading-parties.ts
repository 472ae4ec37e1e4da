import { randomUUID } from 'node:crypto'
import type { PartyProcess } from '../../src/contracts/processes/party-process.ts'
import { tierReached } from '../../src/contracts/signing/cosigned-notes.ts'
import { memoryGuard, type SigningGuard } from '../../src/contracts/signing/signing-guard.ts'
import type { Uid } from '../../src/events/ids.ts'
import { seal } from '../../src/events/seal.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import type { Peer } from '../../src/gossip/replica-port.ts'
import type { Store } from '../../src/store/port.ts'
import { EdgelessParty, type Lifetime } from './edgeless-party.ts'
import { fullState } from './full-state.ts'
import { until } from './unchecked-party.ts'

/** A party and its processes: the one where users ask, the one that calls others, the one that is called. */
export interface Trader {
  readonly asked: PartyProcess
  readonly calls: PartyProcess
  readonly called: PartyProcess
}

export interface TradersPorts {
  readonly handles: readonly string[]
  readonly isSplit: boolean
  /** A connection of its own for each process. */
  openStore(handle: string): Promise<Store>
  guarded(guard: SigningGuard): SigningGuard
}

/** A cosignature that was made too late for whoever gathers them comes with the next call of anti-entropy. */
const ANTI_ENTROPY_MS = 2_000

/** Parties around one contract with a field for each of them, without edges: they call each other directly. */
export async function traders(t: Lifetime, { handles, isSplit, openStore, guarded }: TradersPorts) {
  const parties = handles.map((handle) => new EdgelessParty(t, handle))
  const traders: Trader[] = []
  for (const party of parties) {
    const guard = guarded(memoryGuard())
    const start = async (role: 'node' | 'serve' | 'transmit' | 'receive') =>
      party.start(role, {
        store: await openStore(party.card.handle),
        guard,
        timing: { ...defaultTiming, antiEntropyMs: ANTI_ENTROPY_MS },
      })
    if (isSplit) {
      traders.push({ asked: await start('serve'), calls: await start('transmit'), called: await start('receive') })
    } else {
      const node = await start('node')
      traders.push({ asked: node, calls: node, called: node })
    }
  }
  for (const [from, { calls, called: own }] of traders.entries()) {
    for (const [to, { called }] of traders.entries()) {
      if (from === to) continue
      const peer = peerOf(parties[to] as EdgelessParty, called, parties[from] as EdgelessParty)
      calls.gossip.setPeer(peer)
      if (own !== calls) own.gossip.setPeer(peer)
    }
    calls.gossip.start()
  }
  const contract = await opened(traders, parties)
  return { traders, contract }
}

function peerOf({ card }: EdgelessParty, called: PartyProcess, { card: caller }: EdgelessParty): Peer {
  const from = { handle: caller.handle, signingKey: caller.keys.signing, exchange: () => Promise.reject() }
  return {
    handle: card.handle,
    signingKey: card.keys.signing,
    exchange: async (body) => called.gossip.answer(from, body),
  }
}

async function opened(traders: readonly Trader[], parties: readonly EdgelessParty[]): Promise<Uid> {
  const [first, ...others] = traders as [Trader, ...Trader[]]
  const { contract, opened } = await first.asked.contracts.openContract('traded')
  await opened
  const uid = contract.contract
  const membersAt = ({ asked }: Trader) =>
    asked.contracts.use(uid, ({ state }) => state.settling.agreed.parties.members.length)
  for (const [index, trader] of others.entries()) {
    const party = (parties[index + 1] as EdgelessParty).card
    await submit(first, uid, [{ type: 'InviteParty', party }])
    for (const { contracts } of new Set([trader.calls, trader.asked])) {
      const isInvited = async () =>
        contracts.has(uid) &&
        (await contracts.use(uid, ({ state }) => state.settling.agreed.parties.invitations.length === 1))
      await until('the invitation', isInvited)
    }
    await trader.asked.contracts.accept(uid)
    trader.calls.gossip.carry(uid)
    for (const one of traders.slice(0, index + 2)) {
      await until('all to be members', async () => one.asked.contracts.has(uid) && (await membersAt(one)) === index + 2)
    }
  }
  await submit(
    first,
    uid,
    parties.map(({ card }) => ({ type: 'AddField', parent: '0', name: card.handle, field: { type: 'text' } })),
  )
  return uid
}

async function submit({ asked }: Trader, contract: Uid, commands: readonly object[], payloads = {}): Promise<void> {
  const request = { id: randomUUID(), commands: commands as never, tentative: true as const }
  const verdict = await asked.contracts.use(
    contract,
    (live) => live.submit({ request, payloads, timeoutMs: 60_000 }).verdict,
  )
  if (verdict.kind !== 'settled' || verdict.outcome.kind !== 'accepted') throw new Error(JSON.stringify(verdict))
}

let salts = 0

/** A party's value for its own field; it is settled when this resolves. */
export async function propose(trader: Trader, field: string, value: string, contract: Uid): Promise<void> {
  const salt = new Uint8Array(16)
  new DataView(salt.buffer).setUint32(0, salts++)
  const sealed = seal(value, salt)
  const command = { type: 'ProposeValue', field, basis: [], seal: sealed.seal }
  await submit(trader, contract, [command], { [sealed.seal]: sealed.payload })
}

/** Nothing is under way any more, and all have cosigned what has settled. */
export async function atRest(traders: readonly Trader[], contract: Uid): Promise<void> {
  for (const { asked, calls, called } of traders) {
    for (const { contracts } of new Set([asked, calls, called])) {
      const isDone = () => contracts.use(contract, ({ state }) => tierReached(fullState(state)) === 4)
      await until('all to have cosigned', isDone)
    }
  }
}
