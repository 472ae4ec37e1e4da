/**
 * Every code that an error of Concordata can carry, with what it means. A code, once released, keeps its meaning.
 * docs/errors.md is made from this table (a test compares them); `api/http/problems/problem.ts` gives each its HTTP status.
 */
export const errorCodes = {
  runtime_unfit: 'Node.js is older than Concordata needs, or one of 23.0 to 23.7, which lack zstd.',
  file_unavailable: 'A file or directory that a command names cannot be read or written.',
  command_line_malformed: 'There is no such command, or it takes none of that; `--help` says what it takes.',
  not_confirmed: 'A person was asked, and has not said yes.',
  internal: 'A fault of the software itself; the log has the details.',

  json_not_canonicalizable: 'A value cannot be written as canonical JSON: a lone surrogate, NaN or an infinity.',

  statement_malformed: 'The statement does not have the form that docs/protocol.md gives.',
  statement_not_canonical: 'The bytes are not the canonical JSON (RFC 8785) of what they say.',
  statement_too_large: 'The statement, or a part of it, exceeds a limit of the contract.',
  statement_wrong_contract: 'The statement belongs to another contract.',
  statement_unknown_party: 'The causal past of the statement has no invitation of its party.',
  statement_badly_linked: 'The statement does not follow from the statement of its party that is held before it.',
  statement_covers_backwards:
    'The frontier of the statement names what its causal past covers already, or its own party.',
  statement_wrong_clock: 'The clock is not one more than the greatest clock that the statement covers.',
  statement_badly_signed: 'The signature is not valid under the key that the party has at this place.',
  statement_not_admitted:
    'The statement carries requests, but its causal past does not have the admission of its author.',
  statement_unfit_refusal: 'The statement refuses a request that it does not newly cover, or refuses one twice.',
  statement_unfit_decision: 'The statement decides a request that is not an undecided tentative one of its own party.',
  statement_unfit_key: 'What the statement says about keys does not fit its causal past, or is not well signed.',
  statement_bad_genesis: 'The first statement of a contract must open it, and be signed with the key that it names.',
  statement_unfit_uid: 'The UID under which the statement opens a contract does not belong to its party and that key.',
  payload_mismatch: 'A payload does not hash to its seal, or no command of the statement names the seal.',
  payload_foreign: 'A payload came that is for an audience which this party is not in. It is not kept.',
  content_mismatch: 'A piece came of a content that is not the one which its hash stands for. It is not kept.',
  content_missing: 'The bytes of the attachment have not all come here yet.',
  file_unfit: 'The file is too large for an attachment of this contract, or has not a byte.',
  contents_full: 'This node keeps no more contents of the contract.',
  entries_contradicted:
    'What a peer has given in place of a request whose values are erased is not what a member has signed for.',
  payload_missing:
    'Values of the contract are missing here, so that it cannot be joined yet; the other parties are asked for them.',
  exchange_malformed: 'What came over the network is no exchange message.',
  equivocation: 'A party signed two different statements for one place of its feed.',

  merkle_index_out_of_range: 'A Merkle index or size lies outside the tree.',
  merkle_root_mismatch: 'A Merkle proof does not lead to the expected root.',
  merkle_proof_malformed: 'A Merkle proof has the wrong number of hashes, or a hash of the wrong length.',
  note_malformed: 'A signed note does not have the C2SP form.',

  store_wrong_revision: 'The stream is not at the revision that the append expects: another writer was there first.',
  store_closed: 'The store was closed before the call.',
  store_readonly: 'The store was opened for reading only.',
  store_unavailable:
    'The store is locked, full, its disk failed, or its server does not answer; whether a write took effect is unknown.',
  store_corrupt: 'The store holds what Concordata cannot have written: it was damaged, or changed by somebody.',
  store_incompatible: 'The file is no store of Concordata, or was written by another version.',
  store_access_denied: 'The server of the store does not know the user, or does not allow it the call.',
  store_write_too_large: 'One append has more bytes than the store can take.',
  store_address_invalid: 'The address of the server of the store is malformed, or a file it names is missing.',

  key_not_admissible: 'The public key is not canonical, is of small order, or is not torsion-free.',
  key_file_unreadable: 'The key file is missing, damaged, or the passphrase is wrong.',

  configuration_missing: 'The folder is no data directory: `concordata init` makes one.',
  configuration_invalid:
    'concordata.json or an environment variable does not have the form that docs/operations/one-process.md gives.',
  identity_exists: 'The data directory has an identity, or a part of one, already; keys are never overwritten.',
  backup_refused: 'The events are not in the data directory but in EventStoreDB, which has backups of its own.',
  backup_exists: 'There is something where the backup is to be written; nothing is overwritten.',
  backup_damaged: 'The backup is not whole, or not as it was written.',
  restore_refused: 'The data directory has a store, or belongs to another party; nothing of it is overwritten.',
  identity_damaged: 'A file of the identity is missing, damaged, or does not fit the others.',

  introduction_malformed: 'The document is no introduction of a party, or does not fit the certificate it came with.',
  introduction_badly_signed:
    'The introduction is not signed with the key that it names, or not with that of its certificate.',
  introduction_outdated: 'A newer introduction of the party is known, or another with the same serial number.',
  party_address_unfit: 'The address of a party is neither `https://host` nor `https://host:port` nor a `did:web`.',
  did_unavailable: 'The DID document of a party cannot be had at the address that its did:web stands for.',
  did_untrusted: 'No authority that is trusted here vouches for the web server of a did:web.',
  did_document_malformed: 'What is served for a did:web is no DID document of it, or names no node and its keys.',
  did_mismatch: 'The node says another DID, other keys or another endpoint than the DID document of the party.',
  party_is_self: 'The party that was looked up is the one of this node.',
  party_unknown: 'The directory of this node has no party of this handle, or has not approved it.',
  party_conflict: 'The handle, the DID or the signing key belongs to another party that a person has approved.',
  party_wrong_fingerprint: 'The fingerprint is not that of the party as it is introduced.',
  party_not_allowed: 'The configuration does not name the domain of the party among the `partners`.',
  directory_damaged: 'An event of the directory is not one that Concordata writes.',

  endpoint_unavailable: 'The node cannot listen at its endpoint.',
  exchange_too_large: 'The body of an exchange is longer than allowed.',
  exchange_misdirected: 'The call names another party than the one that answers here.',
  exchange_encoded: 'The body of an exchange is compressed or encoded otherwise; it is taken only as it is.',
  exchange_rate_limited: 'The party calls more often, or sends more bytes, than this node takes from one.',
  exchange_too_many: 'Too many exchanges are under way; another has to end first.',
  peer_unreachable: 'No connection to the peer came about, or it broke before the answer was whole.',
  peer_refused: 'The peer answered, but did not take the call.',
  peer_busy: 'The peer has too much to do, and says when to call again.',
  peer_wrong_certificate: 'The peer shows another certificate than the one pinned to its party.',
  peer_timeout: 'The peer did not answer in time.',
  peer_malformed: 'The answer of the peer is not what the protocol says.',

  request_unfit: 'No statement can carry the request: everybody would refuse it.',
  request_too_large: 'The request, or its values, is larger than a statement of this contract can be.',
  requests_too_many:
    'So many requests of local users are under way, in the contract or in all, that this node takes no more until some have settled.',
  contract_closed: 'The node is stopping; nothing new is taken in.',
  contract_damaged: 'What the store holds of a contract contradicts itself.',
  not_asked: 'No person is asked about that request, or not any more.',
  idempotency_key_in_use: 'What was asked for under the same Idempotency-Key has not been answered yet.',
  idempotency_key_reused: 'The Idempotency-Key was used for something else before.',
  precondition_failed: 'What stands there is not what the precondition of the request names.',
  not_withdrawable: 'Only a tentative request of this node that it has not confirmed yet can be taken back.',
  guard_refused: 'Another process has signed with the key of this party, or an older copy of its data is running.',
  key_unknown: 'The node does not have the private key for that.',
  revocation_unfit: 'The revocation is not signed with the recovery key, or is not of the key that is to come by one.',
  signing_not_blocked: 'No word of a person would make the node sign in that contract.',
  store_setup_failed: 'The users and rights on the server of the store could not be set up.',
  role_unfit: 'The role cannot be run with this configuration.',
  signer_unreachable: 'The signer process does not answer.',
  signer_refused: 'The signer process does not sign or keep that.',
  transmitter_silent: 'Nobody has signed what was left in the command queue: the process that signs may be down.',
  ask_malformed: 'An event of the command queue, or of the invitations, does not have its form.',
  engine_unknown: 'The contract is, or is to go on, in an engine that this version of the software does not have.',
  no_such_contract: 'The node holds no contract of this UID.',
  not_a_member: 'Only members make requests, and the party of this node is none.',
  not_invited: 'The party of this node has no open invitation to the contract.',

  not_authorized: 'The request carries no valid key of the inward API.',
  token_invalid:
    'The access token is not one of the issuer for this API, or not any more; `reason` says in a word why.',
  issuer_unavailable: 'What the issuer of access tokens publishes cannot be had; keys of the API go on working.',
  api_rate_limited:
    'The caller makes more calls, or its address more bad ones, than this node takes; `Retry-After` says when to come again.',
  api_too_many_calls: 'So many calls of the caller are under way that another has to end first.',
  role_missing: 'The key of the inward API does not have the role that the call asks for.',
  api_key_unfit: 'There is a key of that name already, or none, or it is not one that can be.',
  access_log_failed: 'Who asked for what cannot be written, so nothing was done.',
  no_such_path: 'The agreed document has no such element.',
  template_malformed:
    'What was sent is no template, or what is asked for cannot be one; the evidence says why, and at which element, rule, role or name.',
  no_such_template: 'The contract does not have this template, or what stands there did not come from one.',
  erasure_unfit: 'Nothing, or more than 1,000 values, is named to be erased at once.',
  no_such_erasure: 'Nobody has asked for this erasure, or it has come to its end.',
  no_such_rule: 'The contract has no rule of this number.',
  no_such_proposal: 'No candidate of this name stands at the element, or was voted on there.',
  no_such_change_set: 'The contract has no change set of this name.',
  no_such_entry: 'The settled ledger has no entry of this index.',
  history_too_long: 'There are too many entries to read through while somebody waits; an export has any point in time.',
  no_such_subject: 'Nothing is told at this subject; `options` are the forms that subjects have.',
  no_agreed_value: 'The field has no agreed value.',
  value_sealed:
    'The value of the field is for an audience that the party of this node is not in, or has not come here.',
  path_malformed: 'A path, or the query after it, has a wrong escape, an empty step, or says something twice.',
  request_malformed:
    'The body, the query or a parameter does not have the form that docs/api.md gives, or what came is no HTTP request.',
  body_malformed:
    'The body is not UTF-8, not JSON, has a byte order mark, U+0000, half of a surrogate pair, a member twice, or more of them or deeper than is read.',
  body_unexpected: 'There is a body where none is taken: nothing that is sent is dropped silently.',
  body_encoded: 'The body is compressed or encoded otherwise; it is taken only as it is.',
  not_acceptable: 'What is read has none of the forms that the client takes; `options` are those that it has.',
  media_type_unsupported: 'The body is neither JSON nor text, or in another charset than UTF-8.',
  webhook_unfit: 'A webhook cannot be as it is asked for; `expected` says what can be.',
  webhook_receiver_refused: 'The operator of this node has not allowed that messages go to this address.',
  webhook_key_unfit: 'A webhook has the rights of a key of this node; an access token ends too soon for one.',
  webhooks_too_many: 'This node, the key, or the webhooks of all contracts have as many as they may have.',
  no_such_webhook: 'There is no webhook of this id, or another key has made it.',
  no_such_message: 'No message of this id waits to be tried again.',
  replay_under_way: 'The webhook is being told of this stream once more already.',
  no_such_row: 'The entity has no row of this id.',
  no_such_relation: 'The entity has nothing of this name below it; `options` says what it has.',
  query_unfit: 'A filter, an order or a cursor is not one of what is asked for; `path` says which.',
  query_too_wide:
    'More rows would have to be put in order than one answer may cost: ask for those of a contract, or in the order of their ids.',
  no_such_request: 'No request of this name is held here.',
  write_unfit: 'The body does not say what to write, or the element cannot take it.',
  text_unfit:
    'A name, a title or an option is not a text that all parties can read alike; `place` and `codePoint` say where.',
  value_unreadable: 'A text cannot be read as a value of the type of the field.',

  projection_failed:
    'A stored event does not follow from those before it, so its contract stands still in the read model.',
  read_model_missing: 'There is no read model yet: `concordata rebuild` makes all of it.',
  rebuild_unfit: 'What is asked of `concordata rebuild` does not go together, or names no point of the ledger.',
  export_exists: 'There is something where the export is to be written; nothing is overwritten.',

  data_directory_in_use:
    'Another process has the data directory, its read model, or the socket of the signer: only one may.',
  node_not_running: 'No node answers at the inward address of the data directory.',
  api_problem: 'The node answered with a problem.',
  expression_too_long: 'The text of an expression is longer than 2,000 characters.',
  expression_too_deep: 'Brackets of an expression stand in each other more than 32 levels deep.',
  expression_syntax: 'The text is no expression of the rule language.',
  expression_unsupported: 'The expression uses a part of FEEL that the rule language leaves out (docs/rules.md).',
  expression_unknown_name: 'The expression names an element, an item or a property that is not there.',
  expression_unknown_function: 'The expression calls a function that is not there.',
  expression_arguments_unfit: 'The expression calls a function with arguments that it does not take.',
  expression_type_unfit: 'An operation of the expression never has a value for things of these types.',
  expression_constant_unfit: 'A constant of the expression is no number, text, date or duration that there is.',
  expression_malformed: 'What is said to be the tree of an expression does not have the form that docs/rules.md gives.',
  expression_over_budget: 'Evaluating the expression takes more steps than a rule may.',
  rule_case_malformed: 'A case for trying an expression, or a value in it, does not have its form.',
  scenario_malformed: 'A scenario file does not have its form.',
  demo_failed: 'The demo could not be carried through.',
  publication_forged: 'A template is not signed by who is said to have published it.',
  evidence_proves_nothing:
    'A file of evidence does not convict whom it names, or is not about the file that it is held against.',
  audit_failed: 'A store is not what its signatures, links, seals and rules make of it.',
  payload_misspelt: 'The stored text of a payload says what was sealed, but is not spelt as it was when it was sealed.',
  payload_doubled: 'A payload stands in its group twice.',
  payload_shadowed:
    'Two texts are stored for one seal of a group, or two rows for one group: which one counts is chance.',
  payload_orphaned: 'A payload is stored whose seal, or whose group, no stored statement names.',
  payload_unreadable: 'A stored group of payloads has a part that is none: it was damaged, or is not of Concordata.',
  event_missing: 'An event of a feed or of a ledger is not stored, though others follow from it.',
  event_foreign: 'An event is stored where Concordata keeps none of its kind, or not this one.',
  feed_mismatch: 'A stored statement is not the one that a statement of another party covers.',
  ledger_mismatch: 'A stored ledger entry, or the root, is not what the feeds make of it.',
} as const

export type ErrorCode = keyof typeof errorCodes

/** The bound that something exceeds, wherever one is told of. */
export interface ExceededLimit {
  /** Of what there is too much: `cells`, `bodyBytes`; or the name of a limit of the contract. */
  readonly name: string
  /** How much there may be, in the unit of `name`; left out: it is pinned neither here nor in the contract. */
  readonly max?: number
}

interface Evidence {
  readonly [member: string]: unknown
  readonly limit?: ExceededLimit
  // What a problem document (RFC 9457) has of its own: under such a name nobody would be told of it.
  readonly type?: never
  readonly title?: never
  readonly detail?: never
}

/**
 * The root of all errors that Concordata raises on purpose. `evidence` holds what a person, or a program, needs to
 * act on it (both hashes, both parties, the rule); it never holds values of a contract or secrets.
 */
export class ConcordataError extends Error {
  readonly code: ErrorCode
  readonly evidence: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, evidence: Evidence = {}, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
    this.evidence = evidence
  }
}
