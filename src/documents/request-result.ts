import { statementAt } from '../agreement/feeds.ts'
import { withHistory } from '../agreement/history/looking-back.ts'
import { settledAt } from '../contracts/replica/find-settled.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import { heldAbouts, type Shown, withAbout } from '../contracts/requests/held-abouts.ts'
import type { Intent, Submission, SubmissionResult } from '../contracts/requests/submission.ts'
import type { Command } from '../events/commands.ts'
import { type LedgerIndex, type RequestRef, requestKey, type Uid } from '../events/ids.ts'
import type { Request } from '../events/statement.ts'
import type { PayloadRef } from '../store/payload-group.ts'
import type { EventStore, PayloadStore } from '../store/port.ts'
import type { CandidateFate } from './candidates/fates.ts'
import type { DryRun } from './dry-run.ts'
import type { RefusingRule, RefusingRulePorts } from './refusing-rule.ts'
import { asksToAdd, asksToDraft, createdIn, type Drafted, draftedIn } from './requests/created.ts'
import { explained, type RefusedHere } from './requests/refused-here.ts'
import type { VoidDetails } from './requests/void-details.ts'
import { aboutRef, aboutsIn, type ShownOutcome, shownOutcome } from './shown-outcome.ts'
import { type VoteFate, voteFate } from './vote-fate.ts'
import { votedOnBy } from './voted-on.ts'

type Settled = Extract<SubmissionResult, { kind: 'settled' }>
type Withdrawn = Extract<SubmissionResult, { kind: 'withdrawn' }>

/** What became of a request, as a person reads it: with what is under the seals in it, as far as this node has that. */
export type RequestResult = (DryRun | RefusedHere | SubmittedResult | VotedResult) & {
  /** Of what was asked for in several requests: those that were made, the one that this is the result of last. */
  readonly parts?: readonly RequestRef[]
  /** What has become of what those had put to the vote, where it was to be taken back since one of them came to nothing. */
  readonly takenBack?: readonly CandidateFate[]
}

/** Accepted, and put to the vote, or waited for anew after it was: what has come of that when the wait was over. */
export interface VotedResult {
  readonly kind: 'voted'
  readonly contract: Uid
  /** The one that has put it, or the first of it, to the vote. */
  readonly request: RequestRef
  /** Of the entry by which all of it was agreed. */
  readonly index?: LedgerIndex
  readonly createdAt?: readonly string[]
  readonly candidates: readonly CandidateFate[]
  /** What had not got its votes in time was withdrawn, as was asked for. */
  readonly isTimedOut?: true
}

type SubmittedResult = { readonly contract: Uid } & (
  | Exclude<SubmissionResult, Settled | Withdrawn>
  | Shown<Withdrawn>
  /** All that was to be written stands agreed already: nothing was asked for. */
  | { readonly kind: 'unchanged' }
  | (Omit<Settled, 'outcome'> & {
      readonly outcome: ShownOutcome
      /** Of what is void. */
      readonly details?: VoidDetails
      readonly rule?: RefusingRule
      /** The names on the way to the element that it has created, if the request was for one. */
      readonly createdAt?: readonly string[]
      /** What has become of what it has put to the vote as a change set, or voted on. */
      readonly vote?: VoteFate
      /** The number of the rule, or rule set, that it has drafted. */
      readonly drafted?: Drafted
    })
)

export interface ResultPorts extends RefusingRulePorts {
  readonly events: EventStore
}

/** Waits for the fate of a request, or, for a client that does not insist, only until it is signed and durable. */
export async function resultOf(
  { signed, verdict, intent }: Submission,
  live: LiveContract,
  ports: ResultPorts,
  createdAt?: readonly string[],
): Promise<RequestResult> {
  const told = (fate: SubmissionResult) => resultFor(fate, intent, live, ports, createdAt)
  if (intent.signedWithinMs === undefined) return told(await verdict)
  return Promise.race([signed.then((request) => pendingResult(live, request)), verdict.then(told)])
}

export async function pendingResult(live: LiveContract, request: RequestRef): Promise<RequestResult> {
  const heldUp = await live.heldUp(request)
  return { contract: live.contract, kind: 'pending', request, ...heldUp }
}

/** `asked`: what was asked for, with what it seals. */
export async function resultFor(
  fate: SubmissionResult,
  asked: Pick<Intent, 'request' | 'payloads'>,
  live: LiveContract,
  ports: ResultPorts,
  createdAt?: readonly string[],
): Promise<RequestResult> {
  const made = createdAt ?? (await createdBy(fate, asked.request as Request, live, ports))
  const result = await shown(fate, live.contract, ports.payloads, made)
  if (fate.kind !== 'settled' || result.kind !== 'settled') return result
  const { outcome, request } = fate
  if (outcome.kind === 'accepted') {
    const voted = votedOnBy(asked.request, requestKey(request))
    const vote = voted && (await voteFate(voted, fate.index, live, ports.events))
    const drafted = asksToDraft(asked.request as Request)
      ? await settledAt(ports.events, live.contract, fate.index)
      : undefined
    return { ...result, ...(vote && { vote }), ...(drafted && { drafted: draftedIn(drafted) }) }
  }
  if (outcome.kind !== 'void') return result
  const { changeSet, commands } = asked.request as Request & { readonly commands: readonly Command[] }
  const held = await withHistory(live, ({ feeds }) => statementAt(feeds, request.handle, request.seq))
  const { payloads } = asked
  const tried = { commands, payloads, isChangeSet: changeSet !== undefined, time: held?.statement.time }
  return { ...result, ...(await explained(outcome.reason, tried, live, ports)) }
}

/** What the request has added, where that is one element: the ledger says it, and says the same to whoever asks once more. */
async function createdBy(
  fate: SubmissionResult,
  asked: Request,
  live: LiveContract,
  { events }: ResultPorts,
): Promise<readonly string[] | undefined> {
  if (fate.kind !== 'settled' || fate.outcome.kind !== 'accepted' || !asksToAdd(asked)) return undefined
  const entry = await settledAt(events, live.contract, fate.index)
  return entry && createdIn(entry, live)
}

async function shown(
  verdict: SubmissionResult,
  contract: Uid,
  payloads: PayloadStore,
  createdAt: readonly string[] | undefined,
): Promise<RequestResult> {
  const held = await heldAbouts(payloads, contract, aboutsOf(verdict))
  if (verdict.kind === 'withdrawn') return { contract, ...withAbout(verdict, held) }
  if (verdict.kind !== 'settled') return { contract, ...verdict }
  const outcome = shownOutcome(verdict.outcome, held)
  return { contract, ...verdict, outcome, ...(createdAt === undefined ? {} : { createdAt }) }
}

function aboutsOf(verdict: SubmissionResult): PayloadRef[] {
  if (verdict.kind === 'settled') return aboutsIn(verdict.outcome, verdict.request.handle)
  return verdict.kind === 'withdrawn' ? aboutRef(verdict.request.handle, verdict) : []
}
