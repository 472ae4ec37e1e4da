import type Database from 'better-sqlite3'
import type { ContractEvent } from '../../events/contract-events.ts'
import type { ContractRows } from '../contract-rows.ts'
import type { ElementTable, RemovedElement } from './element-table.ts'
import { partyOf } from './party-table.ts'

/**
 * Rule sets and rules, as they are said now, with who has voted on that; `in_force` since the ledger index at which they were
 * published. `body` is JSON (docs/rules.md); expressions in it name elements by their ids. RuleFlag: conditions that do not hold.
 * What triggers have switched off has `active` 0. Attribute is what a rule that stands says, one by one.
 */
const SCHEMA = `
  CREATE TABLE RuleSet (
    id       INTEGER PRIMARY KEY,
    contract INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    name     TEXT NOT NULL,
    active   INTEGER NOT NULL,
    added_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE Rule (
    id         INTEGER PRIMARY KEY,
    contract   INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    element    INTEGER NOT NULL,
    rule_set   INTEGER,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    party      INTEGER NOT NULL,
    about      TEXT,
    about_in   TEXT,
    in_force   INTEGER,
    drafted_at INTEGER NOT NULL,
    edited_at  INTEGER,
    removed_at INTEGER
  ) STRICT;
  CREATE INDEX Rule_at ON Rule (element);

  CREATE VIEW Attribute AS
    SELECT Rule.id AS rule, Rule.contract AS contract, said.key AS name, Rule.body -> said.key AS value
    FROM Rule JOIN json_each(Rule.body) AS said WHERE Rule.removed_at IS NULL AND said.key <> 'kind';

  CREATE TABLE RuleVote (
    contract INTEGER NOT NULL,
    rule     INTEGER NOT NULL,
    party    INTEGER NOT NULL,
    hash     TEXT NOT NULL,
    vote     TEXT NOT NULL,
    about    TEXT,
    about_in TEXT,
    cast_at  INTEGER NOT NULL,
    PRIMARY KEY (rule, party)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE RuleFlag (
    contract INTEGER NOT NULL,
    rule     INTEGER NOT NULL,
    element  INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    PRIMARY KEY (rule, element)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX RuleFlag_at ON RuleFlag (element);
`

export type RuleEvent = Extract<
  ContractEvent,
  {
    type:
      | 'RuleSetAdded'
      | 'RuleDrafted'
      | 'RuleEdited'
      | 'RuleRemoved'
      | 'RuleVoteCast'
      | 'RulesPublished'
      | 'ReopenVoted'
      | 'EditReopened'
      | 'BlockSwitched'
      | 'RuleSetSwitched'
      | 'RuleFlagged'
      | 'RuleCleared'
  }
>

export class RuleTable {
  static readonly schema = SCHEMA
  readonly #elements: ElementTable
  readonly #run: (sql: string, ...values: unknown[]) => void

  constructor(database: Database.Database, elements: ElementTable) {
    this.#elements = elements
    const prepared = new Map<string, Database.Statement>()
    this.#run = (sql, ...values) => {
      const statement = prepared.get(sql) ?? database.prepare(sql)
      prepared.set(sql, statement)
      statement.run(...values)
    }
  }

  /** What is flagged at elements that are gone, is so no more. */
  removed(elements: readonly RemovedElement[]): void {
    const ids = JSON.stringify(elements.map(({ id }) => id))
    this.#run('DELETE FROM RuleFlag WHERE element IN (SELECT value FROM json_each(?))', ids)
  }

  apply(page: ContractRows, event: RuleEvent): void {
    const { base, number: contract, size: index } = page
    switch (event.type) {
      case 'RuleSetAdded': {
        const row = [base + event.ruleSet, contract, event.ruleSet, event.name, 1, index]
        this.#run(
          'INSERT INTO RuleSet (id, contract, number, name, active, added_at) VALUES (?, ?, ?, ?, ?, ?)',
          ...row,
        )
        break
      }
      case 'RuleDrafted': {
        const { rule, at, body } = event
        this.#run(
          `INSERT INTO Rule (id, contract, number, element, rule_set, kind, body, party, about, about_in, drafted_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[base + rule, contract, rule, this.#elements.idOf(page, at), ...said(page, event), body.kind],
          ...[JSON.stringify(body), partyOf(page, event.by).id, event.about ?? null, page.carrier, index],
        )
        break
      }
      case 'RuleEdited': {
        const { rule, body } = event
        this.#run('DELETE FROM RuleVote WHERE rule = ?', base + rule)
        this.#run(
          `UPDATE Rule SET rule_set = ?, kind = ?, body = ?, party = ?, about = ?, about_in = ?, edited_at = ? WHERE id = ?`,
          ...[...said(page, event), body.kind, JSON.stringify(body), partyOf(page, event.by).id],
          ...[event.about ?? null, page.carrier, index, base + rule],
        )
        break
      }
      case 'RuleRemoved':
        this.#run('UPDATE Rule SET removed_at = ? WHERE id = ?', index, base + event.rule)
        break
      case 'RuleVoteCast': {
        const { rule, by, hash, vote, about } = event
        this.#run(
          `INSERT OR REPLACE INTO RuleVote (contract, rule, party, hash, vote, about, about_in, cast_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[contract, base + rule, partyOf(page, by).id, hash, vote, about ?? null, page.carrier, index],
        )
        break
      }
      case 'RulesPublished':
        this.#run(
          `UPDATE Rule SET in_force = ? WHERE contract = ? AND removed_at IS NULL
             AND (rule_set IS NULL OR rule_set IN (SELECT value FROM json_each(?)))`,
          ...[index, contract, JSON.stringify(event.ruleSets.map((ruleSet) => base + ruleSet))],
        )
        break
      case 'ReopenVoted':
        break
      case 'EditReopened':
        this.#run('UPDATE Rule SET in_force = NULL WHERE contract = ?', contract)
        this.#run('UPDATE RuleSet SET active = 1 WHERE contract = ?', contract)
        this.#run('UPDATE Element SET active = 1 WHERE contract = ? AND active = 0', contract)
        this.#run('DELETE FROM RuleFlag WHERE contract = ?', contract)
        break
      case 'BlockSwitched':
        this.#run(
          'UPDATE Element SET active = ? WHERE id = ?',
          Number(event.active),
          this.#elements.idOf(page, event.element),
        )
        break
      case 'RuleSetSwitched':
        this.#run('UPDATE RuleSet SET active = ? WHERE id = ?', Number(event.active), base + event.ruleSet)
        break
      case 'RuleFlagged':
        this.#run(
          'INSERT INTO RuleFlag (contract, rule, element, since) VALUES (?, ?, ?, ?)',
          ...[contract, base + event.rule, this.#elements.idOf(page, event.at), index],
        )
        break
      case 'RuleCleared':
        this.#run(
          'DELETE FROM RuleFlag WHERE rule = ? AND element = ?',
          base + event.rule,
          this.#elements.idOf(page, event.at),
        )
        break
    }
  }
}

function said({ base }: ContractRows, { ruleSet }: { readonly ruleSet: number | null }): [number | null] {
  return [ruleSet === null ? null : base + ruleSet]
}
