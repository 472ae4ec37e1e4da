import { isCanonicalJson } from '../../crypto/canonical-json.ts'
import { parseStored } from '../../runtime/stored-json.ts'

/**
 * The data of an event in a stream to which the process that serves users may write as well, the one that is trusted the
 * least; undefined for what is not the canonical JSON of anything, which no form fits. All that is written there is canonical:
 * so a text that could never be signed (a lone surrogate) does not get past here (decision 0056).
 */
export function jsonIn(data: string): unknown {
  try {
    const parsed: unknown = parseStored(data)
    return isCanonicalJson(data, parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}
