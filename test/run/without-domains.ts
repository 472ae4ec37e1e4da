import { registerHooks } from 'node:module'

/** Loaded before a test file: tap finds our `Domain`. */
const url = new URL('domain.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'async-hook-domain' ? { url, shortCircuit: true } : next(specifier, context),
})
