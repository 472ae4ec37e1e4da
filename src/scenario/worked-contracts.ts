import agreement from './binding-authority.json' with { type: 'json' }
import hire from './car-hire-agreement.json' with { type: 'json' }
import slip from './reinsurance-slip.json' with { type: 'json' }
import { loadScenario, type Scenario } from './scenario.ts'
import records from './shared-records.json' with { type: 'json' }

/** Three catastrophe layers are placed by the headings of a London market slip (Market Reform Contract), and endorsed. */
export function reinsuranceSlip(): Scenario {
  return loadScenario(slip)
}

/** A coverholder binds risks within its authority, which the slip reinsures: `{"$contract": "reinsurance-slip"}` stands for it. */
export function bindingAuthority(): Scenario {
  return loadScenario(agreement)
}

/** A company books cars by rates that depend on class and season. */
export function carHireAgreement(): Scenario {
  return loadScenario(hire)
}

/** A patient shares her records with a consultant until she withdraws her consent. */
export function sharedRecords(): Scenario {
  return loadScenario(records)
}
