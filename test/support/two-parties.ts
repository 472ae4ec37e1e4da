import type { Test } from 'tap'
import type { Role } from '../../src/contracts/contract-ports.ts'
import { memoryGuard } from '../../src/contracts/guard.ts'
import { openPartyProcess, type PartyProcess, type PartyProcessPorts } from '../../src/contracts/party-process.ts'
import { generateKeyPair } from '../../src/crypto/ed25519.ts'
import { keySigner } from '../../src/crypto/signer.ts'
import type { Handle, Uid } from '../../src/events/ids.ts'
import { defaultLimits, type Limits } from '../../src/events/limits.ts'
import type { PartyCard } from '../../src/events/party-card.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import type { Peer } from '../../src/gossip/participant.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { openMemoryStore } from '../../src/store/memory-store.ts'
import { until } from './node-party.ts'

/** A party without edges: its store and guard, what it was told, and the processes on them. */
export class EdgelessParty {
  readonly card: PartyCard
  readonly store = openMemoryStore()
  /** What its processes reported as refused or failed. */
  readonly told: unknown[] = []
  readonly #signer = keySigner(generateKeyPair().privateKey)
  readonly #guard = memoryGuard()
  readonly #t: Test
  #requests = 0

  constructor(t: Test, handle: string) {
    const keys = { signing: this.#signer.publicKey, recovery: generateKeyPair().publicKey }
    this.card = { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys }
    this.#t = t
    t.teardown(() => this.store.close())
  }

  async start(role: Role = 'node', more: Partial<PartyProcessPorts> = {}): Promise<PartyProcess> {
    const { handle } = this.card
    const place = handle.charCodeAt(0)
    const opened = await openPartyProcess({
      role,
      store: this.store,
      ...(role === 'serve' ? {} : { signer: this.#signer, signerOf: () => this.#signer, guard: this.#guard }),
      clock: systemClock,
      random: systemRandom,
      card: this.card,
      uidOf: (n) => `${place}${n}`.padStart(26, '0') as Uid,
      newRequestId: () => `${handle}-${role}-${this.#requests++}`,
      timing: defaultTiming,
      report: { unreachable: () => {}, refused: (_, refused) => this.told.push(...refused) },
      failed: (error) => this.told.push(error),
      ...more,
    })
    this.#t.teardown(() => opened.close())
    return opened
  }
}

/** The way between two processes, which can be cut. */
export class Link {
  isUp = true

  constructor([one, its]: [PartyProcess, EdgelessParty], [other, theirs]: [PartyProcess, EdgelessParty]) {
    one.gossip.setPeer(this.#peer(other, theirs.card, its.card))
    other.gossip.setPeer(this.#peer(one, its.card, theirs.card))
  }

  #peer(process: PartyProcess, { handle, keys }: PartyCard, caller: PartyCard): Peer {
    return {
      handle,
      signingKey: keys.signing,
      exchange: async (body) => {
        if (!this.isUp) throw new Error('the way is cut')
        const from = { handle: caller.handle, signingKey: caller.keys.signing, exchange: () => Promise.reject() }
        return process.gossip.answer(from, body)
      },
    }
  }
}

/** A contract of the two. */
export async function together(one: PartyProcess, other: PartyProcess, limits: Limits = defaultLimits): Promise<Uid> {
  const { contract, opened } = await one.contracts.openContract('of two', undefined, limits)
  await opened
  const uid = contract.contract
  const command = { type: 'InviteParty', party: other.contracts.card }
  await one.contracts.use(
    uid,
    (live) => live.submit({ request: { id: 'invite', commands: [command] }, payloads: {} }).verdict,
  )
  await until('the invitation', async () => other.contracts.has(uid))
  const parties = ({ contracts }: PartyProcess) => contracts.use(uid, ({ state }) => state.settling.agreed.parties)
  await until('the invitation to be agreed', async () => (await parties(other)).invitations.length === 1)
  await other.contracts.accept(uid)
  other.gossip.carry(uid)
  for (const process of [one, other])
    await until('both to be members', async () => (await parties(process)).members.length === 2)
  return uid
}
