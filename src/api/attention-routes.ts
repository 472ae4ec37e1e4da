import { type FastifyPluginAsyncTypebox, Type } from '@fastify/type-provider-typebox'
import type { Attention, Listed } from '../projections/attention.ts'
import { TokenInQuery } from './validation.ts'

export interface AttentionRoutesPorts {
  /** From the read model, but for the obstacles, which this process knows at the moment. `overdueAfterMs`, `limit`: as of `AttentionQuery`. */
  readonly attention: (overdueAfterMs: number, limit: number) => Attention & { readonly obstacles: Listed<object> }
}

const OVERDUE_AFTER_SECONDS = 60
const LIMIT = 100

/** `GET /api/Attention`: what people should look at. */
export const attentionRoutes: FastifyPluginAsyncTypebox<AttentionRoutesPorts> = async (app, { attention }) => {
  app.get(
    '/api/Attention',
    {
      schema: {
        querystring: Type.Object(
          {
            overdueAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 366 * 24 * 60 * 60 })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
            ...TokenInQuery,
          },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query: { overdueAfterSeconds = OVERDUE_AFTER_SECONDS, limit = LIMIT } }) =>
      attention(overdueAfterSeconds * 1000, limit),
  )
}
