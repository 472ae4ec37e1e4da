import type { ContractEvent } from '../../events/contract-events.ts'
import type { ElementId } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import type { CommandContext, DecideContext, DecidedInSteps, Origin } from './decider.ts'
import { evolve, evolving } from './evolve.ts'
import { commandFrom, type ResolvedCommand } from './parse-command.ts'
import { Rejection } from './rejection.ts'
import type { Authority } from './rules/authority.ts'
import type { ContractState } from './state.ts'

/** Of a request, as it has them. */
export type Commands = readonly Request['commands'][number][]

/** How the commands of a request are carried out: those of a change set, at its last YES, in another way than by their author. */
export interface Way {
  readonly authority: Authority | undefined
  readonly isAgreedAsOne: boolean
  /** Before each of them is decided. */
  readonly check: (command: ResolvedCommand) => Rejection | undefined
  readonly decide: Decide
  /** The entry in which the events stand. */
  readonly origin: Origin
}

export type Decide = (command: ResolvedCommand, state: ContractState, context: CommandContext) => DecidedInSteps

/** Most commands have one or two events. */
const EVENTS_A_STEP = 64
const COMMANDS_A_STEP = 16

export interface CarriedOut {
  readonly events: readonly ContractEvent[]
  /** The document after them. */
  readonly state: ContractState
}

/** One of the commands, by its place, does not let the others take effect. */
export interface Stopped {
  readonly kind: 'stopped'
  readonly rejection: Rejection
  readonly place: number
}

/** What the commands come to by their own checks, each seeing what those before it did; in steps. */
export function* carryOut(
  commands: Commands,
  state: ContractState,
  context: DecideContext,
  { authority, isAgreedAsOne, check, decide, origin }: Way,
): Generator<void, ({ readonly kind: 'done' } & CarriedOut) | Stopped> {
  const events: ContractEvent[] = []
  const added: (ElementId | undefined)[] = []
  let current = state
  for (const [place, envelope] of commands.entries()) {
    if (place > 0 && place % COMMANDS_A_STEP === 0) yield
    const command = commandFrom(envelope, commands.length, added)
    const decided: DecidedInSteps =
      command instanceof Rejection
        ? command
        : (check(command) ?? decide(command, current, { ...context, authority, isAgreedAsOne, place }))
    const decision = 'next' in decided ? yield* decided : decided
    if (decision instanceof Rejection) return { kind: 'stopped', rejection: decision, place }
    for (const [nth, event] of decision.entries()) {
      current =
        event.type === 'TemplateImported' ? yield* evolving(current, event, origin) : evolve(current, event, origin)
      if (nth > 0 && nth % EVENTS_A_STEP === 0) yield
    }
    events.push(...decision)
    added.push(elementAddedBy(decision))
  }
  return { kind: 'done', events, state: current }
}

function elementAddedBy(events: readonly ContractEvent[]): ElementId | undefined {
  const [first] = events
  switch (first?.type) {
    case 'BlockAdded':
    case 'FieldAdded':
    case 'ListAdded':
    case 'EntryAdded':
    case 'TemplateImported':
      return first.element
    default:
      return undefined
  }
}
