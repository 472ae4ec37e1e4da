import { hashToBytes } from '../crypto/hash.ts'
import type { Head } from '../events/statement.ts'

/** The text of a C2SP checkpoint (tlog-checkpoint): origin, size, root, and one extension line with the record hash. */
export function checkpointBody(origin: string, head: Head): string {
  const root = Buffer.from(hashToBytes(head.root)).toString('base64')
  return `${origin}\n${head.size}\n${root}\nrecord ${head.record}\n`
}

/** What a cosigner signs (C2SP tlog-cosignature, cosignature/v1). `time`: Unix seconds. */
export function cosignatureBytes(body: string, time: number): Uint8Array {
  return Buffer.from(`cosignature/v1\ntime ${time}\n${body}`)
}
