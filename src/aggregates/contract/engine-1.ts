import { deciding, tryChangeSet } from './decide.ts'
import { hashing } from './document/element-hash.ts'
import type { Engine } from './engine.ts'
import { evolve, evolving } from './evolve.ts'
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
  evolving,
  readsTime,
  recordHash,
  hashing: ({ document }) => hashing(document),
}
