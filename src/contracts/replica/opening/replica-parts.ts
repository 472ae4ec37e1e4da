import { feedOf } from '../../../agreement/feeds.ts'
import type { VerifiedStatement } from '../../../agreement/verified-statement.ts'
import type { Handle, Uid } from '../../../events/ids.ts'
import type { HoldUp } from '../../../gossip/message.ts'
import { Approvals } from '../../approvals/approvals.ts'
import { acknowledgeAll } from '../../approvals/policy.ts'
import { PAYLOAD_WAIT_MS } from '../../approvals/value-waits.ts'
import { ContentRoom } from '../../contents/content-room.ts'
import { Contents } from '../../contents/contents.ts'
import type { ContractView } from '../../contract-view.ts'
import { LocalRequests } from '../../requests/local-requests.ts'
import { RequestQueue } from '../../requests/request-queue.ts'
import type { DoubleSignProtection } from '../../signing/double-sign-protection.ts'
import { FeedKeys } from '../../signing/signing-keys.ts'
import { sharedWriter, soleWriter, type Writer } from '../commit.ts'
import type { Teller } from '../contract-listener.ts'
import { Erasing } from '../erasing.ts'
import { Intake } from '../inbound/intake.ts'
import { LateComputed } from '../inbound/late-computed.ts'
import { LateValues } from '../inbound/late-values.ts'
import { MissingValues } from '../inbound/missing-values.ts'
import { OtherProcesses } from '../inbound/other-processes.ts'
import { ReorderBuffer } from '../inbound/reorder-buffer.ts'
import { UnprovenForks } from '../inbound/unproven-forks.ts'
import { Mailbox } from '../mailbox.ts'
import type { ContractPorts } from '../ports.ts'
import { Recovery } from '../recovery.ts'
import { StatementAuthor } from '../statement-author.ts'
import { StoredAhead } from '../stored-ahead.ts'
import { UntoldEntries } from '../untold-entries.ts'
import type { Opened } from './open-replica.ts'

/** Whose contract it is, and what it needs from outside. */
export interface Replicated {
  readonly contract: Uid
  readonly self: Handle
  readonly founder: Handle
  readonly ports: ContractPorts
}

/** What one contract's replica consists of, beside its loop. */
export interface ReplicaParts {
  readonly mailbox: Mailbox
  readonly intake: Intake
  readonly approvals: Approvals
  readonly contents: Contents
  readonly requests: LocalRequests
  readonly keys: FeedKeys
  readonly protection: DoubleSignProtection
  readonly author: StatementAuthor
  readonly ahead: StoredAhead
  readonly writer: Writer
  /** Undefined: the store is this process's own. */
  readonly others: OtherProcesses | undefined
  readonly recovery: Recovery
  readonly values: MissingValues
  readonly late: LateValues
  readonly computed: LateComputed
  readonly untold: UntoldEntries
  readonly unprovenForks: UnprovenForks
  /** Undefined: another process of the party does it. */
  readonly erasing: Erasing | undefined
}

/** `holdUpOf`: why a party leaves uncovered what it holds, as far as is known. `lookAgain`: the store may have more by now. `forget`: it has less. */
export function partsOf(
  view: ContractView,
  ports: ContractPorts,
  { loaded: { state, lacksComputed, ledgerSize, settled, ahead: stored }, protection }: Opened,
  news: Teller,
  holdUpOf: (handle: Handle) => HoldUp | undefined,
  lookAgain: () => void,
  forget: () => void,
): ReplicaParts {
  const { clock, payloadWaitMs = PAYLOAD_WAIT_MS, policy = acknowledgeAll, random, snapshots, store } = ports
  const { contract, duties, self } = view
  const own = feedOf(state.feeds, self).kept
  const olderPlaceOf = (name: string) => snapshots?.placeOf(contract, name)
  const awaitsValues = (held: VerifiedStatement) => approvals.awaitsValuesOf(held)
  const queue = new RequestQueue(self, clock, random, own, olderPlaceOf, holdUpOf, duties.sharesStore, awaitsValues)
  const contents = new Contents(
    view,
    {
      store,
      clock,
      room: ports.contentRoom ?? new ContentRoom(),
      waitMs: payloadWaitMs,
      ...(ports.commandQueue && { queue: ports.commandQueue }),
      isAskedFor: (name) => queue.queued.some(({ payloads }) => payloads[name] !== undefined),
    },
    {
      changed: () => approvals.contentsChanged(),
      lacksPieces: () => news.tell('lacksPieces'),
      failed: (error) => news.tell('failed', error),
    },
  )
  const approvals: Approvals = new Approvals(self, policy, clock, random, () => view.wake(), payloadWaitMs, contents)
  const keys = new FeedKeys(self, ports)
  const ahead = new StoredAhead(view.contract, stored)
  const late = new LateValues(view, store.payloads, clock, () => values.seek(true))
  const computed = new LateComputed(view, store.payloads, lacksComputed, () => values.seek(true))
  const values: MissingValues = new MissingValues(view, late, computed, clock, () => news.tell('wanting'), lookAgain)
  const author = new StatementAuthor(
    view,
    ports,
    { queue, approvals, keys, protection, values },
    {
      engineUnknown: (error) => {
        news.tell('engineUnknown', error)
        queue.failAll(error)
      },
      blocked: (obstacle) => news.tell('signingBlocked', obstacle),
      failed: (problem) => news.tell('failed', problem),
    },
  )
  return {
    mailbox: new Mailbox(),
    intake: new Intake(view, protection, late, ports.reorderBuffer ?? new ReorderBuffer(), ports.turns),
    approvals,
    contents,
    requests: new LocalRequests(view, ports, queue),
    keys,
    protection,
    author,
    ahead,
    writer: duties.sharesStore ? sharedWriter(view, store, protection) : soleWriter(view, store, protection, ahead),
    others: duties.sharesStore ? new OtherProcesses(view, store, protection, ports.turns) : undefined,
    recovery: new Recovery(clock),
    values,
    late,
    computed,
    untold: new UntoldEntries(settled, ledgerSize),
    unprovenForks: new UnprovenForks(),
    erasing: duties.authors ? new Erasing(view, ports, forget, (error) => news.tell('failed', error)) : undefined,
  }
}
