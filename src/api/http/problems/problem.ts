import type { VoidCode } from '../../../events/outcome.ts'
import { ConcordataError, type ErrorCode, errorCodes } from '../../../runtime/errors.ts'
import { statusOfVoid } from './void-status.ts'

/** The codes that only answers of the inward API carry, with what they mean. docs/errors.md has them as a table. */
export const answerCodes = {
  no_such_route: 'The inward API has nothing at this method and path.',
  method_not_allowed: 'The inward API has something there, but not for this method; `Allow` says for which.',
  upgrade_required: 'There is nothing but a WebSocket there.',
  body_too_large: 'The body is larger than the inward API reads.',
  headers_too_large: 'URL and headers of the request are larger than the inward API reads.',
  request_timeout: 'The request did not arrive in time.',
  expectation_failed: 'The header `Expect` asks for something else than `100-continue`.',
  live_message_malformed: 'A message on `/live` does not have its form.',
  too_many_subscriptions: 'A `/live` connection has as many subscriptions as it may have.',
  not_unanimous_in_time:
    'Not everybody answered in time, or this node could not sign: the request is withdrawn, and never accepted later.',
  withdrawn: 'The request was taken back before it was agreed.',
  candidate_ended:
    'A value that was put to the vote came to its end before it was agreed; `because` says why, `candidates` of each.',
  party_resigned: 'The party of this node has left the contract, so the request does not exist.',
  refused: 'A member refused the request; `by` says who, and why.',
} as const

/** With which statuses they come. */
const statusesOfAnswer: Record<keyof typeof answerCodes, readonly number[]> = {
  no_such_route: [404],
  method_not_allowed: [405],
  upgrade_required: [426],
  body_too_large: [413],
  headers_too_large: [431],
  request_timeout: [408],
  expectation_failed: [417],
  live_message_malformed: [400],
  too_many_subscriptions: [429],
  not_unanimous_in_time: [504],
  withdrawn: [409, 504],
  candidate_ended: [409],
  party_resigned: [409],
  refused: [409],
}

export type ProblemCode = ErrorCode | VoidCode | keyof typeof answerCodes

/** RFC 9457 problem details, with the stable `code` of the registry and its evidence as further members. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ProblemCode
  readonly detail: string
  readonly [member: string]: unknown
}

/** Where the code of an error meets an HTTP status; those of void requests are in `void-status.ts`. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  json_not_canonicalizable: 400,
  statement_malformed: 400,
  statement_not_canonical: 400,
  statement_wrong_contract: 400,
  statement_unknown_party: 400,
  statement_badly_linked: 400,
  statement_covers_backwards: 400,
  statement_wrong_clock: 400,
  statement_badly_signed: 400,
  statement_not_admitted: 400,
  statement_unfit_refusal: 400,
  statement_unfit_decision: 400,
  statement_unfit_key: 400,
  statement_bad_genesis: 400,
  statement_unfit_uid: 400,
  payload_mismatch: 400,
  payload_foreign: 400,
  content_mismatch: 400,
  exchange_malformed: 400,
  merkle_index_out_of_range: 400,
  merkle_root_mismatch: 400,
  merkle_proof_malformed: 400,
  note_malformed: 400,
  value_sealed: 403,
  path_malformed: 400,
  request_malformed: 400,
  body_malformed: 400,
  body_unexpected: 400,
  body_encoded: 415,
  media_type_unsupported: 415,
  not_acceptable: 406,
  introduction_malformed: 400,
  statement_too_large: 413,
  request_too_large: 413,
  exchange_too_large: 413,
  exchange_misdirected: 421,
  exchange_encoded: 415,
  exchange_rate_limited: 429,
  exchange_too_many: 429,
  request_unfit: 422,
  write_unfit: 422,
  text_unfit: 422,
  value_unreadable: 422,
  key_not_admissible: 422,
  introduction_badly_signed: 422,
  configuration_invalid: 422,
  equivocation: 409,
  not_invited: 409,
  template_malformed: 422,
  no_such_template: 404,
  erasure_unfit: 422,
  no_such_erasure: 404,
  entries_contradicted: 502,
  payload_missing: 409,
  party_conflict: 409,
  party_wrong_fingerprint: 409,
  introduction_outdated: 409,
  identity_exists: 409,
  backup_exists: 409,
  backup_refused: 409,
  restore_refused: 409,
  data_directory_in_use: 409,
  projection_failed: 500,
  read_model_missing: 409,
  rebuild_unfit: 422,
  export_exists: 409,
  not_asked: 404,
  idempotency_key_in_use: 409,
  idempotency_key_reused: 422,
  precondition_failed: 412,
  not_withdrawable: 409,
  guard_refused: 500,
  store_setup_failed: 500,
  role_missing: 403,
  token_invalid: 401,
  issuer_unavailable: 503,
  api_rate_limited: 429,
  api_too_many_calls: 429,
  requests_too_many: 429,
  api_key_unfit: 500,
  access_log_failed: 503,
  role_unfit: 500,
  signer_unreachable: 503,
  signer_refused: 500,
  transmitter_silent: 503,
  ask_malformed: 500,
  key_unknown: 409,
  revocation_unfit: 409,
  signing_not_blocked: 409,
  no_such_contract: 404,
  no_such_path: 404,
  no_such_rule: 404,
  no_such_proposal: 404,
  no_such_change_set: 404,
  no_such_entry: 404,
  history_too_long: 422,
  no_agreed_value: 404,
  no_such_subject: 404,
  webhook_unfit: 422,
  webhook_receiver_refused: 422,
  webhook_key_unfit: 403,
  webhooks_too_many: 429,
  no_such_webhook: 404,
  no_such_message: 404,
  replay_under_way: 409,
  no_such_row: 404,
  no_such_relation: 404,
  query_unfit: 400,
  query_too_wide: 422,
  no_such_request: 404,
  party_unknown: 404,
  party_not_allowed: 403,
  not_authorized: 401,
  not_a_member: 403,
  contract_closed: 503,
  contents_full: 503,
  content_missing: 503,
  file_unfit: 422,
  store_closed: 503,
  store_unavailable: 503,
  node_not_running: 503,
  endpoint_unavailable: 503,
  peer_unreachable: 502,
  peer_refused: 502,
  peer_busy: 503,
  peer_wrong_certificate: 502,
  peer_malformed: 502,
  api_problem: 502,
  peer_timeout: 504,
  runtime_unfit: 500,
  file_unavailable: 500,
  command_line_malformed: 500,
  not_confirmed: 500,
  party_address_unfit: 400,
  party_is_self: 409,
  did_unavailable: 502,
  did_untrusted: 502,
  did_document_malformed: 502,
  did_mismatch: 409,
  internal: 500,
  store_wrong_revision: 500,
  store_readonly: 500,
  store_corrupt: 500,
  store_incompatible: 500,
  store_access_denied: 500,
  store_address_invalid: 500,
  store_write_too_large: 413,
  key_file_unreadable: 500,
  configuration_missing: 500,
  identity_damaged: 500,
  backup_damaged: 500,
  directory_damaged: 500,
  engine_unknown: 501,
  contract_damaged: 500,
  expression_too_long: 422,
  expression_too_deep: 422,
  expression_syntax: 422,
  expression_unsupported: 422,
  expression_unknown_name: 422,
  expression_unknown_function: 422,
  expression_arguments_unfit: 422,
  expression_type_unfit: 422,
  expression_constant_unfit: 422,
  expression_malformed: 422,
  expression_over_budget: 422,
  rule_case_malformed: 422,
  scenario_malformed: 500,
  demo_failed: 500,
  publication_forged: 422,
  evidence_proves_nothing: 422,
  audit_failed: 500,
  payload_misspelt: 500,
  payload_doubled: 500,
  payload_shadowed: 500,
  payload_orphaned: 500,
  payload_unreadable: 500,
  event_missing: 500,
  event_foreign: 500,
  feed_mismatch: 500,
  ledger_mismatch: 500,
}

/** All statuses with which a code comes: one that an error and an outcome share may have two. */
export function statusesOf(code: ProblemCode): readonly number[] {
  if (code in statusesOfAnswer) return statusesOfAnswer[code as keyof typeof answerCodes]
  const ofError = statusOf[code as ErrorCode] as number | undefined
  const ofVoid = statusOfVoid[code as VoidCode] as number | undefined
  return [...new Set([ofError, ofVoid].filter((status) => status !== undefined))]
}

/** Whatever goes wrong that is this node's fault. */
export const faultCodes = Object.entries(statusOf).flatMap(([code, status]) =>
  status === 500 ? (code as ErrorCode) : [],
)

/** The response for an error. A fault of the software is only reported as one, and nothing of this machine is named: the log has the details. */
export function problemOf(error: unknown): ProblemDocument {
  if (!(error instanceof ConcordataError)) return describe('internal', errorCodes.internal, 500, {})
  const { code, evidence, message } = error
  const status = statusOf[code]
  if (status < 500) return describe(code, message, status, evidence)
  const isForCallers = ([member]: readonly [string, unknown]) => !OWN_PLACES.has(member) || code === 'content_missing'
  return describe(code, errorCodes[code], status, Object.fromEntries(Object.entries(evidence).filter(isForCallers)))
}

/** Where this node has its files and sockets: of what is not a fault of the caller a path is one of those, but for that of an attachment. */
const OWN_PLACES = new Set(['path', 'socket'])

export function describe(code: ProblemCode, detail: string, status: number, evidence: object): ProblemDocument {
  return { ...evidence, type: `urn:concordata:${code}`, title: code.replaceAll('_', ' '), status, code, detail }
}
