import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'

/** Gathers the routes of every app that is made from now on, as it registers them, with their roles. The answer ends it. */
export function watchRoutes(routes: Map<string, string | undefined>): () => void {
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url, config }) => {
      // What answers 405 is no route.
      if (config?.body === 'passed over') return
      for (const one of [method].flat()) if (one !== 'HEAD') routes.set(`${one} ${url}`, config?.role)
    })
  }
  subscribe('fastify.initialization', watch)
  return () => void unsubscribe('fastify.initialization', watch)
}
