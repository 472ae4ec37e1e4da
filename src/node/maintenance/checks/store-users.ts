import { ConcordataError } from '../../../runtime/errors.ts'
import type { Exposure } from '../../../store/eventstoredb/exposure.ts'
import { passwordProblem } from '../../../store/eventstoredb/passwords.ts'
import type { Configuration } from '../../config/configuration.ts'
import { serverOptions } from '../../files/open-store.ts'
import type { CheckFinding } from './finding.ts'

const DRAW = 'draw one with `openssl rand -base64 24`'

/** What stands between who takes this process over and the administrators of the store's server: their passwords. */
export async function storeUsersOf({ dir, store }: Configuration): Promise<CheckFinding[]> {
  if (store === undefined) return []
  const check = 'store users'
  try {
    const options = await serverOptions(dir, store)
    const { credentials } = options
    const { exposureTo } = await import('../../../store/eventstoredb/exposure.ts')
    const exposure = await exposureTo(options)
    if (exposure === undefined || credentials === undefined) return []
    const problem = passwordProblem(credentials.password)
    const findings: CheckFinding[] = []
    if (exposure.withKnownPassword.length > 0) {
      const finding = `${exposure.withKnownPassword.join(' and ')}: the server takes the password that it came with`
      findings.push({ check, level: 'error', finding, advice: `everybody knows it: ${DRAW}` })
    }
    if (problem !== undefined) {
      const advice = `whoever may read \`$all\` has its hash: ${DRAW}`
      findings.push({ check, level: 'warning', finding: `the password of ${credentials.username} ${problem}`, advice })
    }
    if (exposure.isAdministrator) {
      const advice = 'give the process a user of its own: `concordata store setup`'
      findings.push({ check, level: 'warning', finding: `${credentials.username} is an administrator`, advice })
    }
    return findings.length > 0 ? findings : [{ check, level: 'ok', finding: visibleTo(credentials.username, exposure) }]
  } catch (error) {
    // What is wrong with the store is a finding of its own.
    if (error instanceof ConcordataError) return []
    throw error
  }
}

function visibleTo(user: string, { hashesOf }: Exposure): string {
  if (hashesOf.length === 0) return `the password of ${user} may have been drawn`
  return `${user} is shown the password hashes of ${hashesOf.join(', ')} in $all, which the server withholds from nobody there: each must have been drawn`
}
