import { deciding, tryChangeSet } from './decide.ts'
import type { Engine } from './engine.ts'
import { evolve } from './evolve.ts'
import { recordHash } from './record-hash.ts'
import { readsTime } from './rules/rules-in-force.ts'
import { initialState } from './state.ts'

export const engine1: Engine = {
  version: 1,
  initialState,
  // No engine is before it.
  adopt: (state) => state,
  deciding,
  tryChangeSet,
  evolve,
  readsTime,
  recordHash,
}
