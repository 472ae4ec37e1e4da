import type { Configuration } from './configuration.ts'
import type { Machine } from './machine.ts'
import { Machines, type Step } from './machines.ts'
import { openingOf } from './opening.ts'
import { checkQuiet, checkTogether, checkView } from './oracle.ts'
import { Views } from './views.ts'
import { Violation } from './violation.ts'

export interface Report {
  readonly name: string
  /** Different states of the whole world. */
  readonly states: number
  readonly transitions: number
  /** The most steps that any state needs. */
  readonly depth: number
  /** States in which nothing can happen any more but faults and lost patience. */
  readonly quiet: number
  /** Different sets of statements that somebody held. */
  readonly views: number
  /** Whether it walked through all states. */
  readonly isComplete: boolean
  readonly seconds: number
}

/**
 * Walks through every state of a small world, the nearest first, and checks each. Throws Violation, with a shortest way to it.
 * `limit`: of states, after which it gives up.
 */
export function explore(configuration: Configuration, limit = Number.POSITIVE_INFINITY): Report {
  const began = performance.now()
  const { reaches } = configuration
  let isReached = reaches === undefined
  const views = new Views((view) => {
    checkView(view)
    isReached ||= reaches?.(view) === true
    const fault = configuration.law?.(view)
    if (fault !== undefined) throw new Violation(`the law of ${configuration.name}`, [fault])
  })
  const machines = new Machines(configuration, openingOf(configuration, views), views)
  const world = new World(configuration, machines)
  let transitions = 0
  let quiet = 0
  let current = 0
  for (; current < world.size && world.size <= limit; current++) {
    const state = world.machinesOf(current)
    try {
      let isQuiet = true
      for (const [place, step] of stepsFrom(state, machines, world.links)) {
        transitions++
        isQuiet &&= step.isOptional
        world.reach(current, state, place, step)
      }
      if (isQuiet) {
        quiet++
        if (world.isHonest) checkQuiet(state)
      }
    } catch (error) {
      throw error instanceof Violation ? error.after(world.wayTo(current)) : error
    }
  }
  const isComplete = current === world.size
  if (isComplete && !isReached) throw new Violation('a world reaches what it is there for', [configuration.name])
  return {
    name: configuration.name,
    states: world.size,
    transitions,
    depth: world.depth,
    quiet,
    views: views.size,
    isComplete,
    seconds: (performance.now() - began) / 1000,
  }
}

/** Every step of every machine, with its place at the table. */
function* stepsFrom(
  state: readonly Machine[],
  machines: Machines,
  links: readonly (readonly number[])[],
): Generator<[number, Step]> {
  for (const [place, machine] of state.entries()) {
    for (const step of machines.ownSteps(machine)) yield [place, step]
    for (const other of links[place] ?? []) {
      for (const step of machines.hearingSteps(machine, state[other] as Machine)) yield [place, step]
    }
  }
}

/** The states that were reached, in that order, and how. A state is the machines' ids. */
class World {
  /** By place at the table: the places from which it hears. */
  readonly links: readonly (readonly number[])[]
  readonly isHonest: boolean
  readonly #machines: Machines
  readonly #places = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #from: number[] = []
  readonly #actions: string[] = []
  readonly #depths: number[] = []
  readonly #together = new Set<string>()

  constructor({ seats, links }: Configuration, machines: Machines) {
    this.#machines = machines
    this.isHonest = seats.every(({ hostile }) => hostile !== true)
    const isLinked = (one: string, other: string) =>
      links === undefined || links.some((link) => link.includes(one) && link.includes(other))
    const places = [...seats.keys()]
    this.links = seats.map(({ name }, place) =>
      places.filter((other) => other !== place && isLinked(name, seats[other]?.name as string)),
    )
    this.#add(seats.map((seat) => machines.atStart(seat).id).join(), -1, 'start', 0)
  }

  get size(): number {
    return this.#keys.length
  }

  get depth(): number {
    return this.#depths.at(-1) as number
  }

  machinesOf(state: number): Machine[] {
    return (this.#keys[state] as string).split(',').map((id) => this.#machines.get(Number(id)))
  }

  /** Takes up, and checks, the state to which a step leads. */
  reach(from: number, before: readonly Machine[], place: number, { action, machine }: Step): void {
    const after = before.with(place, machine)
    const key = after.map(({ id }) => id).join()
    if (this.#places.has(key)) return
    this.#add(key, from, action, (this.#depths[from] as number) + 1)
    try {
      for (const other of after) this.#check(machine, other)
    } catch (error) {
      throw error instanceof Violation ? new Violation(error.law, [...error.evidence, `by: ${action}`]) : error
    }
  }

  wayTo(state: number): string[] {
    const way: string[] = []
    for (let at = state; at > 0; at = this.#from[at] as number) way.push(this.#actions[at] as string)
    return way.reverse()
  }

  #add(key: string, from: number, action: string, depth: number): void {
    this.#places.set(key, this.#keys.length)
    this.#keys.push(key)
    this.#from.push(from)
    this.#actions.push(action)
    this.#depths.push(depth)
  }

  #check(changed: Machine, other: Machine): void {
    if (changed.seat.hostile || other.seat.hostile) return
    const pair = `${changed.id} ${other.id}`
    if (this.#together.has(pair)) return
    this.#together.add(pair)
    checkTogether(changed, other)
    checkTogether(other, changed)
  }
}
