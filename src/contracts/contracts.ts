import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { invitationOf, memberOf } from '../aggregates/contract/state.ts'
import { canonicalJson } from '../crypto/canonical-json.ts'
import { isValidSignature } from '../crypto/ed25519.ts'
import {
  type Acceptance,
  acceptanceBytes,
  type SignedAcceptance,
  SignedAcceptanceSchema,
} from '../events/acceptance.ts'
import { type Charter, defaultCharter } from '../events/charter.ts'
import type { CommandOf } from '../events/commands.ts'
import { type Handle, HandleSchema, type Uid, UidSchema } from '../events/ids.ts'
import { defaultLimits, type Limits } from '../events/limits.ts'
import type { PartyCard } from '../events/party-card.ts'
import type { Decoded } from '../events/statement-codec.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { CONTRACTS_STREAM, INVITATIONS_STREAM } from '../store/streams.ts'
import { settledHead } from './cosigning.ts'
import { type ContractListener, type ContractPorts, LiveContract } from './live-contract.ts'
import type { Submission } from './submission.ts'

/** The node holds no contract of that UID. */
export class NoSuchContract extends ConcordataError {}
/** This node's party has no open invitation to the contract, or is a member already. */
export class NotInvited extends ConcordataError {}

export interface ContractsPorts extends ContractPorts {
  /** Who this node is, in every contract. */
  readonly card: PartyCard
  /** The UID of the n-th contract that this node comes to hold (design §9). */
  uidOf(number: number): Uid
  /** A name for a new request. */
  newRequestId(): string
}

const heldForm = Compile(Type.Object({ contract: UidSchema, founder: HandleSchema }, { additionalProperties: false }))
const acceptedForm = Compile(SignedAcceptanceSchema)

/** For how many ledger entries after the head that it verified an acceptance is good. */
const ACCEPTANCE_GOOD_FOR = 100_000

/** All contracts that this node holds. */
export class Contracts {
  readonly card: PartyCard
  readonly #ports: ContractsPorts
  readonly #contracts = new Map<Uid, LiveContract>()
  readonly #acceptances = new Map<Uid, SignedAcceptance>()
  readonly #admitting = new Set<string>()
  readonly #listeners = new Set<ContractListener>()
  #holding: Promise<unknown> = Promise.resolve()

  private constructor(ports: ContractsPorts) {
    this.#ports = ports
    this.card = ports.card
  }

  /** Loads every contract that the store holds. Throws ContractDamaged. */
  static async open(ports: ContractsPorts): Promise<Contracts> {
    const contracts = new Contracts(ports)
    for await (const event of ports.store.events.read(INVITATIONS_STREAM)) {
      if (event.type !== 'InvitationAccepted') continue
      const accepted: unknown = JSON.parse(event.data)
      if (acceptedForm.Check(accepted)) contracts.#acceptances.set(accepted.acceptance.contract, accepted)
    }
    for await (const event of ports.store.events.read(CONTRACTS_STREAM)) {
      const held: unknown = JSON.parse(event.data)
      if (heldForm.Check(held))
        contracts.#add(await LiveContract.open(held.contract, contracts.self, held.founder, ports))
    }
    return contracts
  }

  get self(): Handle {
    return this.card.handle
  }

  all(): IterableIterator<LiveContract> {
    return this.#contracts.values()
  }

  find(contract: Uid): LiveContract | undefined {
    return this.#contracts.get(contract)
  }

  get(contract: Uid): LiveContract {
    const found = this.#contracts.get(contract)
    if (found === undefined)
      throw new NoSuchContract('no_such_contract', `there is no contract ${contract} here`, { contract })
    return found
  }

  /** Hears of every contract, also of those that come later. */
  listen(listener: ContractListener): () => void {
    this.#listeners.add(listener)
    const stops = [...this.#contracts.values()].map((contract) => contract.listen(listener))
    return () => {
      this.#listeners.delete(listener)
      for (const stop of stops) stop()
    }
  }

  /** Opens a contract; its founder is its only member until others are admitted. */
  async openContract(
    title: string,
    charter: Charter = defaultCharter,
    limits: Limits = defaultLimits,
  ): Promise<{ contract: LiveContract; submission: Submission }> {
    const uid = this.#ports.uidOf((await this.#ports.store.events.lastRevision(CONTRACTS_STREAM)) + 1)
    const contract = await this.#hold(uid, this.self)
    const command = { type: 'OpenContract', title, engine: 1, charter, limits, founder: this.card }
    const submission = contract.submit({
      request: { id: this.#ports.newRequestId(), commands: [command] },
      payloads: {},
    })
    await submission.signed
    return { contract, submission }
  }

  /** Somebody approved sends a contract that is not known here: it is held from its first statement on. */
  async begin(contract: Uid, statements: readonly Decoded[]): Promise<LiveContract | undefined> {
    const first = statements.find(({ statement }) => statement.seq === 0 && statement.clock === 1)
    if (first === undefined) return undefined
    return this.#contracts.get(contract) ?? (await this.#hold(contract, first.statement.party))
  }

  /** What this node has accepted and is not a member of yet. */
  acceptanceOf(contract: Uid): SignedAcceptance | undefined {
    const live = this.#contracts.get(contract)
    const accepted = this.#acceptances.get(contract)
    if (live === undefined || accepted === undefined) return undefined
    return memberOf(live.state.ledger.document, this.self) === undefined ? accepted : undefined
  }

  /** Signs that this node's party joins, over all that it has verified. Throws NotInvited. */
  async accept(contract: Uid): Promise<SignedAcceptance> {
    const { state } = this.get(contract)
    const { document } = state.ledger
    const invitation = invitationOf(document, this.self)
    if (invitation === undefined || invitation.index >= state.settling.settled) {
      throw new NotInvited('not_invited', `${this.self} has no open invitation to ${contract}`, { contract })
    }
    const head = settledHead(state)
    const acceptance: Acceptance = {
      contract,
      invitation: invitation.index,
      handle: this.self,
      keys: this.card.keys,
      charter: document.charter,
      head,
      lastIndex: head.size + ACCEPTANCE_GOOD_FOR,
    }
    const accepted = { acceptance, signature: await this.#ports.signer.sign(acceptanceBytes(acceptance)) }
    await this.#append(INVITATIONS_STREAM, 'InvitationAccepted', accepted)
    this.#acceptances.set(contract, accepted)
    return accepted
  }

  /** An invitee's word has come: its sponsor submits the admission, once. What is wrong with it the ledger will say. */
  accepted(contract: Uid, accepted: SignedAcceptance): void {
    const live = this.#contracts.get(contract)
    if (live === undefined || this.#admitting.has(accepted.signature)) return
    const invitation = invitationOf(live.state.ledger.document, accepted.acceptance.handle)
    if (invitation === undefined || invitation.index !== accepted.acceptance.invitation) return
    if (invitation.by !== this.self || !isGenuine(accepted, invitation.party)) return
    this.#admitting.add(accepted.signature)
    const submission = live.submit({
      request: { id: this.#ports.newRequestId(), commands: [admission(accepted)] },
      payloads: {},
    })
    // Tried again after a fault of our own only: what the ledger said of it stands.
    submission.verdict.catch(() => this.#admitting.delete(accepted.signature))
  }

  async close(): Promise<void> {
    await Promise.all([...this.#contracts.values()].map((contract) => contract.close()))
  }

  /** One after another, so that two who send the same new contract at once begin it once. */
  #hold(contract: Uid, founder: Handle): Promise<LiveContract> {
    const held = this.#holding.then(async () => {
      const known = this.#contracts.get(contract)
      if (known !== undefined) return known
      await this.#append(CONTRACTS_STREAM, 'ContractHeld', { contract, founder })
      return this.#add(await LiveContract.open(contract, this.self, founder, this.#ports))
    })
    this.#holding = held.catch(() => {})
    return held
  }

  #add(contract: LiveContract): LiveContract {
    this.#contracts.set(contract.contract, contract)
    for (const listener of this.#listeners) contract.listen(listener)
    return contract
  }

  async #append(stream: string, type: string, data: unknown): Promise<void> {
    const { events } = this.#ports.store
    await events.append(stream, await events.lastRevision(stream), [{ type, data: canonicalJson(data) }])
  }
}

/** Worth an entry of the ledger: what anybody could make up is left out of it. */
function isGenuine({ acceptance, signature }: SignedAcceptance, party: PartyCard): boolean {
  return isValidSignature(party.keys.signing, acceptanceBytes(acceptance), signature)
}

function admission(accepted: SignedAcceptance): CommandOf<'AdmitParty'> {
  return { type: 'AdmitParty', accepted }
}
