import { Compile } from 'typebox/compile'
import { haveTermsChanged } from '../../aggregates/contract/membership.ts'
import {
  type ContractState,
  closedInvitationOf,
  type Invitation,
  invitationOf,
} from '../../aggregates/contract/state.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { HeldState } from '../../agreement/state.ts'
import { isUnsure } from '../../agreement/state.ts'
import type { Uid } from '../../events/ids.ts'
import {
  type Acceptance,
  acceptanceBytes,
  type SignedAcceptance,
  SignedAcceptanceSchema,
} from '../../events/parties/acceptance.ts'
import { type Decline, declineBytes, type SignedDecline, SignedDeclineSchema } from '../../events/parties/decline.ts'
import type { PartyCard } from '../../events/parties/party-card.ts'
import { assert } from '../../runtime/assert.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import type { RecordedEvent } from '../../store/port.ts'
import { INVITATIONS_STREAM } from '../../store/streams.ts'
import type { CommandQueue } from '../commands/command-queue.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import type { ContractPorts } from '../replica/ports.ts'
import { settledHead } from '../signing/cosigned-notes.ts'
import { jsonIn } from '../signing/untrusted-json.ts'
import { appendBehind } from './append-behind.ts'

/** This node's party has no open invitation to the contract, or is a member already. */
export class NotInvited extends ConcordataError {}

/** Values are missing here, so not all that the party would join has been verified. Evidence: `statements`. */
export class ValuesMissing extends ConcordataError {}

const acceptedForm = Compile(SignedAcceptanceSchema)
const declinedForm = Compile(SignedDeclineSchema)

/** For how many ledger entries after the head that it verified an acceptance is good. */
const ACCEPTANCE_GOOD_FOR = 100_000

type Reply = SignedAcceptance | SignedDecline
/** `overtaken`: it has accepted other terms than those of now, is admitted no more by that, and has to accept once more. */
export type Said = 'accepted' | 'declined' | 'overtaken'

export interface InvitationPorts extends Pick<ContractPorts, 'clock' | 'commandQueue' | 'role' | 'signer' | 'store'> {
  readonly card: PartyCard
}

/** What replies need of the contracts that are held. */
export interface Registry {
  /** Somebody here has asked for the contract. */
  accepted(contract: Uid): void
  /** Does something while no other contract takes its place. Throws NoSuchContract where one has. */
  whileHeld(contract: Uid, work: () => Promise<void>): Promise<void>
}

/** What this party says to its invitations: signed, durable in the `invitations` stream, the newest one of a contract counts. */
export class InvitationReplies {
  readonly #ports: InvitationPorts
  readonly #registry: Registry
  readonly #replies = new Map<Uid, Reply>()

  constructor(ports: InvitationPorts, registry: Registry) {
    this.#ports = ports
    this.#registry = registry
  }

  /** An event of the stream, maybe of another process of this party. Undefined: it is no reply. */
  learn(event: RecordedEvent): Uid | undefined {
    const reply = jsonIn(event.data)
    if (acceptedForm.Check(reply)) return this.#said(reply.acceptance.contract, reply)
    if (declinedForm.Check(reply)) return this.#said(reply.decline.contract, reply)
    return undefined
  }

  hasAccepted(contract: Uid): boolean {
    const reply = this.#replies.get(contract)
    return reply !== undefined && 'acceptance' in reply
  }

  /** What it has said to the invitation that is open, as long as that is. */
  pendingIn({ contract, ledger }: HeldState): Reply | undefined {
    const isInvited = invitationOf(ledger.document, this.#self) !== undefined
    return isInvited ? this.#replies.get(contract) : undefined
  }

  saidIn(state: HeldState): Said | undefined {
    const reply = this.pendingIn(state)
    if (reply === undefined) return undefined
    if ('decline' in reply) return 'declined'
    return haveTermsChanged(reply.acceptance, state.ledger.document) ? 'overtaken' : 'accepted'
  }

  /** Says that this party does not join. Throws NotInvited. */
  async decline({ contract, state }: LiveContract): Promise<void> {
    const invitation = this.#invitationTo(contract, state.settling.agreed)
    if (this.#commandQueue !== undefined) return this.#commandQueue.reply(contract, 'decline')
    const decline: Decline = { contract, invitation: invitation.index, handle: this.#self }
    const declined = { decline, signature: await this.#sign(declineBytes(decline)) }
    await this.#append(contract, 'InvitationDeclined', declined)
  }

  /** Says that this party joins, signed over all that it has verified. Throws NotInvited, ValuesMissing, NoSuchContract. */
  async accept(live: LiveContract): Promise<void> {
    const { contents, contract, state, lacking } = live
    const { agreed } = state.settling
    this.#assertNotDeclined(contract, agreed)
    const invitation = this.#invitationTo(contract, agreed)
    if (this.#commandQueue !== undefined) return this.#commandQueue.reply(contract, 'accept')
    if (lacking.length > 0 || isUnsure(state) || contents.lacksAny(state)) {
      const message = `values of ${lacking.length} statements are missing here; the other parties are asked for them`
      const statements = lacking.map(({ statement: { party, seq } }) => `${party}.${seq}`)
      throw new ValuesMissing('payload_missing', message, { contract, statements })
    }
    const head = await withHistory(live, settledHead)
    const acceptance: Acceptance = {
      contract,
      invitation: invitation.index,
      handle: this.#self,
      keys: this.#ports.card.keys,
      charter: agreed.charter,
      head,
      lastIndex: head.size + ACCEPTANCE_GOOD_FOR,
    }
    const accepted = { acceptance, signature: await this.#sign(acceptanceBytes(acceptance)) }
    // What is accepted is not given up, and what was given up is not accepted.
    await this.#registry.whileHeld(contract, () => this.#append(contract, 'InvitationAccepted', accepted))
  }

  get #self() {
    return this.#ports.card.handle
  }

  /** Where a process without a key leaves what its users ask for. */
  get #commandQueue(): CommandQueue | undefined {
    return this.#ports.role === 'serve' ? this.#ports.commandQueue : undefined
  }

  async #append(contract: Uid, type: string, reply: Reply): Promise<void> {
    const { clock, store } = this.#ports
    await appendBehind(store.events, clock, INVITATIONS_STREAM, { type, data: reply })
    this.#said(contract, reply)
  }

  #said(contract: Uid, reply: Reply): Uid {
    this.#replies.set(contract, reply)
    if ('acceptance' in reply) this.#registry.accepted(contract)
    return contract
  }

  #sign(bytes: Uint8Array): Promise<string> {
    const { signer } = this.#ports
    assert(signer !== undefined, 'a process without a key leaves it to the one that has it')
    return signer.sign(bytes)
  }

  /** What is declined stays so: an acceptance would wait for nobody. Throws NotInvited. */
  #assertNotDeclined(contract: Uid, agreed: ContractState): void {
    const reply = this.#replies.get(contract)
    const hasDeclined = reply !== undefined && 'decline' in reply
    if (!hasDeclined && closedInvitationOf(agreed, this.#self)?.how !== 'declined') return
    const message = `${this.#self} has declined the invitation to ${contract}: that is final`
    throw new NotInvited('not_invited', message, { contract })
  }

  #invitationTo(contract: Uid, agreed: ContractState): Invitation {
    const invitation = invitationOf(agreed, this.#self)
    if (invitation !== undefined) return invitation
    throw new NotInvited('not_invited', `${this.#self} has no open invitation to ${contract}`, { contract })
  }
}
