import type { Hash } from '../crypto/hash.ts'
import type { Handle, Seq } from './ids.ts'
import type { RefusalCode, WithdrawalCode } from './reasons.ts'

/** Why the aggregate made a request void. Codes are part of the protocol (docs/protocol.md). */
export const voidCodes = {
  command_unknown: 'The engine of this contract has no such command.',
  command_malformed: 'The command does not have the form that docs/protocol.md gives.',
  command_not_alone: 'The command must be the only one of its request.',
  limit_exceeded: 'A limit of the contract is exceeded.',
  not_open: 'The contract has not been opened.',
  already_open: 'The contract is open already.',
  title_unfit: 'The title is not a text that all parties can read alike.',
  founder_unfit:
    'The founder that the command names is not its author, its name is not a text that all can read alike, or the check digits of its LEI are wrong.',
  limits_unfit: 'A statement within the limits would have no room to refuse all requests of another one.',
  handle_taken: 'The handle is, or was, used in this contract.',
  party_taken: 'A party with this DID or one of these keys is, or was, in this contract.',
  party_unfit:
    'The name of the party is not a text that all parties can read alike, or the check digits of its LEI are wrong.',
  party_confusable: 'The handle or the name of the party can be taken for those of another party in this contract.',
  key_not_admissible:
    'A public key is not canonical, is of small order, or is not torsion-free; or one key is to serve as both.',
  no_invitation: 'There is no open invitation of this party at the index that the acceptance names.',
  acceptance_unfit: 'The acceptance names other keys, another contract or another charter than the invitation.',
  acceptance_badly_signed: 'The signature of the acceptance is not valid.',
  acceptance_late: 'The last index of the acceptance is past.',
  acceptance_wrong_head: 'The head in the acceptance is not one of this ledger.',
  terms_changed:
    'The engine of the contract was upgraded, or rules were published or put out of force, after the head that the newcomer has verified.',
  decline_badly_signed: 'The signature of the decline is not valid, or it is of another contract.',
  not_sponsor: 'Only who invited a party withdraws the invitation, as long as it is a member.',
  record_locked: 'Another party holds the record lock.',
  lock_held: 'The author holds the record lock already.',
  no_such_lock: 'No such lock stands, or the author does not hold it.',
  lock_own: 'The holder of the lock releases it; the vote to break it is for the others.',
  already_voted: 'The author has voted for this already.',
  engine_not_newer: 'The contract is in this engine already, or in a newer one.',
  no_such_element: 'There is no such element, or it was removed.',
  root_fixed: 'The root of the document is neither renamed nor removed.',
  not_a_block: 'The element is not a block.',
  not_a_field: 'The element is not a field.',
  not_a_list: 'The element is not a list.',
  entry_fixed: 'What stands in an entry of a list is changed at the prototype of the list, for all entries.',
  prototype_fixed:
    'The prototype of a list, and its key field, go with the list only, and the prototype has no name of its own.',
  prototype_empty: 'The prototype of a list has no values and no entries: its entries have.',
  order_unfit: 'The order of a block names a child twice, or an ordinal that was never given out.',
  key_taken: 'Another entry of the list has this key.',
  key_unfit: 'A list has a key only if its entries are blocks, and only of a type whose values have one spelling.',
  name_taken: 'The block has a child of this name already.',
  name_confusable: 'The block has a child whose name can be taken for this one.',
  name_unfit: 'The name is not one that all parties can read alike, and that can be a step of a path.',
  option_unfit: 'An option of a choice is not a text that all parties can read alike.',
  option_confusable: 'An option of a choice is, or can be taken for, another one.',
  currency_unknown: 'The currency of a field is not one of those that the engine has.',
  type_unknown: 'The contract has no type of that definition.',
  type_unchanged: 'The type is defined like that already.',
  constraint_unfit: 'The constraint of a type is not one of its base, or no value meets it.',
  not_owner: 'Only its owner changes the structure under a block, and only its owner grants an element.',
  owner_unfit: 'The owner must be a member; a new element belongs to its author or is shared.',
  value_wrong_type: 'The value does not have the type of the field.',
  value_taken: 'The value has been erased by common consent.',
  audience_unfit: 'An audience is of members and invitees; none has no `until`.',
  owner_outside: 'The owner of an element is in the audience of what is below it.',
  outside_audience: 'Only who is in the audience of a field puts up a value there, or none.',
  audience_changed: 'The audience that the author meant is not the one that holds here.',
  voter_outside: 'A rule asks a party to vote on the value that is not in its audience.',
  key_confidential: 'The key of a list is compared with others, so it is nobody’s secret.',
  not_confidential: 'The value is not confidential, or not any more.',
  seal_unfit: 'The seal is not that of the proposal.',
  field_conflict: 'A value is agreed, or stands in conflict, that the author had not seen.',
  no_such_proposal: 'The proposal does not stand at this field.',
  not_author: 'Only the author of a proposal withdraws it.',
  already_agreed: 'The proposal is the agreed value: it is replaced or emptied, not withdrawn or voted on.',
  no_vote_asked: 'Nobody is asked to vote on the candidate.',
  not_a_voter: 'The party is not among those that are asked to vote on the candidate.',
  change_set_unfit: 'A change set has elements and values only.',
  no_such_change_set: 'No such change set is open.',
  rules_in_force: 'Rules are in force: they stay as they are until all members reopen the contract.',
  no_rules_in_force: 'No rule is in force.',
  no_such_rule: 'There is no such rule, or it was removed.',
  no_such_rule_set: 'There is no such rule set.',
  rule_unfit: 'What the rule says has no meaning in this document.',
  rule_changed: 'The rule says something else by now than what the request names by its hash.',
  rules_named_unfit: 'A publication names exactly the rules of its rule sets and all triggers.',
  rule_vote_missing: 'Not every member has voted YES on what the rule says.',
  rules_cyclic: 'What these rules compute depends on itself.',
  required_missing: 'A field is empty that a rule requires.',
  rule_broken: 'A condition of a rule does not hold.',
  rule_over_budget: 'The rules take more steps than the limits of the contract give.',
  rule_governed: 'A rule in force names or governs the element.',
  access_denied: 'A rule does not give this to the party.',
  element_inactive: 'A trigger has switched off a block that the field stands in.',
  field_assigned: 'A rule assigns the field its value: nobody proposes one.',
  assigned_twice: 'Two rules that are active assign the field its value.',
  already_erased: 'All of these values have been erased.',
  no_such_erasure: 'Nobody wants these values erased, or they have been.',
  template_unfit: 'What was brought is no template, or not the one that its hash names.',
  template_out_of_place: 'The piece of a template does not follow from those that its author has brought before.',
  template_held: 'The contract has the template already.',
  template_unchanged: 'It is of that template already.',
  no_such_template: 'The contract does not have the whole template.',
  role_unfit: 'The roles of a template are bound to members, each of them, and no others.',
  not_of_template: 'The element did not come from the template.',
  computed_unfit: 'What a rule computes does not fit its field.',
} as const
export type VoidCode = keyof typeof voidCodes

/**
 * `command`: which command of the request, from 0. `with`: what it collides with, by code: handles, element ids or proposal
 * ids, the limit by its name; for `entry_fixed` the id in the prototype; for `order_unfit` the ordinal; for `constraint_unfit` the member; the type of the field, and what of the value does not fit it; for `name_taken` and `name_confusable` the id of the element that has the
 * name, and the key of the request that gave it the name; for options their places, from 0; of rules their numbers, first, then the
 * elements and parties.
 */
export interface VoidReason {
  readonly code: VoidCode
  readonly command: number
  readonly with?: readonly string[]
}

/** `seq`: of the statement that says so, here and below. `about`: seal of what a person had to say about it. */
export interface RefusedBy {
  readonly handle: Handle
  readonly seq: Seq
  readonly code: RefusalCode
  readonly about?: Hash
}

/** The fate of an acknowledged request (design §4). Its JCS is part of the ledger entry. */
export type Outcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'withdrawn'; readonly seq: Seq; readonly code: WithdrawalCode; readonly about?: Hash }
  /** By every member whose answer refuses it, in the order of their admission. */
  | { readonly kind: 'refused'; readonly by: readonly RefusedBy[] }
  | { readonly kind: 'void'; readonly reason: VoidReason }
