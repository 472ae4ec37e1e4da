/** What is wrong with an expression, for a person. `from`, `to`: UTF-16 units of the text, where there is one. */
export interface Fault {
  readonly code: FaultCode
  readonly message: string
  readonly from: number
  readonly to: number
  /** What may have been meant, as it would stand there. */
  readonly suggestion?: string
}

/** They stand in runtime/errors.ts, too. */
export type FaultCode =
  | 'expression_too_long'
  | 'expression_too_deep'
  | 'expression_syntax'
  | 'expression_unsupported'
  | 'expression_unknown_name'
  | 'expression_unknown_function'
  | 'expression_arguments_unfit'
  | 'expression_type_unfit'
  | 'expression_constant_unfit'
  | 'expression_malformed'
  | 'expression_over_budget'
