import { agreementBreaks } from './agreement-breaks.ts'
import { attachmentBreaks } from './attachment-breaks.ts'
import type { Break } from './break.ts'
import { clientBreaks } from './client-breaks.ts'
import { commandBreaks } from './command-breaks.ts'
import { documentBreaks } from './document-breaks.ts'
import { groundBreaks } from './ground-breaks.ts'
import { ruleBreaks } from './rule-breaks.ts'
import { storeBreaks } from './store-breaks.ts'
import { turnBreaks } from './turn-breaks.ts'
import { valueBreaks } from './value-breaks.ts'
import { webhookBreaks } from './webhook-breaks.ts'

/** What must not go unnoticed. */
export const breaks: readonly Break[] = [
  ...agreementBreaks,
  ...storeBreaks,
  ...turnBreaks,
  ...valueBreaks,
  ...documentBreaks,
  ...commandBreaks,
  ...ruleBreaks,
  ...attachmentBreaks,
  ...clientBreaks,
  ...webhookBreaks,
  ...groundBreaks,
]
