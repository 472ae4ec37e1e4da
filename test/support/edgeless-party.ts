import type { Test } from 'tap'
import type { Role } from '../../src/contracts/duties.ts'
import {
  openPartyProcess,
  type PartyProcess,
  type PartyProcessPorts,
} from '../../src/contracts/processes/party-process.ts'
import { memoryGuard } from '../../src/contracts/signing/signing-guard.ts'
import { generateKeyPair } from '../../src/crypto/key-pair.ts'
import { keySigner, type Signer } from '../../src/crypto/signer.ts'
import type { Handle } from '../../src/events/ids.ts'
import type { PartyCard } from '../../src/events/parties/party-card.ts'
import { defaultTiming } from '../../src/gossip/gossip.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { partyStores } from './party-store.ts'
import { foundedBy } from './uid.ts'

/** What a test may have otherwise; a process without a key takes neither signer nor guard. */
type Otherwise = Partial<Omit<PartyProcessPorts, 'signerOf'>>

/** Whatever lives as long as a test, or a benchmark: what ends with it, and what it fails of. */
export type Lifetime = Pick<Test, 'teardown' | 'fail'>

/** A party without edges: its store and guard, what it was told, and the processes on them. */
export class EdgelessParty {
  readonly card: PartyCard
  readonly store = partyStores.open()
  readonly guard = memoryGuard()
  readonly signer = keySigner(generateKeyPair().privateKey)
  /** What its processes reported as refused or failed. */
  readonly told: unknown[] = []
  readonly #t: Lifetime
  #requests = 0

  constructor(t: Lifetime, handle = 'ana') {
    const keys = { signing: this.signer.publicKey, recovery: generateKeyPair().publicKey }
    this.card = { handle: handle as Handle, did: `did:web:${handle}.example`, name: handle, keys }
    this.#t = t
    // Timers of a node keep no process alive by themselves.
    const alive = setInterval(() => {}, 1000)
    t.teardown(async () => {
      clearInterval(alive)
      await this.store.close()
    })
  }

  async start(
    role: Role = 'node',
    { signer = this.signer, guard = this.guard, ...more }: Otherwise = {},
  ): Promise<PartyProcess> {
    const { handle } = this.card
    const opened = await openPartyProcess({
      role,
      store: this.store,
      ...(role === 'serve' ? {} : { signer, signerOf: (): Signer => signer, guard }),
      clock: systemClock,
      random: systemRandom,
      card: this.card,
      uidOf: (n) => foundedBy(this.card, n),
      newRequestId: () => `${handle}-${role}-${this.#requests++}`,
      timing: defaultTiming,
      report: { unreachable: () => {}, refused: (_, refused) => this.told.push(...refused) },
      failed: (error) => this.told.push(error),
      ...more,
    })
    opened.failed.catch((error: unknown) => this.#t.fail(`${role} has ended: ${error}`))
    this.#t.teardown(() => opened.close())
    return opened
  }
}
