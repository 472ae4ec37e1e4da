import type { VoidCode } from '../../events/outcome.ts'
import type { ProblemCode } from '../http/problems/problem.ts'

/**
 * Which problems a route can answer, beside those of every route (described.ts): groups, for `config.problems`. An answer with a code
 * that its route does not name fails the test that gets it; a void code that no route names fails test/api/described.test.ts.
 */
export const ofContract = ['no_such_contract', 'contract_closed', 'engine_unknown'] as const satisfies ProblemCode[]
export const ofElement = [...ofContract, 'no_such_path', 'path_malformed'] as const satisfies ProblemCode[]

/** Of whatever is requested in a contract, before it is judged, and by who has to agree. */
const ofRequest = [
  ...ofContract,
  'not_a_member',
  'request_too_large',
  'requests_too_many',
  'store_write_too_large',
  'text_unfit',
  'transmitter_silent',
  'signer_unreachable',
  'value_sealed',
  'not_unanimous_in_time',
  'withdrawn',
  'refused',
  'party_resigned',
] as const satisfies ProblemCode[]

const judged: VoidCode[] = ['command_malformed', 'limit_exceeded']
/** What rules in force refuse. */
const byRules: VoidCode[] = [
  'required_missing',
  'rule_broken',
  'rule_over_budget',
  'rule_governed',
  'access_denied',
  'element_inactive',
  'field_assigned',
  'assigned_twice',
  'computed_unfit',
  'voter_outside',
]
const unlocked: VoidCode[] = ['record_locked']

/** A request that rules and the record lock do not judge. */
export const ofVote: readonly ProblemCode[] = [...ofRequest, ...judged, 'already_voted']
/** A request that they judge. */
const ofChange: readonly ProblemCode[] = [...ofRequest, ...judged, ...byRules, ...unlocked]

const ofElements: VoidCode[] = [
  'no_such_element',
  'root_fixed',
  'not_a_block',
  'entry_fixed',
  'prototype_fixed',
  'prototype_empty',
  'order_unfit',
  'key_taken',
  'key_unfit',
  'key_confidential',
  'name_taken',
  'name_confusable',
  'name_unfit',
  'option_confusable',
  'currency_unknown',
  'type_unknown',
  'constraint_unfit',
  'not_owner',
  'owner_unfit',
]
const ofValues: VoidCode[] = [
  'value_wrong_type',
  'value_taken',
  'field_conflict',
  'already_agreed',
  'no_such_proposal',
  'audience_changed',
  'outside_audience',
]

export const ofOrder: readonly ProblemCode[] = [...ofChange, ...ofElements, 'no_such_path', 'path_malformed']
export const ofWrite: readonly ProblemCode[] = [
  ...ofOrder,
  ...ofValues,
  'write_unfit',
  'value_unreadable',
  'candidate_ended',
]
export const ofCandidateVote: readonly ProblemCode[] = [
  ...ofVote,
  ...ofElement,
  ...byRules,
  ...unlocked,
  'no_such_proposal',
  'no_such_element',
  'already_agreed',
  'no_vote_asked',
  'not_a_voter',
  'not_author',
  'audience_changed',
  'field_conflict',
  'key_taken',
  'candidate_ended',
]
const expressions: readonly ProblemCode[] = [
  'expression_too_long',
  'expression_too_deep',
  'expression_syntax',
  'expression_unsupported',
  'expression_unknown_name',
  'expression_unknown_function',
  'expression_arguments_unfit',
  'expression_type_unfit',
  'expression_constant_unfit',
]
/** A request about rules. */
export const ofRules: readonly ProblemCode[] = [
  ...ofVote,
  ...unlocked,
  'no_such_rule',
  'no_such_rule_set',
  'rules_in_force',
  'no_rules_in_force',
  'rule_unfit',
  'rule_changed',
  'rule_vote_missing',
  'rules_named_unfit',
  'rules_cyclic',
  'required_missing',
  'rule_broken',
  'rule_over_budget',
  'assigned_twice',
  'computed_unfit',
  'not_owner',
  'no_such_element',
  'name_taken',
  'name_confusable',
  'name_unfit',
]
export const ofRuleText: readonly ProblemCode[] = [...ofRules, ...ofElement, ...expressions]
export const ofChangeSet: readonly ProblemCode[] = [
  ...ofWrite,
  'no_such_change_set',
  'not_author',
  'not_a_voter',
  'already_voted',
]
export const ofLock: readonly ProblemCode[] = [...ofVote, ...unlocked, 'lock_held', 'no_such_lock', 'lock_own']
export const ofInvitation: readonly ProblemCode[] = [
  ...ofRequest,
  ...judged,
  ...unlocked,
  'handle_taken',
  'party_taken',
  'party_confusable',
  'no_invitation',
  'not_sponsor',
  'party_unknown',
]
export const ofAudience: readonly ProblemCode[] = [
  ...ofChange,
  ...ofElement,
  'audience_unfit',
  'owner_outside',
  'outside_audience',
  'key_confidential',
  'not_confidential',
  'not_owner',
  'entry_fixed',
  'not_a_block',
  'no_such_element',
  'no_such_proposal',
  'not_author',
  'value_taken',
  'no_agreed_value',
]
export const ofErasure: readonly ProblemCode[] = [
  ...ofVote,
  ...ofElement,
  ...unlocked,
  'erasure_unfit',
  'already_erased',
  'no_such_erasure',
]
export const ofTemplate: readonly ProblemCode[] = [
  ...ofOrder,
  'already_voted',
  'template_malformed',
  'template_unfit',
  'template_out_of_place',
  'template_held',
  'template_unchanged',
  'no_such_template',
  'role_unfit',
  'not_of_template',
  'audience_unfit',
  'rule_unfit',
  'rules_in_force',
]
