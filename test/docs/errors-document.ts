import { answerCodes, type ProblemCode, statusesOf, statusOf } from '../../src/api/http/problems/problem.ts'
import { statusOfVoid } from '../../src/api/http/problems/void-status.ts'
import { type VoidCode, voidCodes } from '../../src/events/outcome.ts'
import { type ErrorCode, errorCodes } from '../../src/runtime/errors.ts'

/** Whether a client asks again, by the status of its answer. */
const byStatus: Readonly<Record<number, string>> = {
  400: 'no: the call is not in its form',
  401: 'with a good key',
  403: 'no: it takes another key, role or party',
  404: 'after looking whether it is there by another name, or yet to come',
  405: 'no',
  408: 'yes',
  406: 'with another `Accept`',
  409: 'after reading what stands there',
  412: 'after reading what stands there: it has another tag',
  413: 'no: in parts',
  415: 'no',
  417: 'no',
  421: 'no',
  422: 'no: what is asked for is to be mended',
  426: 'no',
  429: 'yes, a moment later (`Retry-After`, where it is there)',
  431: 'no',
  500: 'no: the log of this node says more',
  501: 'no',
  502: 'yes, later',
  503: 'yes, a moment later',
  504: 'yes, later',
}

/** Where the status alone says too little. */
const byCode: Readonly<Record<string, string>> = {
  already_agreed: 'no: it is so already',
  already_erased: 'no: it is so already',
  already_voted: 'no: it is so already',
  candidate_ended: 'after reading why: `because`',
  contract_closed: 'yes, when the node is up again; with an `Idempotency-Key` it is done once',
  engine_not_newer: 'no: it is so already',
  handle_taken: 'no: who is, or was, a member or invited is not invited again',
  idempotency_key_in_use: 'yes, under the same key, a moment later (`Retry-After`)',
  idempotency_key_reused: 'with a key of its own',
  internal: 'no: the log has the details; with an `Idempotency-Key` it can be asked for again safely',
  key_taken: 'with another key, after reading the list',
  lock_held: 'no: it is so already',
  name_confusable: 'with another name',
  name_taken: 'with another name, after reading the block',
  not_unanimous_in_time: 'yes, anew: it is withdrawn for good. First see in `waitingFor` and `why` who is waited for',
  not_withdrawable: 'no: its fate is decided; the request says which',
  party_resigned: 'no',
  record_locked: 'when the lock has ended (`GET …/Lock`), or with `Prefer: retry`',
  refused: 'after asking those in `by`',
  request_too_large: 'no: in parts, as `?split` has it of a write by path',
  requests_too_many: 'yes, when some have settled',
  rule_broken: 'no: `rule` has what it reads; other values',
  rule_changed: 'after reading the rule',
  rule_over_budget: 'no: less at once',
  rule_vote_missing: 'when those that `with` names have voted',
  signer_unreachable: 'yes, when the signer is up',
  template_held: 'no: it is so already',
  template_unchanged: 'no: it is so already',
  transmitter_silent:
    'after looking whether it was done: it is, later; with an `Idempotency-Key` it can be asked for again safely',
  type_unchanged: 'no: it is so already',
  withdrawn: 'yes, anew: it is withdrawn for good; `because` says why',
}

const statusOfAnswer: Readonly<Record<keyof typeof answerCodes, number>> = {
  no_such_route: 404,
  method_not_allowed: 405,
  upgrade_required: 426,
  body_too_large: 413,
  headers_too_large: 431,
  request_timeout: 408,
  expectation_failed: 417,
  live_message_malformed: 400,
  too_many_subscriptions: 429,
  not_unanimous_in_time: 504,
  withdrawn: 504,
  candidate_ended: 409,
  party_resigned: 409,
  refused: 409,
}

/** Of what passes between nodes, stands in stores and files, or is said by commands and tools alone. */
const isInternal = (code: ErrorCode): boolean =>
  statusOf[code] === 500 ||
  /^(?:statement|exchange|payload|merkle|note|introduction|entries|peer|did|backup|restore|identity|export|ask|projection)_/.test(
    code,
  ) ||
  internal.has(code)
const internal: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'api_problem',
  'configuration_invalid',
  'content_mismatch',
  'data_directory_in_use',
  'endpoint_unavailable',
  'equivocation',
  'evidence_proves_nothing',
  'expression_malformed',
  'expression_over_budget',
  'json_not_canonicalizable',
  'key_not_admissible',
  'node_not_running',
  'party_address_unfit',
  'party_conflict',
  'party_is_self',
  'party_not_allowed',
  'party_wrong_fingerprint',
  'publication_forged',
  'read_model_missing',
  'rebuild_unfit',
  'request_unfit',
  'rule_case_malformed',
  'store_closed',
  'store_write_too_large',
])

/** What no call of the inward API asks for, or what it refuses in other words before: they stand in ledger entries alone. */
const unasked: ReadonlySet<VoidCode> = new Set<VoidCode>([
  'command_unknown',
  'command_not_alone',
  'not_open',
  'already_open',
  'title_unfit',
  'founder_unfit',
  'limits_unfit',
  'party_unfit',
  'key_not_admissible',
  'acceptance_unfit',
  'acceptance_badly_signed',
  'acceptance_late',
  'acceptance_wrong_head',
  'terms_changed',
  'decline_badly_signed',
  'not_a_field',
  'not_a_list',
  'option_unfit',
  'seal_unfit',
  'change_set_unfit',
  'no_such_template',
])
const voidParted = (isUnasked: boolean): Record<string, string> =>
  Object.fromEntries(Object.entries(voidCodes).filter(([code]) => unasked.has(code as VoidCode) === isUnasked))

function rows(codes: Readonly<Record<string, string>>): string {
  return Object.entries(codes)
    .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
    .join('\n')
}

function rowsFor(codes: Readonly<Record<string, string>>, statusOfCode: Readonly<Record<string, number>>): string {
  return Object.entries(codes)
    .map(([code, meaning]) => {
      const status = statusOfCode[code] as number
      return `| \`${code}\` | ${status} | ${meaning} | ${byCode[code] ?? byStatus[status]} |`
    })
    .join('\n')
}

function parted(isWanted: (code: ErrorCode) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(errorCodes).filter(([code]) => isWanted(code as ErrorCode)))
}

/** The problems that a client of the inward API can meet, each with its status: `422 name_unfit`. */
export function problemsMet(): string[] {
  const errors = Object.keys(parted((code) => !isInternal(code))) as ErrorCode[]
  const outcomes = Object.keys(voidParted(false)) as VoidCode[]
  const answers = Object.keys(answerCodes) as ProblemCode[]
  const met = [
    ...errors.map((code) => `${statusOf[code]} ${code}`),
    ...answers.flatMap((code) => statusesOf(code).map((status) => `${status} ${code}`)),
    ...outcomes.map((code) => `${statusOfVoid[code]} ${code}`),
  ]
  return [...new Set(met)]
}

/** Codes with which no call is answered. */
export function codesUnasked(): ReadonlySet<string> {
  const met = new Set(problemsMet().map((problem) => problem.split(' ')[1]))
  return new Set([...unasked].filter((code) => !met.has(code)))
}

/** What is wrong with `byCode` and `byStatus`, a line each: advice for no code that a client meets, a status without any. */
export function adviceAstray(): string[] {
  const met = { ...parted((code) => !isInternal(code)), ...answerCodes, ...voidParted(false) }
  const statusOfCode = { ...statusOf, ...statusOfAnswer, ...statusOfVoid }
  return [
    ...Object.keys(byCode)
      .filter((code) => !(code in met) && code !== 'internal')
      .map((code) => `${code}: no client meets it, and byCode in test/docs/errors-document.ts has advice for it`),
    ...(Object.keys(met) as (keyof typeof statusOfCode)[])
      .filter((code) => byCode[code] === undefined && byStatus[statusOfCode[code]] === undefined)
      .map((code) => `${code}: byStatus in test/docs/errors-document.ts has no advice for ${statusOfCode[code]}`),
  ]
}

/** What docs/errors.md must be: the registries as tables. */
export function errorsDocument(): string {
  return `# Errors

Every error carries a stable code. In the API it is the member \`code\` of a problem document (RFC 9457); on the command line
it stands in brackets. This page is made from the registries: \`node test/docs/write-errors.ts\`.

*Ask again?* is for a client of the inward API: whether the same call is of use, and after which check. What is asked for again should carry the \`Idempotency-Key\` of the first time ([api.md](api.md#asked-for-once)): then it is done once, whatever the first answer was, or whether there was one.

## Codes of errors

| code | status | meaning | ask again? |
|---|---|---|---|
${rowsFor(
  parted((code) => !isInternal(code)),
  statusOf,
)}

## Codes of answers

Only answers of the inward API carry them ([api.md](api.md)).

| code | status | meaning | ask again? |
|---|---|---|---|
${rowsFor(answerCodes, statusOfAnswer)}

## Codes of void requests

Why the rules of a contract made a request void, or would: what this node knows to be void it refuses before it is signed. They stand in ledger entries and are part of the protocol.

| code | status | meaning | ask again? |
|---|---|---|---|
${rowsFor(voidParted(false), statusOfVoid)}

No call of the inward API is answered with these: it asks for nothing of the kind, or refuses it before, in other words. They stand in entries that another program has asked for.

| code | meaning |
|---|---|
${rows(voidParted(true))}

## Inner codes

Of what passes between nodes, of stores and files, and of commands: in logs and on the command line. Where a client meets one it is \`internal\`, or a status from 500 on: the operator's log says more.

| code | meaning |
|---|---|
${rows(parted(isInternal))}
`
}
