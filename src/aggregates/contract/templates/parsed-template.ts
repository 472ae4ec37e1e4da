import { utf8Length } from '../../../crypto/bytes.ts'
import { canonicalizing, canonicalJson } from '../../../crypto/canonical-json.ts'
import type { Hash } from '../../../crypto/hash.ts'
import type { CommandOf } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { type ElementId, type Handle, ordinalOf, parentIdOf, ROOT } from '../../../events/ids.ts'
import { ceilings } from '../../../events/limits.ts'
import type { PartyCard } from '../../../events/parties/party-card.ts'
import {
  isTemplate,
  TEMPLATE_DEPTH_MAX,
  TEMPLATE_MEMBERS_MAX,
  TEMPLATE_ORDINAL_MAX,
  TEMPLATE_ROOT,
  type Template,
} from '../../../events/template.ts'
import { unreachable } from '../../../runtime/assert.ts'
import { exceededBound } from '../../../runtime/json-bounds.ts'
import { completed } from '../../../runtime/turns.ts'
import type { CommandOutcome, DecideContext } from '../decider.ts'
import { defineType } from '../document/define-type.ts'
import { addBlock, addField } from '../document/elements.ts'
import { addList } from '../document/lists.ts'
import { evolve } from '../evolve.ts'
import { Rejection } from '../rejection.ts'
import { addRuleSet, draftRule } from '../rules/rule-commands.ts'
import { type ContractState, find, initialState } from '../state.ts'
import { setAudience } from '../values/audience.ts'
import { type Addition, additionOf } from './element-events.ts'
import { namedBy } from './rule-body.ts'
import { type HeldTemplate, heldTemplate, type TemplateBook } from './template-book.ts'

/** A template that has all that its form asks for. An immutable value. */
export interface ParsedTemplate {
  readonly template: Template
  /** The document that it is by itself: what was exported is the only child of the root, and parties are roles. */
  readonly document: ContractState
  /** What a contract has to have room for. */
  readonly needs: {
    /** How deep it goes, its first element included. */
    readonly levels: number
    readonly weight: number
    readonly nameCharacters: number
    readonly entriesPerList: number
    readonly ruleBytes: number
  }
  /** Whether a list in it has a key, and whether a rule in it computes values: neither goes with a confidential place. */
  readonly isKeyed: boolean
  readonly isComputing: boolean
  readonly owners: ReadonlySet<Handle>
}

/** Why a text is no template. `why`: a code, or the void code of the command that would do the same; `at`: an element, a rule, a role, a name. */
export class TemplateFault {
  readonly why: string
  readonly at: string | undefined

  constructor(why: string, at?: string) {
    this.why = why
    this.at = at
  }
}

/** Without the document, which takes the most room. */
export type KnownTemplate = Omit<ParsedTemplate, 'document'>

/** The same ones are compared and gone through again and again. */
const KEPT_MAX = 8
const kept = new Map<Hash, ParsedTemplate>()
/** Whoever brings the end of one that is none, again and again, has it gone through once. */
const FAULTS_MAX = 1_024
const faults = new Map<Hash, TemplateFault>()
/** As long as a contract has it: whoever imports many in turn has each gone through once. */
const known = new WeakMap<HeldTemplate, KnownTemplate>()

/** Of that hash, as a contract has it; undefined: it has none. */
export function templateNamed(book: TemplateBook, hash: Hash): KnownTemplate | undefined {
  const held = heldTemplate(book, hash)
  return held && templateOf(held)
}

/** Undefined: it is none, which only an entry that somebody has made up brings about; heads contradict that. */
export function templateOf(held: HeldTemplate): KnownTemplate | undefined {
  const before = known.get(held)
  if (before !== undefined) return before
  const parsed = completed(parsingTemplate(held.hash, held.text))
  if (parsed instanceof TemplateFault) return undefined
  const { document: _, ...template } = parsed
  known.set(held, template)
  return template
}

/** In steps. Requires the hash of the text. Attacker-controlled: `text`. */
export function* parsingTemplate(hash: Hash, text: string): Generator<void, ParsedTemplate | TemplateFault> {
  const before = kept.get(hash) ?? faults.get(hash)
  if (before !== undefined) return before
  const template = yield* formOf(text)
  const parsed = template instanceof TemplateFault ? template : yield* new Parsing(template).run()
  if (parsed instanceof TemplateFault) keep(faults, FAULTS_MAX, hash, parsed)
  else keep(kept, KEPT_MAX, hash, parsed)
  return parsed
}

/** In place of the oldest, where there are as many as can be. */
function keep<Parsed>(among: Map<Hash, Parsed>, most: number, hash: Hash, parsed: Parsed): void {
  for (const oldest of among.keys()) if (among.size >= most) among.delete(oldest)
  among.set(hash, parsed)
}

function* formOf(text: string): Generator<void, Template | TemplateFault> {
  const exceeded = exceededBound(text, { depthMax: TEMPLATE_DEPTH_MAX, membersMax: TEMPLATE_MEMBERS_MAX })
  if (exceeded !== undefined) return new TemplateFault('too_large', exceeded)
  yield
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return new TemplateFault('not_json')
  }
  yield
  if (!isTemplate(parsed)) return new TemplateFault('malformed')
  yield
  try {
    if ((yield* canonicalizing(parsed)) === text) return parsed
  } catch {
    // A lone surrogate.
  }
  return new TemplateFault('not_canonical')
}

/** Whose document it is while it is gone through: nobody's handle. */
const NOBODY = '-' as Handle
const ORIGIN = { index: 0, request: { handle: NOBODY, index: 0, seq: 0 } }
/** How many elements are gone through in one step. */
const STEP = 64

/** Goes through a template as through the commands that would make the same document: so it has nothing that a document cannot have. */
class Parsing {
  readonly #template: Template
  /** Roles that it names. */
  readonly #named = new Set<Handle>()
  readonly #owners = new Set<Handle>()
  #state: ContractState

  constructor(template: Template) {
    this.#template = template
    this.#state = emptyDocument(template)
  }

  *run(): Generator<void, ParsedTemplate | TemplateFault> {
    const fault =
      this.#types() ?? (yield* this.#elements()) ?? this.#orders() ?? (yield* this.#rules()) ?? this.#audiences()
    if (fault !== undefined) return fault
    const { elements, roles, rules } = this.#template
    const named = [...this.#named].sort()
    const other = [...roles, ...named].find((_, place) => roles[place] !== named[place])
    if (other !== undefined) return new TemplateFault('roles_unfit', other)
    return {
      document: this.#state,
      isComputing: rules.some(({ body }) => body.kind === 'assignment'),
      isKeyed: elements.some((element) => element.kind === 'list' && element.keyed),
      needs: yield* needsOf(this.#template, this.#state),
      owners: this.#owners,
      template: this.#template,
    }
  }

  /** Those that fields have, and no others. */
  #types(): TemplateFault | undefined {
    const { elements, types } = this.#template
    const used = new Set(
      elements.map((one) => one.kind === 'field' && one.field.type === 'custom' && one.field.definition),
    )
    for (const definition of types) {
      const decision = defineType({ type: 'DefineType', ...definition }, this.#state)
      const fault = this.#take(decision, definition.name)
      if (fault !== undefined) return fault
      const [defined] = decision as readonly Extract<ContractEvent, { type: 'TypeDefined' }>[]
      if (defined === undefined || !used.has(defined.definition))
        return new TemplateFault('type_unused', definition.name)
    }
    return undefined
  }

  *#elements(): Generator<void, TemplateFault | undefined> {
    const { elements } = this.#template
    for (let place = 0; place < elements.length; ) {
      const addition = additionOf(elements, place)
      if (addition === undefined) return new TemplateFault('list_unfit', elements[place]?.id)
      const fault = this.#add(addition, place)
      if (fault !== undefined) return fault
      for (const { owner } of elements.slice(place, place + addition.count)) {
        if (owner === null) continue
        this.#named.add(owner)
        this.#owners.add(owner)
      }
      place += addition.count
      if (place % STEP < addition.count) yield
    }
    return undefined
  }

  #add({ added, granted }: Addition, place: number): TemplateFault | undefined {
    const { element: id } = added
    const parentId = id === ROOT ? ROOT : parentIdOf(id)
    if (id === ROOT || (parentId === ROOT) !== (place === 0) || (place === 0 && id !== TEMPLATE_ROOT)) {
      return new TemplateFault('order_of_elements', id)
    }
    const parent = find(this.#state, parentId)
    if (parent === undefined) return new TemplateFault('no_such_element', parentId)
    // In pre-order: what an element belongs to has not ended.
    const previous = this.#template.elements[place - 1]?.id ?? ROOT
    if (previous !== parentId && !previous.startsWith(`${parentId}.`)) return new TemplateFault('order_of_elements', id)
    if (parent.kind === 'block' && (ordinalOf(id) < parent.children.slots || ordinalOf(id) > TEMPLATE_ORDINAL_MAX)) {
      return new TemplateFault('order_of_elements', id)
    }
    const decision = decided(added, parentId, this.#state, contextOf(this.#state, parent.owner))
    if (decision instanceof Rejection) return faultOf(decision, id)
    return this.#take([added, ...granted], id)
  }

  #orders(): TemplateFault | undefined {
    for (const element of this.#template.elements) {
      if (element.kind !== 'block' || element.order === undefined) continue
      const { id, order } = element
      const block = find(this.#state, id)
      const isThere = (ordinal: number) => block?.kind === 'block' && block.children.get(ordinal) !== undefined
      const isFit = order.length > 0 && new Set(order).size === order.length && order.every(isThere)
      if (!isFit) return new TemplateFault('order_unfit', id)
      this.#take([{ block: id, order, type: 'ChildrenArranged' }], id)
    }
    return undefined
  }

  *#rules(): Generator<void, TemplateFault | undefined> {
    const { rules, ruleSets } = this.#template
    for (const name of ruleSets) {
      const fault = this.#take(addRuleSet({ name, type: 'AddRuleSet' }, this.#state), name)
      if (fault !== undefined) return fault
    }
    let last = 0
    for (const { id, at, ruleSet, body } of rules) {
      if (id <= last) return new TemplateFault('order_of_rules', String(id))
      last = id
      for (const role of namedBy(body).parties) this.#named.add(role)
      const context = contextOf(this.#state, find(this.#state, at)?.owner ?? null)
      const fault = this.#take(draftRule({ at, body, ruleSet, type: 'DraftRule' }, this.#state, context), String(id))
      if (fault !== undefined) return fault
      yield
    }
    return undefined
  }

  #audiences(): TemplateFault | undefined {
    const seen = new Set<ElementId>()
    for (const audience of this.#template.audiences) {
      const { element: id, parties } = audience
      if (seen.has(id)) return new TemplateFault('audience_unfit', id)
      seen.add(id)
      for (const role of parties) this.#named.add(role)
      const context = contextOf(this.#state, find(this.#state, id)?.owner ?? null)
      const fault = this.#take(setAudience({ ...audience, type: 'SetAudience' }, this.#state, context), id)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  #take(decision: CommandOutcome, at: string): TemplateFault | undefined {
    if (decision instanceof Rejection) return faultOf(decision, at)
    for (const event of decision) this.#state = evolve(this.#state, event, ORIGIN)
    return undefined
  }
}

/** What its command would come to in the document as it is. */
function decided(
  added: Addition['added'],
  parent: ElementId,
  state: ContractState,
  context: DecideContext,
): CommandOutcome {
  const { name } = added
  switch (added.type) {
    case 'BlockAdded':
      return addBlock({ name, parent, type: 'AddBlock' }, state, context)
    case 'FieldAdded':
      return addField({ field: added.field, name, parent, type: 'AddField' }, state, context)
    case 'ListAdded': {
      const { entriesMax, entry, key } = added
      const command: CommandOf<'AddList'> & { parent: ElementId } = { entriesMax, entry, name, parent, type: 'AddList' }
      return addList(key === null ? command : { ...command, key }, state, context)
    }
    default:
      return unreachable(added)
  }
}

/** An open contract in which nothing is limited by more than what any contract can have. */
function emptyDocument({ from, roles }: Template): ContractState {
  const state = initialState(from.contract)
  return {
    ...state,
    isOpen: true,
    limits: { ...ceilings },
    // Whom an audience names is there.
    parties: { ...state.parties, members: roles.map((handle) => ({ admittedAt: 0, card: cardOf(handle) })) },
  }
}

function cardOf(role: Handle): PartyCard {
  return { did: '', handle: role, keys: { recovery: '', signing: '' }, name: role }
}

/** By whom it belongs to at each place: in a template nobody's rights are asked. */
function contextOf({ contract }: ContractState, author: Handle | null): DecideContext {
  return {
    ...ORIGIN,
    author: author ?? NOBODY,
    computedFrom: () => new Set(),
    contract,
    open: () => undefined,
    reveal: () => undefined,
    rootAt: () => undefined,
  }
}

function faultOf({ code, with: others }: Rejection, at: string): TemplateFault {
  // What a rule that has no meaning lacks says more than that.
  return new TemplateFault(code === 'rule_unfit' && others[0] !== undefined ? others[0] : code, at)
}

function* needsOf(
  { elements, rules }: Template,
  { document }: ContractState,
): Generator<void, ParsedTemplate['needs']> {
  const most = (counts: readonly number[]) => counts.reduce((one, other) => Math.max(one, other), 0)
  let [entriesPerList, levels, nameCharacters] = [0, 0, 0]
  for (const [place, element] of elements.entries()) {
    if (place % STEP === STEP - 1) yield
    if (element.kind === 'list') entriesPerList = Math.max(entriesPerList, element.entriesMax)
    levels = Math.max(levels, element.id.split('.').length - 1)
    nameCharacters = Math.max(nameCharacters, [...element.name].length)
  }
  return {
    entriesPerList,
    levels,
    nameCharacters,
    ruleBytes: most(rules.map(({ body }) => utf8Length(canonicalJson(body)))),
    // The root is the contract's.
    weight: document.weight - 1,
  }
}
