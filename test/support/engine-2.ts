import type { Engine } from '../../src/aggregates/contract/engine.ts'
import { engine1 } from '../../src/aggregates/contract/engine-1.ts'
import { Engines } from '../../src/aggregates/contract/engines.ts'
import type { ContractState } from '../../src/aggregates/contract/state.ts'
import { hashJson } from '../../src/crypto/hash.ts'
import type { VoidCode, VoidReason } from '../../src/events/outcome.ts'
import type { Request } from '../../src/events/statement.ts'
import { completed } from '../../src/runtime/turns.ts'

/** What no name begins with any more in engine 2. */
export const RESERVED = 'x-'
/** The code that engine 1 does not have. */
export const NAME_RESERVED = 'name_reserved' as VoidCode

/** What engine 2 keeps beside what engine 1 does: how many elements it has added. Nothing there when it takes over. */
interface State2 extends ContractState {
  readonly addedByEngine2?: number
}

/**
 * An engine as a later version might bring it: one more void code, a state of its own, which it makes when it takes over, and a
 * record hash over that too. Whoever asks the wrong engine for any of these comes to other bytes.
 */
export const engine2: Engine = {
  version: 2,
  initialState: (contract) => fresh({ ...engine1.initialState(contract), engine: 2 }),
  adopt: fresh,
  *deciding(commands, state, context) {
    const command = commands.findIndex(isReserved)
    if (command >= 0) return { kind: 'void', reason: { code: NAME_RESERVED, command } satisfies VoidReason }
    const verdict = yield* engine1.deciding(commands.map(asOfEngine1), state, context)
    if (verdict.kind !== 'accepted') return verdict
    const events = verdict.events.map((event) => (event.type === 'ContractOpened' ? { ...event, engine: 2 } : event))
    return { ...verdict, events, state: events.reduce((on, event) => engine2.evolve(on, event, context), state) }
  },
  tryChangeSet: engine1.tryChangeSet,
  readsTime: engine1.readsTime,
  evolve: (state, event, origin) => completed(engine2.evolving(state, event, origin)),
  *evolving(state, event, origin) {
    const isAdded = event.type === 'BlockAdded' || event.type === 'FieldAdded'
    const { addedByEngine2 = 0 } = state as State2
    const evolved = yield* engine1.evolving(state, event, origin)
    return { ...evolved, addedByEngine2: addedByEngine2 + (isAdded ? 1 : 0) } as State2
  },
  hashing: engine1.hashing,
  recordHash(state) {
    const { addedByEngine2 = null } = state as State2
    return hashJson('record', { engine1: engine1.recordHash(state), addedByEngine2 })
  },
}

/** Of a node of the next version. */
export const both = new Engines([engine1, engine2])

/** As whoever has not taken the newer version yet. */
export const onlyFirst = new Engines([engine1])

function fresh(state: ContractState): ContractState {
  return { ...state, addedByEngine2: 0 } as State2
}

/** To open a contract is the only thing that is spelt otherwise. */
function asOfEngine1(command: Request['commands'][number]): Request['commands'][number] {
  const isOfEngine2 = command.type === 'OpenContract' && 'engine' in command && command.engine === 2
  return isOfEngine2 ? Object.assign({}, command, { engine: 1 }) : command
}

function isReserved(command: Request['commands'][number]): boolean {
  return 'name' in command && typeof command.name === 'string' && command.name.startsWith(RESERVED)
}
