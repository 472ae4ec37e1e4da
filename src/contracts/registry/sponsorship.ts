import { type Invitation, invitationOf, memberOf, membersOf } from '../../aggregates/contract/state.ts'
import { nextVerdict } from '../../agreement/next-verdict.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { isValidSignature } from '../../crypto/ed25519.ts'
import { sha256 } from '../../crypto/hash.ts'
import type { Command } from '../../events/commands.ts'
import type { Handle } from '../../events/ids.ts'
import { acceptanceBytes, type SignedAcceptance } from '../../events/parties/acceptance.ts'
import { declineBytes, type SignedDecline } from '../../events/parties/decline.ts'
import { completed } from '../../runtime/turns.ts'
import type { LiveContract } from '../replica/live-contract.ts'
import type { ContractPorts } from '../replica/ports.ts'
import { standingOfRequest } from '../requests/progress.ts'
import type { Intent } from '../requests/submission.ts'

/** How many different answers to one invitation are brought in while this process lives. */
const BROUGHT_MAX = 8

/** What has been brought in of the answers to one invitation. */
interface Brought {
  /** By their signatures. What the ledger said of one stands. */
  readonly signatures: Set<string>
  /** Whether the last one is done with. */
  isOver(state: AgreementState): boolean
}

export interface SponsorshipPorts extends Pick<ContractPorts, 'role' | 'commandQueue'> {
  newRequestId(): string
}

/**
 * An invitee makes no requests, so its sponsor brings its answer in. What the sponsor signs for it the invitee chooses: so it
 * is an answer that would take effect, one at a time, and not many. Any other is passed over. An invitee sends its answer for
 * as long as its invitation is open, so what would take effect later comes again (decision 0012).
 */
export class Sponsorship {
  readonly #self: Handle
  readonly #ports: SponsorshipPorts
  /** By contract, invitee, and ledger index of the invitation. */
  readonly #brought = new Map<string, Brought>()

  constructor(self: Handle, ports: SponsorshipPorts) {
    this.#self = self
    this.#ports = ports
  }

  /** Attacker-controlled: `accepted`, whole; its shape has been validated. Where it needs history nothing has happened yet. */
  accepted(live: LiveContract, state: AgreementState, accepted: SignedAcceptance): void {
    const { acceptance, signature } = accepted
    const invitation = this.#sponsored(state, acceptance.handle, acceptance.invitation)
    if (invitation === undefined) return
    this.#bringIn(live, state, invitation, { type: 'AdmitParty', accepted }, acceptanceBytes(acceptance), signature)
  }

  /** The same of `declined`. */
  declined(live: LiveContract, state: AgreementState, declined: SignedDecline): void {
    const { decline, signature } = declined
    const invitation = this.#sponsored(state, decline.handle, decline.invitation)
    if (invitation === undefined) return
    this.#bringIn(live, state, invitation, { type: 'DeclineInvitation', declined }, declineBytes(decline), signature)
  }

  /** The invitation, if it is for this node to bring its answer in: it invited, or it is the first member after that one left. */
  #sponsored(state: AgreementState, handle: Handle, index: number): Invitation | undefined {
    const { document } = state.ledger
    const invitation = invitationOf(document, handle)
    if (invitation === undefined || invitation.index !== index) return undefined
    const sponsor = memberOf(document, invitation.by) ?? membersOf(document)[0]
    return sponsor?.card.handle === this.#self ? invitation : undefined
  }

  #bringIn(
    live: LiveContract,
    state: AgreementState,
    invitation: Invitation,
    command: Command,
    bytes: Uint8Array,
    signature: string,
  ): void {
    const key = `${live.contract} ${invitation.party.handle} ${invitation.index}`
    const before = this.#brought.get(key) ?? { signatures: new Set<string>(), isOver: () => true }
    const { signatures } = before
    if (signatures.has(signature) || signatures.size === BROUGHT_MAX || !before.isOver(state)) return
    // The least first: anybody may have made it up.
    if (!isValidSignature(invitation.party.keys.signing, bytes, signature)) return
    if (!wouldTakeEffect(command, state, this.#self)) return
    // Tried again after a fault of our own only.
    const failed = () => {
      signatures.delete(signature)
      this.#brought.set(key, { signatures, isOver: () => true })
    }
    const isOver =
      this.#ports.role === 'receive'
        ? this.#leave(live, command, signature, failed)
        : this.#submit(live, command, failed)
    this.#brought.set(key, { signatures: signatures.add(signature), isOver })
  }

  #submit(live: LiveContract, command: Command, failed: () => void): Brought['isOver'] {
    const { verdict } = live.submit(intent(this.#ports.newRequestId(), command))
    let isOver = false
    verdict.then(() => {
      isOver = true
    }, failed)
    return () => isOver
  }

  /** For the process that makes requests. By its name it will see that it has made it already. */
  #leave(live: LiveContract, command: Command, signature: string, failed: () => void): Brought['isOver'] {
    const id = sha256(signature)
    this.#ports.commandQueue?.queue(live.contract, intent(id, command)).catch(failed)
    return (state) => {
      const request = live.requests.queue.placeOf(id)
      return request !== undefined && standingOfRequest(state, request, undefined) === undefined
    }
  }
}

function intent(id: string, command: Command): Intent {
  return { request: { id, commands: [command] }, payloads: {} }
}

/** Whether the ledger would take it as its next entry. Requires a member. */
function wouldTakeEffect(command: Command, state: AgreementState, author: Handle): boolean {
  return completed(nextVerdict([command], {}, state, author)).kind === 'accepted'
}
