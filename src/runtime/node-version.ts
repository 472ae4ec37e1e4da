import { readFileSync } from 'node:fs'
import { ConcordataError } from './errors.ts'

/** Evidence: `needed`, `version`. */
export class RuntimeUnfit extends ConcordataError {}

/** Throws RuntimeUnfit where `version` is older than `engines` in package.json says. */
export function assertNodeVersion(version: string): void {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const needed = String(engines.node).replace('>=', '')
  const [major = 0, minor = 0] = partsOf(version)
  const [majorMin = 0, minorMin = 0] = partsOf(needed)
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return
  const message = `concordata needs Node.js ${needed} or newer; this is ${version}`
  throw new RuntimeUnfit('runtime_unfit', message, { needed, version })
}

function partsOf(version: string): number[] {
  return version.split('.').map(Number)
}
