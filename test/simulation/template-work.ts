import { childrenOf } from '../../src/aggregates/contract/document/element.ts'
import { type ContractState, find, memberOf } from '../../src/aggregates/contract/state.ts'
import { type Exported, exportingTemplate } from '../../src/aggregates/contract/templates/export-template.ts'
import type { HeldState } from '../../src/agreement/state.ts'
import type { ElementId, Handle } from '../../src/events/ids.ts'
import { completed } from '../../src/runtime/turns.ts'
import type { Run } from './run.ts'
import type { SeededRandom } from './seeded-random.ts'

/** More of them, and a run is about nothing else. */
const USES_MAX = 4
const CLAUSES_MAX = 8

interface Command {
  readonly type: string
  readonly [key: string]: unknown
}

/** Of which templates a member has brought the beginning. */
export type Begun = Map<Handle, Exported>

/**
 * What a member does about templates: it goes on with what it has begun to bring, votes that what came from another one is upgraded to
 * the newest, imports that, has the block that all are made of grow, or begins to bring it as it is now. Now and then it leaves the rest out, or takes
 * away what was imported.
 */
export function templateWork(
  { ledger }: HeldState,
  self: Handle,
  model: ElementId,
  random: SeededRandom,
  begun: Begun,
): Command | undefined {
  const { document } = ledger
  const block = find(document, model)
  if (memberOf(document, self) === undefined || block?.kind !== 'block') return undefined
  const { arriving, held, uses } = document.templates
  const begunHere = begun.get(self)
  const own = arriving.find(({ by, hash }) => by === self && hash === begunHere?.hash)
  if (own !== undefined && begunHere !== undefined && random.chance(0.7)) return piece(begunHere, own.arrived)
  const newest = held.at(-1)?.hash
  const old = uses.find(
    ({ template, votes }) => template !== newest && !votes.some(({ by, to }) => by === self && to === newest),
  )
  if (newest !== undefined && old !== undefined && random.chance(0.7)) {
    return { type: 'UpgradeTemplate', element: old.element, from: old.template, roles: {}, to: newest }
  }
  if (newest !== undefined && uses.length < USES_MAX && random.chance(0.4)) {
    return { type: 'ImportTemplate', at: '0', hash: newest, name: `use ${self} ${ledger.log.size}`, roles: {} }
  }
  const last = uses.at(-1)
  if (last !== undefined && random.chance(0.06)) return { type: 'RemoveElement', element: last.element }
  if ([...childrenOf(block)].length < CLAUSES_MAX && random.chance(0.3)) {
    return { type: 'AddField', parent: model, name: `clause ${self} ${ledger.log.size}`, field: { type: 'text' } }
  }
  return bringsModel(document, ledger, self, model, random, begun)
}

function bringsModel(
  document: ContractState,
  { log }: HeldState['ledger'],
  self: Handle,
  element: ElementId,
  random: SeededRandom,
  begun: Begun,
): Command | undefined {
  const exported = completed(exportingTemplate(document, { element, root: log.root(), size: log.size }))
  if ('problem' in exported) return undefined
  begun.set(self, exported)
  return piece(exported, 0, random.chance(0.5) ? Math.ceil(exported.text.length / 2) : undefined)
}

/** Its characters are bytes: names of the simulator have no others. */
function piece({ hash, text }: Exported, from: number, end = text.length): Command {
  return { type: 'BringTemplate', bytes: text.length, from, hash, text: text.slice(from, end) }
}

/** The block that templates are made of: behind all others that the founder adds. */
export function modelBlock({ options: { attachments, audiences, fields, rules } }: Run): ElementId {
  const before = [rules, audiences, attachments].filter((share) => share > 0).length
  return `0.${fields + 1 + before}` as ElementId
}
