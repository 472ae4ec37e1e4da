import type { AccessPorts } from '../../http/callers/authenticate.ts'
import type { LiveCallers } from './callers.ts'
import type { LiveHub } from './hub.ts'
import type { States } from './states.ts'
import type { TellingPorts } from './telling.ts'

/** What the ways of being told share. */
export interface LiveParts {
  readonly hub: LiveHub
  readonly callers: LiveCallers
  readonly states: States
}

export type LivePorts = AccessPorts & TellingPorts
