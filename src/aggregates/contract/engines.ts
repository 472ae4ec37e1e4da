import type { Hash } from '../../crypto/hash.ts'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { EngineVersion } from '../../events/ids.ts'
import type { Request } from '../../events/statement.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { completed } from '../../runtime/turns.ts'
import type { DecideContext, Origin, Verdict } from './decider.ts'
import type { Engine } from './engine.ts'
import { engine1 } from './engine-1.ts'
import type { ContractState } from './state.ts'

/** Each changes little. */
const EVENTS_A_STEP = 64

/** A ledger goes on in an engine that is not here: nothing can be said about it. Evidence: `engine`, `engines` (those that are). */
export class EngineUnknown extends ConcordataError {
  readonly engine: EngineVersion

  constructor(engine: EngineVersion, engines: readonly EngineVersion[]) {
    const message = `the contract goes on in engine ${engine}; this software has ${engines.join(', ')}`
    super('engine_unknown', message, { engine, engines })
    this.engine = engine
  }
}

/**
 * The engines that somebody has, each of which judges its part of a ledger: the state before an entry names the one that judges
 * it, the state after it the one that hashes it. Everything here throws EngineUnknown where that one is missing.
 */
export class Engines {
  readonly #byVersion: ReadonlyMap<EngineVersion, Engine>

  /** Requires the first. */
  constructor(engines: readonly Engine[]) {
    this.#byVersion = new Map(engines.map((engine) => [engine.version, engine]))
  }

  get versions(): EngineVersion[] {
    return [...this.#byVersion.keys()]
  }

  of(version: EngineVersion): Engine {
    const engine = this.#byVersion.get(version)
    if (engine === undefined) throw new EngineUnknown(version, this.versions)
    return engine
  }

  /** The engine that a request would have the contract go on in, should it not be here. */
  missingFor(commands: Request['commands']): EngineVersion | undefined {
    const [command, ...others] = commands
    // Beside others the command is void.
    if (command?.type !== 'UpgradeEngine' || others.length > 0 || !('to' in command)) return undefined
    const { to } = command
    return typeof to === 'number' && !this.#byVersion.has(to) ? to : undefined
  }

  decideRequest(commands: Request['commands'], state: ContractState, context: DecideContext): Verdict {
    return completed(this.deciding(commands, state, context))
  }

  /** The same in steps. Whoever opens a contract names its engine; before that there is none. */
  *deciding(commands: Request['commands'], state: ContractState, context: DecideContext): Generator<void, Verdict> {
    const engine = this.of(state.isOpen ? state.engine : engineNamedBy(commands))
    const before = state.isOpen ? state : engine.initialState(state.contract)
    const verdict = yield* engine.deciding(commands, before, context)
    if (verdict.kind !== 'accepted') return verdict
    return { ...verdict, state: this.#handedOver(verdict.state, engine) }
  }

  /** What the events of an accepted entry make of the state before it. */
  evolve(state: ContractState, events: readonly ContractEvent[], origin: Origin): ContractState {
    return completed(this.evolving(state, events, origin))
  }

  /** The same in steps. */
  *evolving(state: ContractState, events: readonly ContractEvent[], origin: Origin): Generator<void, ContractState> {
    if (events.length === 0) return state
    const [first] = events
    const engine = this.of(first?.type === 'ContractOpened' ? first.engine : state.engine)
    let current = state.isOpen ? state : engine.initialState(state.contract)
    for (const [place, event] of events.entries()) {
      if (place > 0 && place % EVENTS_A_STEP === 0) yield
      current = yield* engine.evolving(current, event, origin)
    }
    return this.#handedOver(current, engine)
  }

  readsTime(state: ContractState): boolean {
    return state.isOpen && this.of(state.engine).readsTime(state)
  }

  recordHash(state: ContractState): Hash {
    return this.of(state.engine).recordHash(state)
  }

  /** In steps. */
  *hashingRecord(state: ContractState): Generator<void, Hash> {
    yield* this.of(state.engine).hashing(state)
    return this.recordHash(state)
  }

  #handedOver(state: ContractState, from: Engine): ContractState {
    return state.engine === from.version ? state : this.of(state.engine).adopt(state)
  }
}

/** What opens nothing is judged by the first engine, which says so. */
function engineNamedBy([first]: Request['commands']): EngineVersion {
  const named = first?.type === 'OpenContract' && 'engine' in first ? first.engine : undefined
  return typeof named === 'number' && Number.isSafeInteger(named) && named > 0 ? named : engine1.version
}

/** All that this software has. */
export const builtIn = new Engines([engine1])
