/** Of an expression: before it is parsed, before its tree is walked, and while it is evaluated (design §5a *Rule language*). */
export const expressionLimits = {
  /** UTF-16 units of the text. */
  textLengthMax: 2_000,
  /** Brackets of any kind that stand in each other. */
  levelsMax: 32,
  /** Nodes of a tree. A text of the greatest length has fewer. */
  nodesMax: 2_000,
  /** Digits of a number that is written down: more would be rounded without anybody having asked for it. */
  digitsMax: 34,
} as const

/** Steps that one rule may take for one entry. */
export const RULE_STEPS = 100_000

/** Of the tree's form and of the table of steps: what a vote is for does not change its meaning under a newer version. */
export const LANGUAGE_VERSION = 1
