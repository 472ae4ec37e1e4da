import type { Element } from '../aggregates/contract/document/element.ts'
import { find } from '../aggregates/contract/state.ts'
import { audienceAt } from '../aggregates/contract/values/effective-audience.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import type { Intent } from '../contracts/requests/submission.ts'
import type { About } from '../events/about.ts'
import type { Command } from '../events/commands.ts'
import type { ElementId, LedgerIndex, Uid } from '../events/ids.ts'
import { seal } from '../events/seal.ts'
import type { Payloads } from '../events/statement.ts'
import { type Clock, timestamp } from '../runtime/clock.ts'
import { retryWithFullHistory } from '../runtime/history-pruned.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import type { Store } from '../store/port.ts'
import { AgreedView } from './agreed-view.ts'
import { type AskedBefore, askedBefore, resultAgain } from './asked-before.ts'
import { ownCandidatesIn } from './candidates/own-candidates.ts'
import { withVotes } from './candidates/with-votes.ts'
import { arrangement, type Changes, changesFromJson, changesFromText, removal } from './changes.ts'
import { diff } from './diffs/diff.ts'
import { type ShownDiff, shownDiff } from './diffs/shown-diff.ts'
import { type DryRun, dryRun, type Tried } from './dry-run.ts'
import { PastDocuments } from './past/past-documents.ts'
import { NoSuchPath } from './path.ts'
import type { RefusingRulePorts } from './refusing-rule.ts'
import { type RequestResult, resultOf } from './request-result.ts'
import { explained, refusedHere } from './requests/refused-here.ts'
import type { Ground } from './writing/request-draft.ts'

export interface DocumentsPorts {
  readonly contracts: Contracts
  readonly store: Store
  readonly newSalt: () => Uint8Array
  /** `given`: the one that the caller has named. */
  readonly newRequestId: (given?: string) => string
  readonly clock: Clock
  /** So that others have their turn while a history is gone through; left out: it is done at once. */
  readonly turns?: Turns
}

/** How long a request waits for unanimity where whoever asks says nothing. Milliseconds. */
export const DEFAULT_WAIT_MS = 10_000

/** How long whoever asks waits, and for what. */
export type Wait = Pick<Intent, 'timeoutMs' | 'signedWithinMs' | 'retry'> & {
  /** Nothing is signed: the answer says what would happen. */
  readonly isDryRun?: true
  /** What has not got its votes when the time is over is withdrawn. */
  readonly isStrict?: true
  /** What is known to be void is signed all the same, as evidence of the attempt. */
  readonly isRecorded?: true
  /** The id of the request, where its caller has named it (contracts/requests/keyed-id.ts). */
  readonly id?: string
}

/** What is written to an element: a text as people write values, or JSON. `adds`: by POST, so children that are not
 * there yet are added, and what stands agreed is proposed once more. */
export type Written = { readonly adds: boolean } & ({ readonly text: string } | { readonly json: unknown })

/** An element in the agreed view. */
export interface Agreed {
  readonly element: Element
  /** Of a field its value or null, of a block an object with its children by name, of a list an array. */
  value(): Promise<unknown>
}

/** The documents of a node by the names in them, for the API and for programs alike (design §10). */
export class Documents {
  /** As they were. */
  readonly past: PastDocuments
  readonly #ports: DocumentsPorts

  constructor(ports: DocumentsPorts) {
    this.#ports = ports
    this.past = new PastDocuments(ports.store.events, ports.turns)
  }

  get newSalt(): () => Uint8Array {
    return this.#ports.newSalt
  }

  get turns(): Turns | undefined {
    return this.#ports.turns
  }

  get now(): () => string {
    return () => timestamp(this.#ports.clock)
  }

  /**
   * Undefined: there is no such element. `at`: as it was after that ledger entry; left out: as it is. Throws NoSuchContract,
   * NoSuchEntry, HistoryTooLong.
   */
  get(uid: Uid, names: readonly string[], at?: LedgerIndex): Promise<Agreed | undefined> {
    return this.#ports.contracts.use(uid, async (live) => {
      const document = at === undefined ? live.state.settling.agreed : await this.past.after(live, at)
      const view = new AgreedView(document, uid, this.#ports.store.payloads)
      const element = await view.locate(names)
      return element && { element, value: () => view.valueOf(element) }
    })
  }

  /** Throws NoSuchContract, NoSuchPath, WriteUnfit, ValueUnreadable, and what a request can be refused for. */
  propose(uid: Uid, names: readonly string[], written: Written, wait: Wait): Promise<RequestResult> {
    return this.#change(uid, names, wait, (element, ground) =>
      'text' in written
        ? changesFromText(element, written.text, written.adds, ground)
        : changesFromJson(element, names, written.json, written.adds, ground),
    )
  }

  /** Removes an element with all below it. Throws as `propose`. */
  remove(uid: Uid, names: readonly string[], wait: Wait): Promise<RequestResult> {
    return this.#change(uid, names, wait, removal)
  }

  /** Has the children of a block shown in the order of these names, the others behind them. Throws as `propose`. */
  arrange(uid: Uid, id: ElementId, names: readonly string[], wait: Wait): Promise<RequestResult> {
    return this.#ports.contracts.use(uid, (live) => {
      const block = find(live.state.settling.agreed, id)
      if (block === undefined) throw new NoSuchPath('no_such_path', `there is no element ${id}`, { element: id })
      return this.submitOn(live, arrangement(block, names), wait)
    })
  }

  /** What differs between the documents after two settled entries. Throws NoSuchContract, NoSuchEntry, HistoryTooLong. */
  diff(uid: Uid, from: LedgerIndex, to: LedgerIndex): Promise<ShownDiff> {
    const { contracts, store } = this.#ports
    return contracts.use(uid, async (live) => {
      const [before, after] = [await this.past.after(live, from), await this.past.after(live, to)]
      return shownDiff(diff(before, after), uid, store.payloads)
    })
  }

  /**
   * One atomic request. `about`: what is to be said of the command, the only one; `opened`: what else it seals. Throws
   * NoSuchContract.
   */
  command(
    uid: Uid,
    commands: readonly Command[],
    wait: Wait,
    about?: About,
    opened: Payloads = {},
  ): Promise<RequestResult> {
    const said = about && seal(about, this.#ports.newSalt())
    const explained = said === undefined ? commands : commands.map((command) => ({ about: said.seal, ...command }))
    const payloads = said === undefined ? opened : { ...opened, [said.seal]: said.payload }
    return this.#ports.contracts.use(uid, (live) => this.submitOn(live, { commands: explained, payloads }, wait))
  }

  /** What the caller had asked for under that key before, if anything was signed. Throws NoSuchContract. */
  askedBefore(uid: Uid, key: string): Promise<AskedBefore | undefined> {
    return this.#ports.contracts.use(uid, (live) => askedBefore(live, key))
  }

  /** What became of it: as it was answered then. `waitsForVotes`: it was written by `propose`. Throws NoSuchContract. */
  again(uid: Uid, before: AskedBefore, wait: Wait, waitsForVotes: boolean): Promise<RequestResult> {
    return this.#ports.contracts.use(uid, async (live) => {
      const { clock, store } = this.#ports
      const begun = clock.now()
      const timeoutMs = wait.signedWithinMs === undefined ? wait.timeoutMs : 0
      const ports = { ...this.#judging, clock, events: store.events }
      const result = await resultAgain(before, live, timeoutMs, ports)
      if (!waitsForVotes) return result
      return withVotes(result, { awaited: [], from: 0 }, { ...wait, begun }, this.#voting(live))
    })
  }

  #voting(live: LiveContract) {
    const { clock, newRequestId, store } = this.#ports
    return { clock, live, newRequestId: () => newRequestId(), store }
  }

  #change(
    uid: Uid,
    names: readonly string[],
    wait: Wait,
    changesOf: (element: Element, ground: Ground) => Changes,
  ): Promise<RequestResult> {
    return this.#ports.contracts.use(uid, async (live) => {
      const { clock, newSalt, store } = this.#ports
      const begun = clock.now()
      const view = this.#viewOf(live)
      const { agreed: document, settled } = live.state.settling
      const { types } = document
      const element = await view.locate(names)
      if (element === undefined) throw noSuchPath(uid, names)
      const agreed = await view.agreedIn([element])
      const own = await ownCandidatesIn(element, live.self, document, store.payloads)
      const audienceOf = (id: ElementId) => audienceAt(document, id)?.parties
      const changes = changesOf(element, { types, agreed, own, audienceAt: audienceOf, newSalt })
      const { awaited = [], commands } = changes
      if (commands.length + awaited.length === 0) return { contract: uid, kind: 'unchanged' }
      const result = commands.length === 0 ? undefined : await this.submitOn(live, changes, wait)
      return withVotes(result, { awaited, from: settled }, { ...wait, begun }, this.#voting(live))
    })
  }

  /**
   * Tentative: until it is confirmed its user can take it back, and with a time-out the node does so by itself. What is known to be
   * void is not signed, unless it is to be recorded.
   */
  async submitOn(
    live: LiveContract,
    { asOne, commands, payloads, createdAt }: Changes,
    { id, isDryRun, isRecorded, isStrict: _isStrict, ...wait }: Wait,
  ): Promise<RequestResult> {
    const tried = { commands, payloads, isChangeSet: asOne !== undefined, time: this.now() }
    const changeSet = asOne && { changeSet: true as const, ...asOne }
    const named = { commands: [...commands], id: this.#ports.newRequestId(id) }
    const request = { ...named, tentative: true as const, ...changeSet }
    const intent = { request, payloads, ...wait }
    if (isDryRun) {
      live.assertFit(intent)
      return this.#try(tried, live)
    }
    const refused = isRecorded ? undefined : await refusedHere(tried, live, this.#judging, wait.retry === true)
    return refused ?? resultOf(live.submit(intent), live, this.#judging, createdAt)
  }

  /** Nothing of it is signed. */
  async #try(tried: Tried, live: LiveContract): Promise<DryRun> {
    const { turns } = this.#ports
    const run = await retryWithFullHistory(live, () => inTurns(dryRun(tried, live.state, live.self), turns))
    if (run.reason === undefined) return run
    return { ...run, ...(await explained(run.reason, tried, live, this.#judging)) }
  }

  get #judging(): RefusingRulePorts {
    return { payloads: this.#ports.store.payloads, turns: this.#ports.turns }
  }

  #viewOf({ state, contract }: LiveContract): AgreedView {
    return new AgreedView(state.settling.agreed, contract, this.#ports.store.payloads)
  }
}

export function noSuchPath(contract: Uid, names: readonly string[]): NoSuchPath {
  const path = names.join('/')
  return new NoSuchPath('no_such_path', `the agreed document has no ${path}`, { contract, path })
}
