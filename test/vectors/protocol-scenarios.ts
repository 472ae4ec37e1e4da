import { documentPlays } from './document-scenarios.ts'
import { hostilePlays } from './hostile-scenarios.ts'
import { memberPlays } from './member-scenarios.ts'
import type { Play } from './protocol-play.ts'
import { requestPlays } from './request-scenarios.ts'
import { ruledPlays } from './rule-scenarios.ts'
import { valuePlays } from './value-scenarios.ts'

/** All that is played, a vector each. */
export const plays: Readonly<Record<string, Play>> = {
  ...memberPlays,
  ...documentPlays,
  ...requestPlays,
  ...valuePlays,
  ...hostilePlays,
  ...ruledPlays,
}
