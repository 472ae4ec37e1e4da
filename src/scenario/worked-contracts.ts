import slip from './reinsurance-slip.json' with { type: 'json' }
import { loadScenario, type Scenario } from './scenario.ts'

/** Three catastrophe layers are placed by the headings of a London market slip (Market Reform Contract), and endorsed. */
export function reinsuranceSlip(): Scenario {
  return loadScenario(slip)
}
