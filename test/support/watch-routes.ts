import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'

/** Of a route: what stands at it. */
export type RegisteredRoute = Pick<RouteOptions, 'config' | 'schema'>

/** What a parameter is to be, so that something else is no route. */
const PATTERN = /\(\^[^/]*\$\)/

/** Gathers the routes of every app that is made from now on, with all that stands at them once all is registered. The answer ends it. */
export function watchRegistered(routes: Map<string, RegisteredRoute>): () => void {
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (route) => {
      if (route.config?.body === 'passed over') return
      for (const one of [route.method].flat())
        if (one !== 'HEAD') routes.set(`${one} ${route.url.replace(PATTERN, '')}`, route)
    })
  }
  subscribe('fastify.initialization', watch)
  return () => void unsubscribe('fastify.initialization', watch)
}

/** Gathers the routes of every app that is made from now on, as it registers them, with their roles. The answer ends it. */
export function watchRoutes(routes: Map<string, string | undefined>): () => void {
  const registered = new Map<string, RegisteredRoute>()
  const stop = watchRegistered(registered)
  return () => {
    stop()
    for (const [route, { config }] of registered) routes.set(route, config?.role)
  }
}
