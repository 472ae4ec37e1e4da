import { NameRules } from './name-rules.ts'
import { unicode15_1 } from './unicode-15.1.ts'

/** The rules of engine 1 for names: Unicode 15.1, which every supported runtime has. Once released, never changed. */
export const nameRules = new NameRules(unicode15_1)
