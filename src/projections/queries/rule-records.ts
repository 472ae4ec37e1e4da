import type Database from 'better-sqlite3'
import type { Hash } from '../../crypto/hash.ts'
import type { Handle, Uid } from '../../events/ids.ts'
import type { RecordedAbout } from './recorded-about.ts'

export interface RecordedRule extends RecordedAbout {
  readonly number: number
}

export interface RecordedRuleVote extends RecordedAbout {
  readonly rule: number
  readonly by: Handle
  /** Of what it was for. */
  readonly hash: Hash
  readonly vote: 'yes' | 'no'
}

/** Reads from a read model what was said of rules, and of the votes on them. */
export class RuleRecords {
  readonly #rules
  readonly #votes

  constructor(database: Database.Database) {
    this.#rules = database.prepare<[string], RecordedRule>(
      `SELECT number, about, about_in AS aboutIn FROM Rule JOIN HeldContract ON HeldContract.id = Rule.contract
       WHERE uid = ? AND removed_at IS NULL ORDER BY number`,
    )
    this.#votes = database.prepare<[string], RecordedRuleVote>(
      `SELECT number AS rule, handle AS "by", hash, vote, RuleVote.about, RuleVote.about_in AS aboutIn
       FROM RuleVote JOIN Rule ON Rule.id = RuleVote.rule JOIN HeldContract ON HeldContract.id = RuleVote.contract
       JOIN Party ON Party.id = RuleVote.party
       WHERE uid = ? AND removed_at IS NULL ORDER BY cast_at, Party.id`,
    )
  }

  of(contract: Uid): { readonly rules: readonly RecordedRule[]; readonly votes: readonly RecordedRuleVote[] } {
    return { rules: this.#rules.all(contract), votes: this.#votes.all(contract) }
  }
}
