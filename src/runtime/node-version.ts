import { readFileSync } from 'node:fs'
import { ConcordataError } from './errors.ts'

/** Evidence: `needed`, `version`. */
export class RuntimeUnfit extends ConcordataError {}

/** Throws RuntimeUnfit where `version` is none of those that `engines` in package.json names: `^22.15.0 || >=23.8.0`. */
export function requireNodeVersion(version: string): void {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  const needed = String(engines.node)
  if (needed.split(' || ').some((range) => isIn(range, version))) return
  const message = `concordata needs Node.js ${needed}; this is ${version}`
  throw new RuntimeUnfit('runtime_unfit', message, { needed, version })
}

function isIn(range: string, version: string): boolean {
  const [major = 0, minor = 0] = partsOf(version)
  const [majorMin = 0, minorMin = 0] = partsOf(range.replace(/^\D+/, ''))
  if (major === majorMin) return minor >= minorMin
  return major > majorMin && range.startsWith('>=')
}

function partsOf(version: string): number[] {
  return version.split('.').map(Number)
}
