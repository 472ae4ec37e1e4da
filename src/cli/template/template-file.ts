import {
  type ParsedTemplate,
  parsingTemplate,
  TemplateFault,
} from '../../aggregates/contract/templates/parsed-template.ts'
import { canonicalJson } from '../../crypto/canonical-json.ts'
import type { Hash } from '../../crypto/hash.ts'
import { templateHash } from '../../events/template.ts'
import { ConcordataError } from '../../runtime/errors.ts'
import { completed } from '../../runtime/turns.ts'
import { textIn } from '../file-unavailable.ts'

/** A file has no template in it. Evidence: `file`, `why`, and `at`, where in it. */
class FileUnfit extends ConcordataError {}

/** A template as a file has it; `text`: as it is hashed. */
export interface ReadTemplate {
  readonly parsed: ParsedTemplate
  readonly text: string
  readonly hash: Hash
}

/** Throws FileUnfit, FileUnavailable. */
export async function templateIn(file: string): Promise<ReadTemplate> {
  const read = await textIn(file)
  let text: string
  try {
    text = canonicalJson(JSON.parse(read))
  } catch (cause) {
    throw unfit(file, new TemplateFault('not_json'), cause)
  }
  const hash = templateHash(text)
  const parsed = completed(parsingTemplate(hash, text))
  if (parsed instanceof TemplateFault) throw unfit(file, parsed)
  return { hash, parsed, text }
}

function unfit(file: string, { why, at }: TemplateFault, cause?: unknown): FileUnfit {
  const where = at === undefined ? '' : ` (${at})`
  return new FileUnfit('template_malformed', `${file} is no template: ${why}${where}`, { file, why }, { cause })
}
