import { type Block, childNamed, type Element } from '../aggregates/contract/document/element.ts'
import { find } from '../aggregates/contract/state.ts'
import { audienceAt } from '../aggregates/contract/values/effective-audience.ts'
import { lookBack, withHistory } from '../agreement/history/looking-back.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import type { Intent } from '../contracts/requests/submission.ts'
import type { About } from '../events/about.ts'
import type { Command } from '../events/commands.ts'
import type { ElementId, LedgerIndex, RequestRef, Uid } from '../events/ids.ts'
import type { User } from '../events/parties/user.ts'
import { seal } from '../events/seal.ts'
import type { Payloads } from '../events/statement.ts'
import { type Clock, timestamp } from '../runtime/clock.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { inTurns, type Turns } from '../runtime/turns.ts'
import type { Store } from '../store/port.ts'
import { AgreedView } from './agreed-view.ts'
import { withTimeFor } from './attachments/incoming-file.ts'
import { StagedFiles } from './attachments/staged-files.ts'
import { ownCandidatesIn } from './candidates/own-candidates.ts'
import { takeBack, withVotes } from './candidates/with-votes.ts'
import { arrangement, type Changes, changesFromJson, changesFromTable, changesFromText, removal } from './changes.ts'
import { diff } from './diffs/diff.ts'
import { type ShownDiff, shownDiff } from './diffs/shown-diff.ts'
import { type DryRun, dryRun, type Tried } from './dry-run.ts'
import { attributeCommands, type WantedAttributes } from './elements/element-attributes.ts'
import type { Markup } from './markup/markup.ts'
import { jsonOfAddedMarkup, jsonOfMarkup } from './markup/read-markup.ts'
import { liveView, type ShownLive } from './past/live-view.ts'
import { PastDocuments } from './past/past-documents.ts'
import { NoSuchPath, noSuchPath, pathTo, selectorIn } from './path.ts'
import { type RequestResult, type ResultPorts, resultOf } from './request-result.ts'
import { type AskedBefore, askedBefore, resultAgain } from './requests/asked-before.ts'
import { isOnItsWayTo } from './requests/on-its-way.ts'
import { explained, refusedHere } from './requests/refused-here.ts'
import { withRow } from './requests/refused-row.ts'
import type { Table, TableReading } from './tables/table.ts'
import { concernedBy } from './writing/concerned.ts'
import { submitInParts, submitWhole } from './writing/parts.ts'
import type { Ground } from './writing/request-draft.ts'
import { namingLimit, requireFewCommands, roomFor, TRIED_COMMANDS_MAX } from './writing/statement-room.ts'
import { withPath } from './writing/with-path.ts'

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
  /** What is more than one statement can carry is asked for in several requests. Of writes by path. */
  readonly isSplit?: true
  /** What is known to be void is signed all the same, as evidence of the attempt. */
  readonly isRecorded?: true
  /** The id of the request, where its caller has named it (contracts/requests/keyed-id.ts). */
  readonly id?: string
  /** Who asks, for this party's own people: the request carries the seal of it. */
  readonly user?: User
  /** What stands agreed there has to be so; else PreconditionFailed is thrown, and nothing is done. Of writes by path. */
  readonly onlyIf?: Precondition
}

/** `element` undefined: nothing stands there. */
export type Precondition = (element: Element | undefined, value: unknown) => boolean

/** What stands there is not what whoever writes takes it for. Evidence: `path`; `isOnItsWay`: it is about to become something else. */
export class PreconditionFailed extends ConcordataError {}

/** How often it is looked once more at what has settled while a precondition was looked at. */
const LOOKS_MAX = 100

/** What is written to an element: a text as people write values, JSON, XML, or a table. `adds`: by POST, so children that are not
 * there yet are added, and what stands agreed is proposed once more. `merges`: by PATCH. */
export type WrittenBody = { readonly adds: boolean; readonly merges?: true } & (
  | { readonly text: string }
  | { readonly json: unknown }
  | { readonly markup: Markup }
  | { readonly table: Table; readonly parse: TableReading['parse'] }
)

/** What a write to an element comes to. */
type ChangesOf = (element: Element, ground: Ground) => Changes
/** And one that has something of that name stand in a block where there is none (decision 0140). */
type AddTo = (block: Block, name: string, ground: Ground) => Changes
/** `concerned`: the elements whose values it compares with what is written. Without `addTo` there has to be something already. */
interface Change {
  readonly changesOf: ChangesOf
  readonly concerned: (element: Element) => readonly Element[]
  readonly addTo?: AddTo
}

/** An element in the agreed view. */
export interface AgreedElement {
  readonly element: Element
  /** It is a field, and all members have given up the value that stands there. */
  readonly isErased: boolean
  /** Of a field its value or null, of a block an object with its children by name, of a list an array. */
  value(): Promise<unknown>
}

/** The documents of a node by the names in them, for the API and for programs alike (design §10, decision 0103). */
export class Documents {
  /** As they were. */
  readonly past: PastDocuments
  /** What waits to be named by a request. */
  readonly files: StagedFiles
  readonly #ports: DocumentsPorts

  constructor(ports: DocumentsPorts) {
    this.#ports = ports
    this.past = new PastDocuments(ports.store.events, ports.turns)
    this.files = new StagedFiles(ports.clock)
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
  get(uid: Uid, names: readonly string[], at?: LedgerIndex): Promise<AgreedElement | undefined> {
    return this.#ports.contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const document = at === undefined ? agreed : await this.past.after(live, at)
      const view = new AgreedView(document, uid, this.#ports.store.payloads, this.turns, agreed)
      const element = await view.locate(names)
      return element && { element, isErased: view.isErased(element), value: () => view.valueOf(element) }
    })
  }

  /** Undefined: there is no such element, and nothing on its way would make one. Throws NoSuchContract. */
  live(uid: Uid, names: readonly string[]): Promise<ShownLive | undefined> {
    const { contracts, store, turns } = this.#ports
    return contracts.use(uid, (live) => liveView(names, live, { payloads: store.payloads, turns }))
  }

  /** Throws NoSuchContract, NoSuchPath, WriteUnfit, ValueUnreadable, and what a request can be refused for. */
  propose(uid: Uid, names: readonly string[], written: WrittenBody, wait: Wait): Promise<RequestResult> {
    const { adds, merges } = written
    const how = merges ? 'merge' : adds ? 'post' : 'put'
    const write: ChangesOf = (element, ground) => {
      if ('text' in written) return changesFromText(element, written.text, adds, ground)
      if ('table' in written) return changesFromTable(element, written.table, adds, ground, written.parse)
      const json = 'json' in written ? written.json : jsonOfMarkup(element, written.markup, adds, ground.types)
      return changesFromJson(element, names, json, how, ground)
    }
    const concerned = (element: Element) => ('json' in written ? concernedBy(element, written.json, how) : [element])
    if (adds || merges || 'table' in written) return this.#change(uid, names, wait, { changesOf: write, concerned })
    const addTo: AddTo = (block, name, ground) => {
      const value =
        'text' in written
          ? written.text
          : 'json' in written
            ? written.json
            : jsonOfAddedMarkup(name, written.markup, ground.types)
      return changesFromJson(block, names.slice(0, -1), { [name]: value }, 'put', ground)
    }
    return this.#change(uid, names, wait, { changesOf: write, concerned, addTo })
  }

  /** Removes an element with all below it. Throws as `propose`. */
  remove(uid: Uid, names: readonly string[], wait: Wait): Promise<RequestResult> {
    return this.#change(uid, names, wait, { changesOf: removal, concerned: () => [] })
  }

  /** Gives an element another name, owner, order or audience. Throws as `propose`. */
  describe(uid: Uid, names: readonly string[], wanted: WantedAttributes, wait: Wait): Promise<RequestResult> {
    return this.#ports.contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const commands = attributeCommands(await this.#viewOf(live).require(names), wanted, agreed)
      if (commands.length === 0) return { contract: uid, kind: 'unchanged' }
      return this.submitOn(live, { commands, payloads: {} }, wait)
    })
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
      const { clock } = this.#ports
      const begun = clock.now()
      const timeoutMs = wait.signedWithinMs === undefined ? wait.timeoutMs : 0
      const result = await resultAgain(before, live, timeoutMs, { ...this.#judging, clock })
      if (!waitsForVotes) return result
      return withVotes(result, { awaited: [], from: 0 }, { ...wait, begun, isAgain: true }, this.#voting(live))
    })
  }

  #voting(live: LiveContract) {
    const { clock, newRequestId, store } = this.#ports
    return { clock, live, newRequestId: () => newRequestId(), store }
  }

  #change(uid: Uid, names: readonly string[], wait: Wait, change: Change): Promise<RequestResult> {
    return this.#ports.contracts.use(uid, async (live) => {
      const begun = this.#ports.clock.now()
      for (let looks = 0; ; looks++) {
        const result = await this.#changeOnce(live, names, wait, change, begun)
        if (result !== undefined) return result
        if (looks === LOOKS_MAX) throw preconditionFailed(names, { isOnItsWay: true })
      }
    })
  }

  /** Undefined: while it was looked whether the precondition holds, something has settled. */
  async #changeOnce(
    live: LiveContract,
    names: readonly string[],
    wait: Wait,
    { changesOf, concerned, addTo }: Change,
    begun: number,
  ): Promise<RequestResult | undefined> {
    const { contract, self } = live
    const { newSalt, store } = this.#ports
    const view = this.#viewOf(live)
    const { agreed: document, settled } = live.state.settling
    const { types } = document
    const found = await view.locate(names)
    const block = found === undefined && addTo !== undefined ? await blockFor(names, view) : undefined
    const element = found ?? block
    if (element === undefined) throw noSuchPath(contract, names)
    const { onlyIf } = wait
    if (onlyIf !== undefined && !onlyIf(found, found && (await view.valueOf(found)))) throw preconditionFailed(names)
    const compared = found === undefined ? [] : concerned(found)
    const agreed = await view.agreedIn(compared)
    const own = await ownCandidatesIn(compared, self, document, store.payloads)
    const audienceOf = (id: ElementId) => audienceAt(document, id)?.parties
    const ground = { types, agreed, own, audienceAt: audienceOf, newSalt, fileUnder: this.fileUnder(live) }
    const changes = withPath(names, () =>
      block === undefined || addTo === undefined
        ? changesOf(element, ground)
        : addTo(block, names.at(-1) as string, ground),
    )
    const { awaited = [], commands } = changes
    if (commands.length + awaited.length === 0) return { contract, kind: 'unchanged' }
    let isOutdated = false
    const stillHolds = (): boolean => {
      isOutdated = live.state.settling.agreed !== document
      if (isOutdated) return false
      // Where that cannot be seen something is.
      const isOnItsWay = lookBack(live.state, (state) => isOnItsWayTo(element.id, state, live.queued))
      if (isOnItsWay !== false) throw preconditionFailed(names, { isOnItsWay: true })
      return true
    }
    const submit = async (part: Changes, place: number) => {
      const asked = await this.submitOn(live, part, wait, onlyIf === undefined || place > 0 ? undefined : stillHolds)
      return part.rows === undefined ? asked : withRow(asked, part.rows)
    }
    const waits = wait.isStrict && wait.signedWithinMs === undefined
    const back = waits ? (made: readonly RequestRef[]) => takeBack(made, settled, this.#voting(live)) : undefined
    const result =
      commands.length === 0
        ? undefined
        : await (wait.isSplit && !wait.isDryRun
            ? submitInParts(live, changes, submit, back)
            : submitWhole(live, changes, submit))
    if (isOutdated) return undefined
    const told = await withVotes(result, { awaited, from: settled }, { ...wait, begun }, this.#voting(live))
    return result?.parts === undefined ? told : { ...told, parts: result.parts }
  }

  /**
   * Tentative: until it is confirmed its user can take it back, and with a time-out the node does so by itself. What is known to be
   * void is not signed, unless it is to be recorded. `stillHolds`: looked at in the same turn in which it is asked for: where it says no,
   * nothing is, and the answer is that nothing has changed.
   */
  async submitOn(
    live: LiveContract,
    { asOne, before, commands, payloads, createdAt }: Changes,
    { id, isDryRun, isRecorded, isSplit, isStrict: _strict, onlyIf: _if, user, ...wait }: Wait,
    stillHolds?: () => boolean,
  ): Promise<RequestResult> {
    const tried = { before, commands, payloads, isChangeSet: asOne !== undefined, time: this.now() }
    const changeSet = asOne && { changeSet: true as const, ...asOne }
    const named = { commands: [...commands], id: this.#ports.newRequestId(id) }
    const who = user && seal(user, this.#ports.newSalt())
    const request = { ...named, tentative: true as const, ...changeSet, ...(who && { user: who.seal }) }
    const sealed = who === undefined ? payloads : { ...payloads, [who.seal]: who.payload }
    const intent = { request, payloads: sealed, ...wait }
    requireFewCommands(request, isDryRun && isSplit ? TRIED_COMMANDS_MAX : roomFor(live).commands)
    if (isDryRun) {
      if (!isSplit) await namingLimit(async () => live.assertFit(intent))
      return this.#try(tried, live)
    }
    const refused = isRecorded ? undefined : await refusedHere(tried, live, this.#judging, wait.retry === true)
    if (refused !== undefined) return refused
    if (stillHolds?.() === false) return { contract: live.contract, kind: 'unchanged' }
    const submitted = (bytes: number) =>
      resultOf(live.submit(withTimeFor(bytes, intent)), live, this.#judging, createdAt)
    return namingLimit(() => this.files.whileNamed(live.contract, payloads, submitted))
  }

  /** Nothing of it is signed. */
  async #try(tried: Tried, live: LiveContract): Promise<DryRun> {
    const { turns } = this.#ports
    const run = await withHistory(live, (state) => inTurns(dryRun(tried, state, live.self), turns))
    if (run.reason === undefined) return run
    return { ...run, ...(await explained(run.reason, tried, live, this.#judging)) }
  }

  /** Of those that wait for a request of a contract. */
  fileUnder({ contract, contents }: LiveContract): Ground['fileUnder'] {
    return (seal) => {
      const file = this.files.find(contract, seal)
      return file && contents.isHeld(file.seal) ? file : undefined
    }
  }

  get #judging(): ResultPorts {
    const { store, turns } = this.#ports
    return { events: store.events, payloads: store.payloads, turns }
  }

  #viewOf({ state, contract }: LiveContract): AgreedView {
    return new AgreedView(state.settling.agreed, contract, this.#ports.store.payloads, this.turns)
  }
}

/** The block in which something of that last name can be added; undefined: there is none, or the name is that of an entry. */
async function blockFor(names: readonly string[], view: AgreedView): Promise<Block | undefined> {
  const last = names.at(-1)
  const parent = last === undefined ? undefined : await view.locate(names.slice(0, -1))
  if (parent?.kind !== 'block' || last === undefined) return undefined
  const selector = selectorIn(last)
  return selector !== undefined && childNamed(parent, selector.list)?.kind === 'list' ? undefined : parent
}

function preconditionFailed(names: readonly string[], evidence: object = {}): PreconditionFailed {
  const message = 'what stands there is not what the precondition names: nothing was done'
  return new PreconditionFailed('precondition_failed', message, {
    ...evidence,
    path: pathTo(names),
  })
}
