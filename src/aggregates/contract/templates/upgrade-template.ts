import { canonicalJson } from '../../../crypto/canonical-json.ts'
import type { CommandOf } from '../../../events/commands.ts'
import type { ContractEvent } from '../../../events/contract-events.ts'
import { type ElementId, type Handle, ordinalOf, parentIdOf } from '../../../events/ids.ts'
import {
  TEMPLATE_ORDINAL_MAX,
  TEMPLATE_ROOT,
  type TemplateElement,
  type TemplateRule,
} from '../../../events/template.ts'
import { definitionHash } from '../../../events/type-definition.ts'
import type { CommandContext, CommandOutcome, DecideContext } from '../decider.ts'
import { nameProblem } from '../document/elements.ts'
import { evolve } from '../evolve.ts'
import { Rejection } from '../rejection.ts'
import { ruleNumbered } from '../rules/rule-book.ts'
import { draftRule, editRule } from '../rules/rule-commands.ts'
import { type ContractState, find, membersOf } from '../state.ts'
import { ownerOutside, setAudience } from '../values/audience.ts'
import { audienceAt } from '../values/effective-audience.ts'
import { needsProblem, roleProblem, takenFrom } from './import-template.ts'
import { elementsFrom, ownerOf, partiesOf } from './imported-events.ts'
import { type KnownTemplate, templateNamed } from './parsed-template.ts'
import { namedBy, renamed } from './rule-body.ts'
import { placeOf, type TemplateUse, type UpgradeVote, useAt } from './template-book.ts'
import { differing, type TemplateDiff } from './template-diff.ts'

/** The author's vote; with that of the last member what came from one template goes on as another one has it. In steps. */
export function* upgradingTemplate(
  { element, from, to, roles }: CommandOf<'UpgradeTemplate'>,
  state: ContractState,
  context: CommandContext,
): Generator<void, CommandOutcome> {
  const use = useAt(state.templates, element)
  if (use === undefined || use.template !== from) return new Rejection('not_of_template', [element, from])
  if (from === to) return new Rejection('template_unchanged', [to])
  const [before, after] = [from, to].map((hash) => templateNamed(state.templates, hash))
  if (before === undefined || after === undefined) return new Rejection('no_such_template', [to])
  const vote: UpgradeVote = { by: context.author, roles, to }
  const votes = [...use.votes.filter(({ by }) => by !== vote.by), vote]
  const isSame = (other: UpgradeVote) => other.to === to && canonicalJson(other.roles) === canonicalJson(roles)
  const areAll = membersOf(state).every(({ card }) => votes.some((one) => one.by === card.handle && isSame(one)))
  const isRepeated = use.votes.some((other) => other.by === vote.by && isSame(other))
  // Whoever was waited for may have gone: then it takes one more word of somebody.
  if (isRepeated && !areAll) return new Rejection('already_voted')
  const diff = yield* differing(before.template, after.template)
  const upgraded = yield* new Upgrade(use, after, diff, vote, state, context).run()
  if (upgraded instanceof Rejection) return upgraded
  const voted: ContractEvent = { by: vote.by, element, from, roles, to, type: 'TemplateUpgradeVoted' }
  return areAll ? [voted, ...upgraded] : [voted]
}

/** What an upgrade makes of a document, part by part, each on what those before it have made. */
class Upgrade {
  readonly #use: TemplateUse
  readonly #to: KnownTemplate
  readonly #vote: UpgradeVote
  readonly #context: DecideContext
  readonly #diff: TemplateDiff
  readonly #moved: Way[] = []
  /** All that have been moved, by what they are in the template, with their order. */
  readonly #movedBy = new Map<ElementId, { readonly nth: number; readonly way: Way }>()
  #moves = 0
  readonly #rules: (readonly [number, number])[] = []
  readonly #events: ContractEvent[] = []
  #state: ContractState

  constructor(
    use: TemplateUse,
    to: KnownTemplate,
    diff: TemplateDiff,
    vote: UpgradeVote,
    state: ContractState,
    context: DecideContext,
  ) {
    this.#use = use
    this.#to = to
    this.#vote = vote
    this.#state = state
    this.#context = context
    this.#diff = diff
    for (const [id, at] of use.moved) this.#move(id, at)
  }

  *run(): Generator<void, CommandOutcome> {
    return (
      this.#unfit() ??
      (yield* this.#types()) ??
      (yield* this.#remove()) ??
      (yield* this.#rename()) ??
      (yield* this.#add()) ??
      (yield* this.#grant()) ??
      (yield* this.#arrange()) ??
      (yield* this.#audiences()) ??
      (yield* this.#changeRules()) ??
      this.#tooMuch() ??
      this.#finished()
    )
  }

  #unfit(): Rejection | undefined {
    const { removed, renamed: called, replaced, granted, audiences, rules, ruleSets } = this.#diff
    if (replaced.some(({ to }) => to.id === TEMPLATE_ROOT)) return new Rejection('template_unfit', [TEMPLATE_ROOT])
    const changes = [removed, called, replaced, granted, audiences, ruleSets, rules.added, rules.changed, rules.removed]
    // Rules in force may name what goes, and stay as they are.
    if (this.#state.phase === 'live' && changes.some(({ length }) => length > 0)) return new Rejection('rules_in_force')
    return roleProblem(this.#to.template, this.#vote.roles, this.#state) ?? needsProblem(this.#to, this.#state)
  }

  *#types(): Generator<void, Rejection | undefined> {
    const taken = takenFrom(this.#to.template, this.#state)
    if (taken instanceof Rejection) return taken
    for (const { base, constraint, hints, name } of this.#to.template.types) {
      yield
      const definition = definitionHash({ base, constraint, hints, name })
      if (taken.types.includes(definition))
        this.#take({ base, constraint, definition, hints, name, type: 'TypeDefined' })
    }
    const { newRuleSets, ruleSets } = taken
    for (const [place, number] of ruleSets.entries()) {
      const name = this.#to.template.ruleSets[place] as string
      if (number >= newRuleSets) this.#take({ name, ruleSet: number, type: 'RuleSetAdded' })
    }
    return undefined
  }

  /** What its parties have removed themselves is gone already. */
  *#remove(): Generator<void, undefined> {
    const { removed, replaced } = this.#diff
    for (const { id } of [...removed, ...replaced.map(({ from }) => from)]) {
      yield
      const element = this.#placed(id)
      if (find(this.#state, element) !== undefined) this.#take({ element, type: 'ElementRemoved' })
    }
  }

  *#rename(): Generator<void, Rejection | undefined> {
    for (const { element: id, to: name } of this.#diff.renamed) {
      yield
      const element = find(this.#state, this.#placed(id))
      const parent = element && find(this.#state, parentIdOf(element.id))
      if (element === undefined || parent?.kind !== 'block' || element.name === name) continue
      const problem = nameProblem(name, parent, this.#state, element.id)
      if (problem !== undefined) return problem
      this.#take({ element: element.id, name, type: 'ElementRenamed' })
    }
    return undefined
  }

  /** Each with all below it, where the block that it belongs to is there. */
  *#add(): Generator<void, Rejection | undefined> {
    const { added, replaced } = this.#diff
    const { elements } = this.#to.template
    const fresh = new Set([...added, ...replaced.map(({ to }) => to)])
    for (const [place, element] of elements.entries()) {
      if (!fresh.has(element)) continue
      yield
      const { id, name } = element
      const parent = find(this.#state, this.#placed(parentIdOf(id)))
      if (parent?.kind !== 'block') continue
      const problem = nameProblem(name, parent, this.#state)
      if (problem !== undefined) return problem
      const { slots } = parent.children
      const ordinal = Math.max(ordinalOf(id), slots)
      if (ordinal > TEMPLATE_ORDINAL_MAX) return new Rejection('limit_exceeded', ['elements'])
      const at = `${parent.id}.${ordinal}` as ElementId
      if (at !== this.#placed(id)) {
        this.#moved.push([id, at])
        this.#move(id, at)
      }
      let end = place + 1
      while (elements[end]?.id.startsWith(`${id}.`)) end++
      const part = elements.slice(place, end)
      const outside = this.#confidential(part, parent.id)
      if (outside !== undefined) return outside
      for (const event of elementsFrom(part, 0, part.length, (one) => this.#placed(one), this.#vote.roles)) {
        this.#take(event)
        yield
      }
    }
    return undefined
  }

  /** Below a confidential block: whoever owns something there is in its audience, and no key stands there. */
  #confidential(part: readonly TemplateElement[], parent: ElementId): Rejection | undefined {
    if (audienceAt(this.#state, parent) === undefined) return undefined
    for (const element of part) {
      if (element.kind === 'list' && element.keyed) return new Rejection('key_confidential', [parent])
      const outside = ownerOutside(ownerOf(element.owner, this.#vote.roles), parent, this.#state)
      if (outside !== undefined) return outside
    }
    return undefined
  }

  *#grant(): Generator<void, Rejection | undefined> {
    for (const { element: id, to } of this.#diff.granted) {
      yield
      const element = this.#placed(id)
      if (find(this.#state, element) === undefined) continue
      const owner = ownerOf(to, this.#vote.roles)
      const outside = ownerOutside(owner, element, this.#state)
      if (outside !== undefined) return outside
      this.#take({ element, to: owner, type: 'ElementGranted' })
    }
    return undefined
  }

  *#arrange(): Generator<void, undefined> {
    for (const { element, order } of this.#diff.arranged) {
      yield
      const block = find(this.#state, this.#placed(element))
      if (block?.kind !== 'block') continue
      const there = order
        .map((ordinal) => this.#placed(`${element}.${ordinal}` as ElementId))
        .filter((child) => find(this.#state, child) !== undefined)
      this.#take({ block: block.id, order: there.map(ordinalOf), type: 'ChildrenArranged' })
    }
  }

  *#audiences(): Generator<void, Rejection | undefined> {
    const { roles } = this.#vote
    const added = new Set([...this.#diff.added, ...this.#diff.replaced.map(({ to }) => to)].map(({ id }) => id))
    const fresh = this.#to.template.audiences.flatMap(({ element, parties, until }) => {
      const isNew = withAllAbove(element).some((id) => added.has(id))
      return isNew ? { element, from: null, to: parties, ...(until !== undefined && { until }) } : []
    })
    for (const { element: id, to, until } of [...this.#diff.audiences, ...fresh]) {
      yield
      const element = find(this.#state, this.#placed(id))
      if (element === undefined) continue
      const parties = to && partiesOf(to, roles)
      const command = {
        element: element.id,
        parties,
        type: 'SetAudience',
        ...(until !== undefined && { until }),
      } as const
      const decision = setAudience(command, this.#state, { ...this.#context, author: element.owner ?? this.#vote.by })
      if (decision instanceof Rejection) return decision
      for (const event of decision) this.#take(event)
    }
    return undefined
  }

  /** They have the votes of nobody but the author's. */
  *#changeRules(): Generator<void, Rejection | undefined> {
    const { added, changed, removed } = this.#diff.rules
    const numbers = new Map(this.#use.rules)
    const isThere = (number: number | undefined): number is number =>
      number !== undefined && ruleNumbered(this.#state.rules, number) !== undefined
    const isElsewhere = (id: ElementId) => placeOf(this.#use, id) !== this.#placed(id)
    for (const { id } of removed) {
      const rule = numbers.get(id)
      if (isThere(rule)) this.#take({ rule, type: 'RuleRemoved' })
    }
    for (const rule of this.#to.template.rules) {
      yield
      const number = numbers.get(rule.id)
      const change = changed.find(({ to }) => to.id === rule.id)
      // What says the same may name what another element has come in place of.
      const isNamingOther =
        isThere(number) && (isElsewhere(rule.at) || [...namedBy(rule.body).elements].some(isElsewhere))
      if (change === undefined && !isNamingOther && !added.includes(rule)) {
        if (number !== undefined) this.#rules.push([rule.id, number])
        continue
      }
      const isMoved = isElsewhere(rule.at) || (change !== undefined && change.from.at !== rule.at)
      if (isThere(number) && isMoved) this.#take({ rule: number, type: 'RuleRemoved' })
      const problem = this.#say(rule, isThere(number) && !isMoved ? number : undefined)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  /** As a draft, or, with a number, in place of what that rule says. */
  #say({ id, at, body, ruleSet }: TemplateRule, rule: number | undefined): Rejection | undefined {
    const { roles, by } = this.#vote
    const numberOf = (place: number) => this.#ruleSetNamed(this.#to.template.ruleSets[place - 1] as string)
    const place = this.#placed(at)
    const said = {
      body: renamed(body, {
        element: (one) => this.#placed(one),
        party: (role) => roles[role] as Handle,
        ruleSet: numberOf,
      }),
      ruleSet: ruleSet === null ? null : numberOf(ruleSet),
    }
    const context = { ...this.#context, author: find(this.#state, place)?.owner ?? by }
    const decision =
      rule === undefined
        ? draftRule({ at: place, ...said, type: 'DraftRule' }, this.#state, context)
        : editRule({ rule, ...said, type: 'EditRule' }, this.#state, context)
    if (decision instanceof Rejection) return decision
    for (const event of decision) {
      if (event.type !== 'RuleDrafted' && event.type !== 'RuleEdited') continue
      this.#take({ ...event, by })
      this.#rules.push([id, event.rule])
    }
    return undefined
  }

  #ruleSetNamed(name: string): number {
    return this.#state.rules.ruleSets.find((ruleSet) => ruleSet.name === name)?.id as number
  }

  /** As it is with all that it adds. */
  #tooMuch(): Rejection | undefined {
    const { document, limits } = this.#state
    if (document.weight > limits.elements) return new Rejection('limit_exceeded', ['elements'])
    const depth = (id: ElementId) => id.split('.').length - 1
    const isTooDeep = this.#to.template.elements.some(({ id }) => depth(this.#placed(id)) > limits.treeDepth)
    return isTooDeep ? new Rejection('limit_exceeded', ['treeDepth']) : undefined
  }

  #finished(): readonly ContractEvent[] {
    const { element, template: from } = this.#use
    const { roles, to } = this.#vote
    const upgraded = { element, from, moved: this.#moved, roles, rules: this.#rules, to } as const
    return [...this.#events, { ...upgraded, type: 'TemplateUpgraded' }]
  }

  /** As `placeOf`, however many have been moved. */
  #placed(id: ElementId): ElementId {
    const above = withAllAbove(id).flatMap((from) => this.#movedBy.get(from) ?? [])
    return placeOf(
      { element: this.#use.element, moved: above.sort((one, other) => one.nth - other.nth).map(({ way }) => way) },
      id,
    )
  }

  #move(...way: Way): void {
    this.#movedBy.set(way[0], { nth: this.#moves++, way })
  }

  #take(event: ContractEvent): undefined {
    this.#events.push(event)
    this.#state = evolve(this.#state, event, this.#context)
  }
}

/** From what it is in the template to where it stands. */
type Way = readonly [ElementId, ElementId]

function withAllAbove(id: ElementId): ElementId[] {
  const all = [id]
  for (let end = id.lastIndexOf('.'); end > 0; end = id.lastIndexOf('.', end - 1))
    all.push(id.slice(0, end) as ElementId)
  return all
}
