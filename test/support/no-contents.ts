import type { ContentsPort } from '../../src/gossip/replica-port.ts'

/** Of a contract without contents. */
export const noContents: ContentsPort = {
  lacksPiecesOf: () => false,
  take: () => [],
  answered() {},
  arrived: async () => [],
  lines: async () => [],
}
