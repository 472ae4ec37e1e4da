import { type Static, Type } from 'typebox'
import { type ChangeSet, changeSetNamed } from '../aggregates/contract/change-sets/change-set.ts'
import type { Verdict } from '../aggregates/contract/decider.ts'
import type { ContractState } from '../aggregates/contract/state.ts'
import { audienceAt } from '../aggregates/contract/values/effective-audience.ts'
import { fitElementName } from '../aggregates/names/fit-text.ts'
import { withHistory } from '../agreement/history/looking-back.ts'
import { changeSetVerdict } from '../agreement/next-verdict.ts'
import type { Contracts } from '../contracts/registry/contracts.ts'
import type { LiveContract } from '../contracts/replica/live-contract.ts'
import { heldAbouts, withAbout } from '../contracts/requests/held-abouts.ts'
import type { About, ShownAbout } from '../events/about.ts'
import {
  type ElementId,
  type Handle,
  HandleSchema,
  type LedgerIndex,
  requestKey,
  requestOf,
  type Uid,
} from '../events/ids.ts'
import type { VoidReason } from '../events/outcome.ts'
import { seal } from '../events/seal.ts'
import { ConcordataError } from '../runtime/errors.ts'
import { inTurns } from '../runtime/turns.ts'
import { groupOf } from '../store/payload-group.ts'
import type { Store } from '../store/port.ts'
import { AgreedView } from './agreed-view.ts'
import { missingVotes } from './candidates/candidate-at.ts'
import { arrangement, removal } from './changes.ts'
import { diff } from './diffs/diff.ts'
import { type ShownDiff, shownDiff } from './diffs/shown-diff.ts'
import type { Documents, Wait } from './documents.ts'
import { PathSchema, parsePath } from './path.ts'
import type { RequestResult } from './request-result.ts'
import { Writing } from './writing/writing.ts'

/** No change set of that name is, or was, in the contract. Evidence: `contract`, `request`. */
export class NoSuchChangeSet extends ConcordataError {}

const closed = { additionalProperties: false }
const at = PathSchema

/** One change: what is written as by PUT (`set`) or POST (`add`), or done to what stands there. */
const ChangeSchema = Type.Union([
  Type.Object({ at, set: Type.Unknown() }, closed),
  Type.Object({ at, add: Type.Unknown() }, closed),
  Type.Object({ at, remove: Type.Literal(true) }, closed),
  Type.Object({ at, rename: Type.String({ maxLength: 200 }) }, closed),
  Type.Object({ at, order: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 10_000 }) }, closed),
  Type.Object({ at, grant: Type.Union([HandleSchema, Type.Null()]) }, closed),
])
export const ChangesSchema = Type.Array(ChangeSchema, { minItems: 1, maxItems: 1024 })
export type WrittenChange = Static<typeof ChangeSchema>

/** A change set that waits, as people read it. */
export interface OpenChangeSet {
  readonly request: string
  readonly by: Handle
  readonly state: 'open'
  readonly about?: ShownAbout
  /** Ledger index at which it was proposed. */
  readonly proposedAt: LedgerIndex
  readonly voters: readonly Handle[]
  readonly yes: readonly Handle[]
  /** Those without whose YES it waits. */
  readonly waitsFor: readonly Handle[]
}

/** What it would come to if all votes were there now. */
export interface WouldChange {
  readonly changes?: ShownDiff
  /** It would fall: why. */
  readonly wouldEnd?: VoidReason
}

/** The change sets of a node's documents: proposed by paths, shown as a diff, voted and withdrawn (design §5). */
export class ChangeSets {
  readonly #contracts: Contracts
  readonly #documents: Documents
  readonly #store: Store

  constructor(contracts: Contracts, documents: Documents, store: Store) {
    this.#contracts = contracts
    this.#documents = documents
    this.#store = store
  }

  /** Those that are open, in the agreed view. Throws NoSuchContract. */
  open(uid: Uid): Promise<OpenChangeSet[]> {
    return this.#contracts.use(uid, (live) => {
      const { changeSets } = live.state.settling.agreed
      return Promise.all(changeSets.map((set) => this.#shown(set, live)))
    })
  }

  /** Undefined: none of that name is open. Throws NoSuchContract. */
  find(uid: Uid, key: string): Promise<(OpenChangeSet & WouldChange) | undefined> {
    return this.#contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const set = changeSetNamed(agreed.changeSets, requestOf(key))
      if (set === undefined) return undefined
      const verdict = await verdictOn(set, live, this.#documents)
      const would: WouldChange =
        verdict.kind === 'accepted'
          ? { changes: await shownDiff(diff(agreed, verdict.state), uid, this.#store.payloads, verdict.computed) }
          : verdict.kind === 'void'
            ? { wouldEnd: verdict.reason }
            : {}
      return { ...(await this.#shown(set, live)), ...would }
    })
  }

  /** One atomic request. Throws NoSuchContract, NoSuchPath, WriteUnfit, and what a request can be refused for. */
  propose(
    uid: Uid,
    { changes, about }: { readonly changes: readonly WrittenChange[]; readonly about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    return this.#contracts.use(uid, async (live) => {
      const { agreed } = live.state.settling
      const { newSalt } = this.#documents
      const view = new AgreedView(agreed, uid, this.#store.payloads)
      const written = await Promise.all(
        changes.map(async (change) => {
          return { change, element: await view.require(parsePath(`/${change.at}`)) }
        }),
      )
      const values = await view.agreedIn(written.map(({ element }) => element))
      const audienceOf = (id: ElementId) => audienceAt(agreed, id)?.parties
      const writing = new Writing({
        types: agreed.types,
        agreed: values,
        own: new Map(),
        audienceAt: audienceOf,
        newSalt,
        fileUnder: this.#documents.fileUnder(live),
      })
      for (const { change, element } of written) {
        if ('set' in change) writing.put(element, change.set)
        else if ('add' in change) writing.post(element, change.add)
        else if ('rename' in change) {
          writing.order({ type: 'RenameElement', element: element.id, name: fitElementName(change.rename) })
        } else if ('grant' in change) writing.order({ type: 'GrantElement', element: element.id, to: change.grant })
        else {
          const made = 'order' in change ? arrangement(element, change.order) : removal(element)
          for (const command of made.commands) writing.order(command)
        }
      }
      const { commands, payloads } = writing.changes()
      if (commands.length === 0) return { contract: uid, kind: 'unchanged' }
      const said = about && seal(about, newSalt())
      const asOne = said === undefined ? {} : { about: said.seal }
      const sealed = said === undefined ? payloads : { ...payloads, [said.seal]: said.payload }
      return this.#documents.submitOn(live, { asOne, commands, payloads: sealed }, wait)
    })
  }

  vote(
    uid: Uid,
    key: string,
    { vote, about }: { readonly vote: 'yes' | 'no'; readonly about?: About },
    wait: Wait,
  ): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'CastVote', request: requestOf(key), vote }], wait, about)
  }

  withdraw(uid: Uid, key: string, wait: Wait): Promise<RequestResult> {
    return this.#documents.command(uid, [{ type: 'WithdrawChangeSet', request: requestOf(key) }], wait)
  }

  async #shown({ about, index, request, voters, yes }: ChangeSet, { contract }: LiveContract): Promise<OpenChangeSet> {
    const refs = about === undefined ? [] : [{ group: groupOf(request), seal: about }]
    const held = await heldAbouts(this.#store.payloads, contract, refs)
    const said = withAbout(about === undefined ? {} : { about }, held)
    const key = requestKey(request)
    return {
      request: key,
      by: request.handle,
      state: 'open',
      ...said,
      proposedAt: index,
      voters,
      yes,
      waitsFor: missingVotes({ voters, yes }),
    }
  }
}

/** What would come of it with all its votes now. */
function verdictOn(set: ChangeSet, live: LiveContract, { now, turns }: Documents): Promise<Verdict> {
  const { agreed } = live.state.settling
  return withHistory(live, (state) => inTurns(changeSetVerdict(set, {}, state, agreed, now()), turns))
}

/** The document as it would be with an open change set. Throws NoSuchChangeSet, also where that would fall. */
export async function documentWith(key: string, live: LiveContract, documents: Documents): Promise<ContractState> {
  const set = changeSetNamed(live.state.settling.agreed.changeSets, requestOf(key))
  const verdict = set && (await verdictOn(set, live, documents))
  if (verdict?.kind === 'accepted') return verdict.state
  const evidence = { contract: live.contract, request: key }
  throw new NoSuchChangeSet('no_such_change_set', `no change set ${key} is open that would take effect`, evidence)
}
