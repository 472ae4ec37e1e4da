import type { Agent } from 'undici'

let agent: Promise<Agent> | undefined

/**
 * What `fetch` gets its answers by where they may take longer than five minutes, after which it gives up by itself: a write that is waited
 * for so long, is asked for in parts, or brings a file. Loaded when it is needed: half of the commands only read.
 */
export async function unhurried(): Promise<RequestInit> {
  agent ??= import('undici').then(({ Agent }) => new Agent({ headersTimeout: 0, bodyTimeout: 0 }))
  return { dispatcher: await agent } as unknown as RequestInit
}
