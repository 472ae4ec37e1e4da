import type { Element } from '../../aggregates/contract/document/element.ts'
import { withHistory } from '../../agreement/history/looking-back.ts'
import type { AgreementState } from '../../agreement/state.ts'
import { type LiveDocument, liveDocument, type OnItsWay } from '../../agreement/trials/live-document.ts'
import type { LiveContract } from '../../contracts/replica/live-contract.ts'
import { standingOfRequest, type WaitsFor } from '../../contracts/requests/progress.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import { type Handle, type LedgerIndex, requestKey, type Uid } from '../../events/ids.ts'
import { inTurns, type Turns } from '../../runtime/turns.ts'
import type { PayloadStore } from '../../store/port.ts'
import { AgreedView, type HeldPayloads } from '../agreed-view.ts'
import { pathTo } from '../path.ts'
import { changedPath, concerns } from './watched.ts'

/** A change that has not settled. */
export interface Tentative {
  readonly request: string
  readonly by: Handle
  /** Left out: it has no place in the ledger yet. */
  readonly index?: LedgerIndex
  /** What it changes at and below the element, or above it by taking that away; the names that the live view has. */
  readonly at: readonly string[]
  readonly waitsFor?: WaitsFor
}

/** An element as it will be if everybody agrees to all that is held here, and what of that is not agreed yet. */
export interface ShownLive {
  /** As `AgreedView.valueOf`; left out: the element is not there any more, or not yet. */
  readonly value?: unknown
  /** In ledger order. None: it is what has settled. */
  readonly tentative: readonly Tentative[]
  /** False: more is on its way than was counted. */
  readonly isWhole: boolean
}

export interface LiveViewPorts {
  readonly payloads: PayloadStore
  readonly turns: Turns | undefined
}

/** `element` of the live view by its names; undefined where neither that nor what is tentative has it. Throws NoSuchPath. */
export async function liveView(
  names: readonly string[],
  live: LiveContract,
  ports: LiveViewPorts,
): Promise<ShownLive | undefined> {
  return withHistory(live, (state) => shownLive(names, live.contract, state, ports))
}

async function shownLive(
  names: readonly string[],
  contract: Uid,
  state: AgreementState,
  { payloads, turns }: LiveViewPorts,
): Promise<ShownLive | undefined> {
  const { document, isWhole, onTheirWay } = await liveDocumentOf(state, turns)
  const held = withComputed(payloads, onTheirWay)
  const view = new AgreedView(document, contract, held, turns)
  const element: Element | undefined = await view.locate(names)
  const tentative: Tentative[] = []
  for (const step of onTheirWay) {
    const at = new Set<string>()
    for (const event of step.events) {
      if (turns?.isOver === true) await turns.next()
      const isConcerned = concerns(event, names, step, { contract, payloads: held })
      if (isConcerned !== false && (await isConcerned)) at.add(pathTo(changedPath(event, step)))
    }
    if (at.size === 0) continue
    const { index, request } = step
    const waitsFor = standingOfRequest(state, request, undefined)?.waitsFor
    const place = index === undefined ? {} : { index }
    const common = { request: requestKey(request), by: request.handle, ...place, at: [...at] }
    tentative.push({ ...common, ...(waitsFor && { waitsFor }) })
  }
  if (element !== undefined) return { value: await view.valueOf(element), tentative, isWhole }
  return tentative.length === 0 ? undefined : { tentative, isWhole }
}

const decided = new WeakMap<AgreementState, Promise<LiveDocument>>()

/** Decided once for as long as nothing more is held, however many ask for it. Rejects with HistoryPruned. */
function liveDocumentOf(state: AgreementState, turns: Turns | undefined): Promise<LiveDocument> {
  const known = decided.get(state)
  if (known !== undefined) return known
  const made = inTurns(liveDocument(state), turns)
  decided.set(state, made)
  made.catch(() => decided.delete(state))
  return made
}

/** What rules have computed, or would, is not in the store before it has settled. */
function withComputed(payloads: PayloadStore, steps: readonly OnItsWay[]): HeldPayloads {
  const computed = new Map<Hash, string>()
  for (const step of steps) {
    for (const [seal, payload] of step.computed) computed.set(seal, canonicalJson(payload))
  }
  return {
    async get(contract: Uid, refs) {
      const found = await payloads.get(contract, refs)
      for (const { seal } of refs) {
        const text = found.get(seal) ?? computed.get(seal)
        if (text !== undefined) found.set(seal, text)
      }
      return found
    },
  }
}
