import { Type } from 'typebox'
import { CountSchema, HandleSchema } from '../../events/ids.ts'
import { AnyValue, object, RequestKey, Time } from './common.ts'
import { ChangeSchema } from './element-views.ts'
import { ProblemSchema } from './problem.ts'
import { OutcomeSchema } from './requests.ts'

/** What is sent on `/live`. */
export const LiveAnswerSchemas = {
  change: ChangeSchema,
  request: object(
    {
      subject: Type.String(),
      index: CountSchema,
      request: RequestKey,
      by: HandleSchema,
      time: Time,
      outcome: OutcomeSchema,
    },
    'LiveRequest',
  ),
  state: object({ subject: Type.String(), value: AnyValue }, 'LiveState'),
  subscribed: object({ subscribed: Type.String(), index: Type.Optional(CountSchema) }, 'Subscribed'),
  /** `subscribe`: of a subscription that does not stand, what was said. */
  problem: object({ problem: ProblemSchema, subscribe: Type.Optional(Type.String()) }, 'LiveProblem'),
}
