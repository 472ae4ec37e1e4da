import { Type } from 'typebox'
import type { ObstacleShown } from '../../contracts/obstacles/obstacles.ts'
import { heldAbouts, type Shown, withAbout } from '../../contracts/requests/held-abouts.ts'
import { aboutRef } from '../../documents/shown-outcome.ts'
import type { RefusedBy } from '../../events/outcome.ts'
import type { Attention, Listed } from '../../projections/queries/attention.ts'
import { recordedAbouts } from '../../projections/queries/recorded-about.ts'
import type { Store } from '../../store/port.ts'
import { AttentionSchema } from '../answers/attention.ts'
import type { TypedRoutes } from '../answers/typed-routes.ts'
import { TokenInQuery } from '../http/validation.ts'
import { closed, LIMIT, LimitSchema } from './forms.ts'

export interface AttentionRoutesPorts {
  /** Where the texts under the seals are read. */
  readonly store: Store
  /** From the read model, but for the obstacles, which this process knows at the moment. `overdueAfterMs`, `limit`: as of `AttentionQuery`. */
  readonly attention: (
    overdueAfterMs: number,
    limit: number,
  ) => Attention & { readonly obstacles: Listed<ObstacleShown> }
}

const OVERDUE_AFTER_SECONDS = 60

/** `GET /api/Attention`: what people should look at. */
export const attentionRoutes: TypedRoutes<AttentionRoutesPorts> = async (app, { attention, store }) => {
  const shown = async (refusal: Attention['refusals']['items'][number]) => {
    const refs = refusal.by.flatMap((one) => aboutRef(one.handle, one))
    const held = await heldAbouts(store.payloads, refusal.contract, refs)
    return { ...refusal, by: refusal.by.map((one): Shown<RefusedBy> => withAbout(one, held)) }
  }

  const shownErasure = async ({ about, aboutIn, ...one }: Attention['erasures']['items'][number]) => {
    const held = await heldAbouts(store.payloads, one.contract, recordedAbouts([{ about, aboutIn }]))
    return withAbout({ ...one, ...(about !== null && { about }) }, held)
  }

  app.get(
    '/api/Attention',
    {
      config: { role: 'reader', problems: ['read_model_missing'] },
      schema: {
        operationId: 'getAttention',
        summary: 'What people should look at',
        querystring: Type.Object(
          {
            overdueAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 366 * 24 * 60 * 60 })),
            limit: LimitSchema,
            ...TokenInQuery,
          },
          closed,
        ),
        response: { 200: AttentionSchema },
      },
    },
    async ({ query: { overdueAfterSeconds = OVERDUE_AFTER_SECONDS, limit = LIMIT } }) => {
      const found = attention(overdueAfterSeconds * 1000, limit)
      const { erasures, refusals } = found
      return {
        ...found,
        erasures: { count: erasures.count, items: await Promise.all(erasures.items.map(shownErasure)) },
        refusals: { count: refusals.count, items: await Promise.all(refusals.items.map(shown)) },
      }
    },
  )
}
