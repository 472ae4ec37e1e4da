import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

/** How many SHA-256 hashes `run` computes through src/crypto/hash.ts, and over how many bytes in all. The hashes are real. */
export function countHashes(run: () => unknown): { readonly hashes: number; readonly bytes: number } {
  const { hash } = crypto
  let hashes = 0
  let bytes = 0
  crypto.hash = ((...given: Parameters<typeof hash>) => {
    hashes++
    bytes += Buffer.byteLength(given[1])
    return hash(...given)
  }) as typeof hash
  syncBuiltinESMExports()
  try {
    run()
  } finally {
    crypto.hash = hash
    syncBuiltinESMExports()
  }
  return { hashes, bytes }
}
