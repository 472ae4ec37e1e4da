import { EngineUnknown } from '../../aggregates/contract/engines.ts'
import { closedInvitationOf, formerOf, partyOf } from '../../aggregates/contract/state.ts'
import { type Draft, drafting, noWishes, statementDue, type Wishes } from '../../agreement/draft.ts'
import { newestOf } from '../../agreement/feeds.ts'
import { isNeedOfHistory } from '../../agreement/history/looking-back.ts'
import { type AgreementState, holding, isUnsure, type Progress } from '../../agreement/state.ts'
import type { VerifiedStatement } from '../../agreement/verified-statement.ts'
import { refusalOfOwn } from '../../agreement/verify-statement.ts'
import type { Handle } from '../../events/ids.ts'
import { payloadsInOrder } from '../../events/seal.ts'
import type { Note } from '../../events/statement.ts'
import { timestamp } from '../../runtime/clock.ts'
import { completed, inTurns } from '../../runtime/turns.ts'
import { type Approvals, type Coverage, refusalBytes } from '../approvals/approvals.ts'
import type { ContractView } from '../contract-view.ts'
import type { ObstacleCode } from '../obstacles/obstacles.ts'
import type { RequestQueue } from '../requests/request-queue.ts'
import type { Turn } from '../requests/turn.ts'
import { noteDue } from '../signing/cosigned-notes.ts'
import type { DoubleSignProtection } from '../signing/double-sign-protection.ts'
import { GuardRefused } from '../signing/signing-guard.ts'
import type { FeedKeys } from '../signing/signing-keys.ts'
import type { MissingValues } from './inbound/missing-values.ts'
import type { ContractPorts } from './ports.ts'
import { OvertakenError } from './races.ts'

/** How long requests are held back at most while every peer is being talked to already. Milliseconds. */
const HOLD_MS = 100

const nothingToSay: Turn = {
  wishes: { requests: [], payloads: {}, refusals: [], decided: [] },
  isEmpty: true,
  part: () => {},
  durable: () => {},
}

/** A statement of this party that is signed, and not durable yet. */
export interface Authored extends Progress {
  readonly held: VerifiedStatement
  /** To be called when it is durable. */
  durable(): void
}

export interface AuthorParts {
  readonly queue: RequestQueue
  readonly approvals: Approvals
  readonly keys: FeedKeys
  readonly protection: DoubleSignProtection
  readonly values: MissingValues
}

/** What comes up while a statement is made. */
export interface AuthorNews {
  /** The contract goes on in an engine that is not here; told once. */
  engineUnknown(error: EngineUnknown): void
  /** Why nothing is signed, when that changes. */
  blocked(obstacle: ObstacleCode | undefined): void
  /** Nobody would have taken the statement. */
  failed(problem: unknown): void
}

/** Whether this party says something in a contract, what, and under which key. */
export class StatementAuthor {
  readonly #view: ContractView
  readonly #ports: ContractPorts
  readonly #parts: AuthorParts
  readonly #news: AuthorNews
  /** It may cosign what has settled. */
  #mayNote = false
  /** Requests are held back: until a peer is free, or this is called off. */
  #cancelHold: (() => void) | undefined
  #holdIsOver = false
  /** The ledger goes on in an engine that is not here ⇒ nothing is signed, and what leads there is not taken in. */
  #engineUnknown: EngineUnknown | undefined
  #obstacle: ObstacleCode | undefined
  /** What is held, and the view of it, in which its next word would make its own ledger stop at a value that it has lost ⇒ it says nothing. */
  #stopping: { readonly held: AgreementState; readonly view: AgreementState } | undefined

  constructor(view: ContractView, ports: ContractPorts, parts: AuthorParts, news: AuthorNews) {
    this.#view = view
    this.#ports = ports
    this.#parts = parts
    this.#news = news
  }

  get engineUnknown(): EngineUnknown | undefined {
    return this.#engineUnknown
  }

  /** Whether its next word waits for values that this party has lost. */
  get isStopped(): boolean {
    return this.#stopsAt(this.#view.state)
  }

  #stopsAt(state: AgreementState): boolean {
    return state === this.#stopping?.held || state === this.#stopping?.view
  }

  /** The contract has been idle for a while: a good time to cosign what has settled (design §3, iv). */
  idle(): void {
    this.#mayNote = true
  }

  /** Whether a note or held-back requests wait for the next turn. */
  get isIdle(): boolean {
    return !this.#mayNote && this.#cancelHold === undefined
  }

  /** Whether the next turn has something to say of its own accord. Throws HistoryPruned. */
  get hasTurn(): boolean {
    if (this.#mayNote) return true
    const { duties, state } = this.#view
    if (!duties.signs) return false
    const coverage = this.#coverage(state)
    if (coverage === undefined || !duties.authors) return coverage === undefined
    return this.#maySpeak(coverage.view) && this.#parts.queue.hasTurn(coverage.view, this.#holdsBack())
  }

  /** Whether the statements of others, or its own keys, call for a statement. Throws HistoryPruned. */
  get isDue(): boolean {
    const { state } = this.#view
    if (this.#parts.keys.hasMoreToSay(state)) return true
    // An observer leaves uncovered what lacks values.
    const coverage = this.#coverage(state)
    return (
      coverage === undefined ||
      (this.#maySpeak(coverage.view) && statementDue(coverage.view, this.#view.self) !== undefined)
    )
  }

  /** Whether the contract is to be cosigned when it has been idle. Throws HistoryPruned. */
  get hasToNote(): boolean {
    const { duties, self, state } = this.#view
    return duties.authors && noteDue(state, self, 0) !== undefined && this.#maySpeak(state)
  }

  /** Why nothing is signed; undefined: nothing stands in the way. */
  obstacle(state: AgreementState): ObstacleCode | undefined {
    const { duties, self, waiting } = this.#view
    if (!duties.signs) return undefined
    if (this.#engineUnknown !== undefined) return 'engine_unknown'
    if (this.#view.isCutShort) return 'values_missing'
    const { keys, protection, values } = this.#parts
    const obstacle = protection.obstacle(state, waiting)
    // Its own statements are here, behind a request that everybody has acknowledged.
    const isOwn = ({ statement }: { readonly statement: { readonly party: Handle } }) => statement.party === self
    if (obstacle !== undefined && values.lacking.length > 0 && waiting.some(isOwn)) return 'values_missing'
    if (obstacle === 'members_awaited' && protection.waitsFor(state).length === 0) return 'statement_lost'
    if (obstacle !== undefined) return obstacle
    if (!this.#hasPart(state) || this.#hasLeft(state)) return undefined
    if (isUnsure(state) || this.#stopsAt(state)) return 'values_missing'
    return keys.signer(state) !== undefined ? undefined : 'key_missing'
  }

  /** The ledger goes on in an engine that is not here. */
  goesOnIn(error: EngineUnknown): void {
    if (this.#engineUnknown !== undefined) return
    this.#engineUnknown = error
    this.#news.engineUnknown(error)
  }

  /** What this party says now that this is held; undefined: nothing. Throws HistoryPruned, OvertakenError, and what the signer throws. */
  async next(held: AgreementState): Promise<Authored | undefined> {
    const { keys, queue } = this.#parts
    const { duties, self } = this.#view
    const mayNote = this.#mayNote
    this.#mayNote = false
    const { turns } = this.#ports
    const { approvals } = this.#parts
    const covering = approvals.covering(held, keys.holdOwed(held)?.revocation.party)
    const { view: state, refusals, payloads } = await inTurns(covering, turns)
    await keys.learn(state)
    this.#reportObstacle(state)
    if (!this.#maySpeak(state)) return undefined
    const key = await keys.change(state, held)
    const due = statementDue(state, self) ?? (key === undefined ? undefined : 'answer')
    // A statement that is due anyway takes along what waits.
    const turn = duties.authors
      ? queue.turn(state, due === undefined && this.#holdsBack(), refusalBytes(refusals))
      : nothingToSay
    this.#holdIsOver = false
    const note = mayNote && duties.authors && turn.isEmpty && due === undefined ? await this.#note(state) : undefined
    if (turn.isEmpty && due === undefined && note === undefined) return undefined
    const wishes = {
      ...turn.wishes,
      refusals,
      payloads:
        payloads.length === 0
          ? turn.wishes.payloads
          : payloadsInOrder([...Object.entries(turn.wishes.payloads), ...payloads]),
      ...(note === undefined ? {} : { note }),
      ...(key === undefined ? {} : { key }),
    }
    const drafted = await inTurns(this.#drafting(state, wishes), turns)
    if ('problem' in drafted) return this.#refrain(state, turn, drafted.problem)
    if (drafted.isUnsure) {
      this.#stopping = { held, view: state }
      this.#reportObstacle(state)
      return undefined
    }
    const signed = drafted.sign(await this.#sign(state, drafted.bytesToSign))
    // Made from less than is held, it becomes a part of all that is.
    const progress = state === held ? signed : await inTurns(holding(held, signed.held), turns)
    return { ...progress, held: signed.held, durable: () => turn.durable(signed.held.statement.seq) }
  }

  /** Undefined: it takes a turn to find out. */
  #coverage(held: AgreementState): Coverage | undefined {
    const { approvals, keys } = this.#parts
    return approvals.coverage(held, keys.holdOwed(held)?.revocation.party)
  }

  /** The statement with these wishes, or why nobody would take it; in steps. Throws HistoryPruned. */
  *#drafting(state: AgreementState, wishes: Wishes): Generator<void, Draft | { readonly problem: unknown }> {
    try {
      const drafted = yield* drafting(state, this.#view.self, wishes, timestamp(this.#ports.clock))
      // Who lacks a value refuses the request that names it; but it may have acknowledged that when it had the value.
      if (drafted.isUnsure) return drafted
      const problem = yield* refusalOfOwn(state, drafted, wishes.payloads)
      return problem === undefined ? drafted : { problem }
    } catch (error) {
      if (isNeedOfHistory(error)) throw error
      return { problem: error }
    }
  }

  /**
   * A fault of this software, or more than it foresaw: rather than a feed that nobody takes, users are told. Each request is
   * looked at by itself, so that what is wrong with one is told to its user alone.
   */
  #refrain(state: AgreementState, turn: Turn, problem: unknown): undefined {
    // This party's own word would take the contract into an engine that is not here.
    if (problem instanceof EngineUnknown) {
      this.goesOnIn(problem)
      return
    }
    if (turn.wishes.requests.length === 0) throw problem
    turn.part((only) => {
      const drafted = completed(this.#drafting(state, { ...noWishes, ...only }))
      if ('problem' in drafted) return drafted.problem
      // Nothing is left to be parted from: then it is what else the statement says.
      return turn.wishes.requests.length === 1 ? problem : undefined
    })
    this.#news.failed(problem)
    this.#view.wake()
  }

  /** A signer that refuses since the guard is there already says that another process of this party was faster (decision 0040). */
  async #sign(state: AgreementState, bytes: Uint8Array): Promise<string> {
    try {
      return await this.#parts.keys.signerFor(state).sign(bytes)
    } catch (error) {
      if (!this.#view.duties.sharesStore || !(error instanceof GuardRefused)) throw error
      throw new OvertakenError('', { cause: error })
    }
  }

  async #note(state: AgreementState): Promise<Note | undefined> {
    const due = noteDue(state, this.#view.self, Math.floor(this.#ports.clock.now() / 1000))
    if (due === undefined) return undefined
    const { root, size } = due.head
    return { root, signature: await this.#parts.keys.signerFor(state).sign(due.bytes), size, time: due.time }
  }

  #holdsBack(): boolean {
    const { canSend, clock } = this.#ports
    if (this.#parts.queue.length === 0 || this.#holdIsOver || (canSend?.(this.#view.contract) ?? true)) {
      this.#cancelHold?.()
      this.#cancelHold = undefined
      return false
    }
    this.#cancelHold ??= clock.after(HOLD_MS, () => {
      this.#cancelHold = undefined
      this.#holdIsOver = true
      this.#view.wake()
    })
    return true
  }

  /** The founder from the start, others from their invitation on, nobody after everyone holds its resignation. */
  #maySpeak(state: AgreementState): boolean {
    const { duties, isCutShort, waiting } = this.#view
    const { keys, protection } = this.#parts
    if (!duties.signs || isCutShort || this.#engineUnknown !== undefined) return false
    const { document } = state.ledger
    // Its head would be shorter than what it covers has it, or one that nobody vouches for.
    if (isUnsure(state) || this.#stopsAt(state)) return false
    const obstacle = protection.obstacle(state, waiting)
    // What stands in the way of the old key does not concern the one that takes the feed over.
    if (obstacle !== undefined) {
      const signing = keys.takeover(state)?.revocation.signing
      if (signing === undefined || !protection.mayBeTakenUp(state, signing, waiting)) return false
    }
    if (!document.isOpen) return true
    if (!this.#hasPart(state) || keys.signer(state) === undefined) return false
    // Who has left still takes its feed over: the others have promised to wait for that.
    return !this.#hasLeft(state) || keys.takeover(state) !== undefined
  }

  /** Whether this party has resigned, and has said its last head: nothing settles before that. */
  #hasLeft({ feeds, ledger: { document } }: AgreementState): boolean {
    const { self } = this.#view
    const former = formerOf(document, self)
    return former !== undefined && (newestOf(feeds, self)?.statement.head.size ?? 0) > former.resignedAt
  }

  /** Whether this party has anything to say in it: from its invitation on, until that came to nothing. */
  #hasPart({ ledger: { document } }: AgreementState): boolean {
    const { self } = this.#view
    if (!document.isOpen) return false
    return partyOf(document, self) !== undefined && closedInvitationOf(document, self) === undefined
  }

  /** In a turn only: before the first one, another process of this party may have moved the guard along what is not held yet. */
  #reportObstacle(state: AgreementState): void {
    const obstacle = this.obstacle(state)
    if (obstacle === this.#obstacle) return
    this.#obstacle = obstacle
    this.#news.blocked(obstacle)
  }
}
